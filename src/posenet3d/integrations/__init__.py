"""Other people's frameworks: each module needs an extra of the same name."""
