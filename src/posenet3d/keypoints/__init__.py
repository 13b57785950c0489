"""2D keypoint sequences and the files that they come in."""

from posenet3d.keypoints.clips_npz import read_clips, write_clips
from posenet3d.keypoints.sequence import KeypointSequence

__all__ = ["KeypointSequence", "read_clips", "write_clips"]
