"""From motion and keypoints to the windows that the networks learn from."""
