"""Keypoint files of detectors and tools; one format a file, each a plug-in."""

from posenet3d.keypoints.readers.alphapose import AlphaPoseReader
from posenet3d.keypoints.readers.coco import CocoReader
from posenet3d.keypoints.readers.mediapipe import MediaPipeReader
from posenet3d.keypoints.readers.mmpose import MMPoseReader
from posenet3d.keypoints.readers.npz import NpzReader
from posenet3d.keypoints.readers.ultralytics import UltralyticsReader

__all__ = [
    "AlphaPoseReader",
    "CocoReader",
    "MMPoseReader",
    "MediaPipeReader",
    "NpzReader",
    "UltralyticsReader",
]
