"""Keypoint files of detectors and tools; one format a file, each a plug-in."""

from posenet3d.keypoints.readers.alphapose import AlphaPoseReader
from posenet3d.keypoints.readers.coco import CocoReader
from posenet3d.keypoints.readers.csv import CsvReader
from posenet3d.keypoints.readers.deeplabcut import DeepLabCutReader
from posenet3d.keypoints.readers.mediapipe import MediaPipeReader
from posenet3d.keypoints.readers.mmpose import MMPoseReader
from posenet3d.keypoints.readers.npz import NpzReader
from posenet3d.keypoints.readers.openpose import OpenPoseReader
from posenet3d.keypoints.readers.pose2sim import Pose2SimReader
from posenet3d.keypoints.readers.sleap import SleapReader
from posenet3d.keypoints.readers.ultralytics import UltralyticsReader
from posenet3d.keypoints.readers.videopose3d import VideoPose3DReader

__all__ = [
    "AlphaPoseReader",
    "CocoReader",
    "CsvReader",
    "DeepLabCutReader",
    "MMPoseReader",
    "MediaPipeReader",
    "NpzReader",
    "OpenPoseReader",
    "Pose2SimReader",
    "SleapReader",
    "UltralyticsReader",
    "VideoPose3DReader",
]
