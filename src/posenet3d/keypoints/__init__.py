"""2D keypoint sequences and the files that they come in."""

from posenet3d.keypoints.clips_npz import read_clips, write_clips
from posenet3d.keypoints.csv_file import write_csv
from posenet3d.keypoints.loading import load_keypoints, load_people
from posenet3d.keypoints.reader import KeypointReader, Told
from posenet3d.keypoints.readers.mediapipe import from_mediapipe
from posenet3d.keypoints.readers.ultralytics import from_ultralytics
from posenet3d.keypoints.resampling import Resampled, resample
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource

__all__ = [
    "KeypointReader",
    "KeypointSequence",
    "KeypointSource",
    "Resampled",
    "Told",
    "from_mediapipe",
    "from_ultralytics",
    "load_keypoints",
    "load_people",
    "read_clips",
    "resample",
    "write_clips",
    "write_csv",
]
