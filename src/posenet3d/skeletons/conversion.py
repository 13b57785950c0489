"""Points of one layout as points of another, joint by joint and by name.

A joint that the source lacks is made from others where that is well defined (neck, head top,
middle of the hips), and marked as synthesised; otherwise it is unknown (NaN).
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np

from posenet3d.errors import ShapeError
from posenet3d.skeletons.layouts import layout
from posenet3d.skeletons.skeleton import Skeleton

HEAD_TOP_FROM_FACE = 1.67
"""How far the head top lies from the neck, in units of the face's middle: k in `convert`.

Least squares of (head top - neck) = k (face - neck) over all frames of the CMU training subjects
(S01, S02, S05, S06, S07, S13, S60, S61), neck = middle of the shoulders, face = Human3.6M's nose
joint, which lies in the middle of the head: k = 1.67. On 100 frames of real OpenPose BODY_25B
output, with the visible ears, eyes and nose, the same fit gives 1.65.
"""

_STANDS_FOR = {
    "neck": ("neck", "upper_neck", "thorax"),
    "upper_neck": ("upper_neck", "neck"),
    "thorax": ("thorax", "neck"),
    "pelvis": ("pelvis", "mid_hip"),
    "mid_hip": ("mid_hip", "pelvis"),
}
_FACE = ("left_ear", "right_ear", "left_eye", "right_eye", "nose")


class Converted(NamedTuple):
    """Points in another layout.

    Attributes:
        points: (..., joints, D) in the source's frame and unit; NaN where unknown.
        synthesized: (joints,), true where a joint was made from others instead of read.
        confidence: (..., joints): a synthesised joint has the smallest of those that it was made
            from, an unknown joint 0; without a confidence given, each known joint has 1.
    """

    points: np.ndarray
    synthesized: np.ndarray
    confidence: np.ndarray


class _Joint(NamedTuple):
    """One joint's track (..., D) and its confidence (...)."""

    points: np.ndarray
    confidence: np.ndarray
    synthesized: bool = False


class _Source(NamedTuple):
    """The points at hand, asked for by name."""

    points: np.ndarray
    confidence: np.ndarray
    skeleton: Skeleton

    def first_of(self, names: tuple[str, ...]) -> _Joint | None:
        """The first of some joints that the source has."""
        for name in names:
            if name in self.skeleton.joint_names:
                index = self.skeleton.index(name)
                return _Joint(self.points[..., index, :], self.confidence[..., index])
        return None

    def unknown(self) -> _Joint:
        """A joint that nothing is known of."""
        return _Joint(
            np.full_like(self.points[..., 0, :], np.nan), np.zeros_like(self.confidence[..., 0])
        )


def convert(
    points: np.ndarray,
    source: Skeleton | str,
    target: Skeleton | str = "lsp_14",
    confidence: np.ndarray | None = None,
) -> Converted:
    """Points of one layout as points of another, joined by the joints' names.

    What the source lacks is made from what it has, in this order:

    * neck: the source's neck, upper neck or thorax (they differ by some centimetres, and count
      as read); else the middle of the shoulders;
    * head top: neck + k (face - neck) with `HEAD_TOP_FROM_FACE` and the face as the middle of
      the visible ears, eyes and nose. It follows the head's own direction, so a bent or lying
      body is as good as an upright one. SMPL has only its head joint, which lies lower than the
      head top: it is taken as it is, and marked;
    * pelvis or middle of the hips: the middle of both hips.

    Anything else is NaN with confidence 0. A joint made from an unknown one is unknown; a face
    needs one visible joint: finite and, if there is a confidence, more than 0.

    Args:
        points: (..., J, D), D = 2 or 3, any unit and frame; NaN where unknown.
        source: the layout of `points`.
        target: the layout to convert to.
        confidence: (..., J), or ``None``.

    Returns:
        `Converted` points, the mask of synthesised joints, and the confidence.

    Raises:
        ShapeError: points or confidence do not fit the source layout.
        UnknownNameError: no such layout.

    Example:
        >>> walker = np.zeros((100, 17, 2))
        >>> made = convert(walker, "coco_17", "lsp_14")
        >>> made.points.shape, made.synthesized.sum()  # the neck and the head top
        ((100, 14, 2), np.int64(2))
    """
    given = layout(source) if isinstance(source, str) else source
    wanted = layout(target) if isinstance(target, str) else target
    points = np.asarray(points, dtype=np.float64)
    given.check(points)
    known = _Source(points, _checked_confidence(points, confidence), given)
    if wanted.joint_names == given.joint_names:
        return Converted(points.copy(), np.zeros(len(given), dtype=np.bool_), known.confidence)
    joints = [_joint(known, name) for name in wanted.joint_names]
    return Converted(
        points=np.stack([joint.points for joint in joints], axis=-2),
        synthesized=np.array([joint.synthesized for joint in joints]),
        confidence=np.stack([joint.confidence for joint in joints], axis=-1),
    )


def _checked_confidence(points: np.ndarray, confidence: np.ndarray | None) -> np.ndarray:
    known = reduce(np.logical_and, np.moveaxis(np.isfinite(points), -1, 0))
    if confidence is None:
        return np.asarray(known, dtype=np.float64)
    confidence = np.asarray(confidence, dtype=np.float64)
    if confidence.shape != points.shape[:-1]:
        raise ShapeError(
            "confidence",
            expected=f"{points.shape[:-1]} for these points",
            got=f"{confidence.shape}",
        )
    return np.where(known, confidence, 0.0)


def _joint(source: _Source, name: str) -> _Joint:
    """One joint of the target: read, else made, else unknown."""
    read = source.first_of(_STANDS_FOR.get(name, (name,)))
    if read is not None:
        return read
    make = _MAKERS.get(name)
    return make(source) if make else source.unknown()


def _middle(source: _Source, *names: str) -> _Joint:
    """The middle of two joints, unknown where one of them is."""
    joints = [source.first_of((name,)) or source.unknown() for name in names]
    return _Joint(
        sum((joint.points for joint in joints), np.zeros(())) / len(joints),
        np.minimum.reduce([joint.confidence for joint in joints]),
        synthesized=True,
    )


def _neck(source: _Source) -> _Joint:
    return _middle(source, "left_shoulder", "right_shoulder")


def _mid_hip(source: _Source) -> _Joint:
    return _middle(source, "left_hip", "right_hip")


def _head_top(source: _Source) -> _Joint:
    head = source.first_of(("head",))
    if head is not None:
        return head._replace(synthesized=True)
    neck, face = _joint(source, "neck"), _face(source)
    return _Joint(
        neck.points + HEAD_TOP_FROM_FACE * (face.points - neck.points),
        np.minimum(neck.confidence, face.confidence),
        synthesized=True,
    )


def _face(source: _Source) -> _Joint:
    """The middle of the visible ears, eyes and nose; unknown where none is visible."""
    names = [name for name in _FACE if name in source.skeleton.joint_names]
    if not names:
        return source.unknown()
    joints = list(source.skeleton.indices(*names))
    points, confidence = source.points[..., joints, :], source.confidence[..., joints]
    visible = np.isfinite(points).all(axis=-1) & (confidence > 0)
    total = np.where(visible[..., None], points, 0.0).sum(axis=-2)
    count = visible.sum(axis=-1)
    nothing = count == 0
    middle = np.where(nothing[..., None], np.nan, total / np.maximum(count, 1)[..., None])
    smallest = np.where(visible, confidence, np.inf).min(axis=-1)
    return _Joint(middle, np.where(nothing, 0.0, smallest), synthesized=True)


_MAKERS: dict[str, Callable[[_Source], _Joint]] = {
    "neck": _neck,
    "upper_neck": _neck,
    "thorax": _neck,
    "head_top": _head_top,
    "pelvis": _mid_hip,
    "mid_hip": _mid_hip,
}
