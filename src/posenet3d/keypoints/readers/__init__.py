"""Keypoint files of detectors and tools; one format a file, each a plug-in."""

from posenet3d.keypoints.readers.npz import NpzReader

__all__ = ["NpzReader"]
