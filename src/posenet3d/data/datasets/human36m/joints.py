"""The joints of Human3.6M's files: 32 of the motion capture's skeleton, of which 17 are used."""

import numpy as np
from jaxtyping import Float

from posenet3d.skeletons import layout

RELEASED: tuple[str, ...] = (
    "hips",
    "right_up_leg", "right_leg", "right_foot", "right_toe_base", "right_toe_end",
    "left_up_leg", "left_leg", "left_foot", "left_toe_base", "left_toe_end",
    "spine", "spine1", "neck", "head", "head_end",
    "left_shoulder", "left_arm", "left_fore_arm", "left_hand", "left_hand_thumb",
    "left_thumb_end", "left_wrist_end", "left_hand_end",
    "right_shoulder", "right_arm", "right_fore_arm", "right_hand", "right_hand_thumb",
    "right_thumb_end", "right_wrist_end", "right_hand_end",
)  # fmt: skip
"""The 32 joints of the files, in order, by the names of the skeleton in ``metadata.xml``.

The ends of chains, all called ``Site`` there, have names of their own here.
"""

_STANDS_FOR = {
    "pelvis": "hips",
    "right_hip": "right_up_leg",
    "right_knee": "right_leg",
    "right_ankle": "right_foot",
    "left_hip": "left_up_leg",
    "left_knee": "left_leg",
    "left_ankle": "left_foot",
    "spine": "spine1",
    "thorax": "neck",
    "nose": "head",
    "head_top": "head_end",
    "left_shoulder": "left_arm",
    "left_elbow": "left_fore_arm",
    "left_wrist": "left_hand",
    "right_shoulder": "right_arm",
    "right_elbow": "right_fore_arm",
    "right_wrist": "right_hand",
}
_PLACES = np.array(
    [RELEASED.index(_STANDS_FOR[name]) for name in layout("h36m_17").joint_names], dtype=np.int64
)


def moving_joints(
    released: Float[np.ndarray, "*batch 32 axes"],
) -> Float[np.ndarray, "*batch 17 axes"]:
    """The 17 joints in use out of the files' 32: layout ``h36m_17``.

    The selection of 3d-pose-baseline (``H36M_NAMES`` in its ``src/data_utils.py``), VideoPose3D
    (``remove_joints`` in ``common/h36m_dataset.py``) and SPIN (``datasets/preprocess/h36m.py``).
    The files' ``right_arm`` is the shoulder joint, their ``right_shoulder`` the inner end of the
    collarbone.

    Args:
        released: (..., 32, D) in the order of `RELEASED`, any unit and frame.

    Returns:
        (..., 17, D) in layout ``h36m_17``, a copy.

    Example:
        >>> moving_joints(np.zeros((50, 32, 3))).shape
        (50, 17, 3)
    """
    return np.asarray(released[..., _PLACES, :])
