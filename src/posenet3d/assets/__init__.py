"""Data that ships with the package; `README.md` beside it tells where each file comes from."""
