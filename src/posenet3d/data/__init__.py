"""From motion and keypoints to the windows that the networks learn from."""

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.annotated_npz import AnnotatedFile, write_annotated
from posenet3d.data.detector_noise import (
    NOISE,
    DetectorNoise,
    NoisyWindows,
    corrupt,
    corrupt_windows,
    detector_noise,
)
from posenet3d.data.motion import MotionClip, load_motion
from posenet3d.data.normalization import SCALE_MODES, Normalized, mean_head_to_root, normalize
from posenet3d.data.rigs import RIGS, Camera, CameraRig, camera_rig, observe
from posenet3d.data.scale import Anchoring, anchoring
from posenet3d.data.sequence_files import SequenceFiles
from posenet3d.data.shards import ShardedSet, ShardedWindows, load_shards, write_shards
from posenet3d.data.spoiling import Spoiling, SpoiltShare, spoil_windows
from posenet3d.data.training_set import TrainingSet, film, load_training_set
from posenet3d.data.windows import WindowSet

__all__ = [
    "NOISE",
    "RIGS",
    "SCALE_MODES",
    "Anchoring",
    "AnnotatedFile",
    "AnnotatedSequence",
    "Camera",
    "CameraRig",
    "DetectorNoise",
    "MotionClip",
    "NoisyWindows",
    "Normalized",
    "SequenceFiles",
    "ShardedSet",
    "ShardedWindows",
    "Spoiling",
    "SpoiltShare",
    "TrainingSet",
    "WindowSet",
    "anchoring",
    "camera_rig",
    "corrupt",
    "corrupt_windows",
    "detector_noise",
    "film",
    "load_motion",
    "load_shards",
    "load_training_set",
    "mean_head_to_root",
    "normalize",
    "observe",
    "spoil_windows",
    "write_annotated",
    "write_shards",
]
