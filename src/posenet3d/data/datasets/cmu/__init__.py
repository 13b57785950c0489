"""The CMU Graphics Lab's motion capture: its files read, and made into clips of Human3.6M's joints.

``.asf`` and ``.amc`` files, or B. Hahne's BVH conversion of them; :mod:`.joint_map` tells
which joint is which, and what the conversion lost.
"""

from posenet3d.data.datasets.cmu.amc import read_amc
from posenet3d.data.datasets.cmu.asf import AcclaimSkeleton, Bone, read_asf
from posenet3d.data.datasets.cmu.bvh import BvhMotion, read_bvh
from posenet3d.data.datasets.cmu.dataset import CmuDataset, open_recordings
from posenet3d.data.datasets.cmu.joint_map import human36m_joints, with_lost_bones
from posenet3d.data.datasets.cmu.joint_tracks import JointTracks
from posenet3d.data.datasets.cmu.motion_clips import Cutting
from posenet3d.data.datasets.cmu.motion_file import write_motion
from posenet3d.data.datasets.cmu.open_split import OPEN_SPLIT, OPEN_SUBJECTS
from posenet3d.data.datasets.cmu.recordings import Recording, each_clip, find_recordings

__all__ = [
    "OPEN_SPLIT",
    "OPEN_SUBJECTS",
    "AcclaimSkeleton",
    "Bone",
    "BvhMotion",
    "CmuDataset",
    "Cutting",
    "JointTracks",
    "Recording",
    "each_clip",
    "find_recordings",
    "human36m_joints",
    "open_recordings",
    "read_amc",
    "read_asf",
    "read_bvh",
    "with_lost_bones",
    "write_motion",
]
