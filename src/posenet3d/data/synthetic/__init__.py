"""Synthetic human motion: deterministic, varied, anatomically sane; the data of demos and tests.

``curves`` (smooth curves) and ``angles`` (joint angles and their limits) are the ground;
``gait``, ``gestures`` and ``actions`` say how people move; ``grounding`` puts them on their feet;
``poses`` and ``motion`` give the clips, ``dataset`` the training set.
"""

from posenet3d.data.synthetic.angles import FREE, LIMITS
from posenet3d.data.synthetic.dataset import synthetic_training_set
from posenet3d.data.synthetic.motion import body_to_world, lsp_joints, synthetic_motion
from posenet3d.data.synthetic.poses import ACTIVITIES, SyntheticPoses, synthetic_poses

__all__ = [
    "ACTIVITIES",
    "FREE",
    "LIMITS",
    "SyntheticPoses",
    "body_to_world",
    "lsp_joints",
    "synthetic_motion",
    "synthetic_poses",
    "synthetic_training_set",
]
