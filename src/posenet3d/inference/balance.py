"""How a body is balanced: the centre of its mass, what bears it, where it faces."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from posenet3d.skeletons import LSP_14

SEGMENTS: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType(
    {
        ("neck", "head_top"): (0.0694, 0.5),
        ("neck", "hip"): (0.4346, 0.5),
        ("shoulder", "elbow"): (0.0271, 0.5772),
        ("elbow", "wrist"): (0.0223, 0.5474),
        ("hip", "knee"): (0.1416, 0.4095),
        ("knee", "ankle"): (0.0570, 0.5140),
    }
)
"""Each segment's share of the body's mass, and how far along it its centre of mass lies.

De Leva 1996, table 4, men; hand and foot are part of forearm and shank, head and trunk lie in
their middle here. Limbs count twice, once a side.
"""

SUPPORT_M = 0.2
"""Metres of height over which the lower ankle takes the weight from the other."""

_SHORTEST = 1e-9


def centre_of_mass(
    joints3d: Float[np.ndarray, "*batch 14 3"],
) -> Float[np.ndarray, "*batch 3"]:
    """Where the centre of the body's mass is, from segment masses (`SEGMENTS`).

    Args:
        joints3d: ``lsp_14`` joints, any frame and unit.

    Example:
        >>> centre_of_mass(np.ones((5, 14, 3)))[0].round(9)
        array([1., 1., 1.])
    """
    total, moment = 0.0, np.zeros_like(joints3d[..., 0, :])
    for (near, far), (mass, share) in SEGMENTS.items():
        trunk = near == "neck"
        sides = ("",) if trunk else ("right_", "left_")
        for side in sides:
            start = joints3d[..., LSP_14.index(side + near), :]
            end = (
                _middle(joints3d, far)
                if trunk and far == "hip"
                else joints3d[..., LSP_14.index(side + far), :]
            )
            moment = moment + mass * ((1 - share) * start + share * end)
            total += mass
    return np.asarray(moment / total)


def ahead(points: Float[np.ndarray, "*batch 14 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Where a person faces, a unit vector; zeros where hips and trunk lie in one line.

    Args:
        points: ``lsp_14`` joints, camera frame.

    Example:
        >>> ahead(np.zeros((5, 14, 3)))[0]
        array([0., 0., 0.])
    """
    right, left = LSP_14.indices("right_hip", "left_hip")
    across = points[..., right, :] - points[..., left, :]
    return unit(np.cross(trunk_axis(points), unit(across)))


def trunk_axis(points: Float[np.ndarray, "*batch 14 3"]) -> Float[np.ndarray, "*batch 3"]:
    """The unit vector from the hips' middle to the neck; zeros where they coincide.

    Args:
        points: ``lsp_14`` joints, any frame and unit.

    Example:
        >>> trunk_axis(np.zeros((5, 14, 3))).shape
        (5, 3)
    """
    return unit(points[..., LSP_14.index("neck"), :] - _middle(points, "hip"))


def support(
    points: Float[np.ndarray, "frames 14 3"], up: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "frames 3"]:
    """What bears the body: the lower ankle, or what lies between both where they are as low.

    Args:
        points: ``lsp_14`` joints, metres.
        up: unit vector against gravity in their frame.

    Example:
        >>> support(np.ones((5, 14, 3)), np.array([0.0, -1.0, 0.0]))[0]
        array([1., 1., 1.])
    """
    ankles = points[:, LSP_14.indices("right_ankle", "left_ankle")]
    height = ankles @ up
    weight = np.exp(-(height - height.min(axis=1, keepdims=True)) / SUPPORT_M)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray((weight[..., None] * ankles).sum(axis=1))


def leg_extension(points: Float[np.ndarray, "frames 14 3"]) -> Float[np.ndarray, " frames"]:
    """The distance from hip to ankle in parts of the leg's length, of the straighter leg.

    Args:
        points: ``lsp_14`` joints, any frame and unit.

    Example:
        >>> leg_extension(np.zeros((5, 14, 3))).shape
        (5,)
    """
    parts = []
    for side in ("right", "left"):
        hip, knee, ankle = (
            points[:, LSP_14.index(f"{side}_{joint}")] for joint in ("hip", "knee", "ankle")
        )
        length = np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - ankle, axis=-1)
        parts.append(np.linalg.norm(hip - ankle, axis=-1) / np.maximum(length, _SHORTEST))
    return np.asarray(np.maximum(*parts))


def unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors of length 1; one without length stays as it is.

    Example:
        >>> unit(np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]))
        array([[0., 1., 0.],
               [0., 0., 0.]])
    """
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, _SHORTEST))


def _middle(points: Float[np.ndarray, "*batch 14 3"], joint: str) -> Float[np.ndarray, "*batch 3"]:
    pair = LSP_14.indices(f"right_{joint}", f"left_{joint}")
    return np.asarray(points[..., pair, :].mean(axis=-2))
