"""Body parts that a file's user named, as the joints of a layout: by name, never by order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from posenet3d.errors import KeypointFormatError, UnknownNameError
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource
from posenet3d.skeletons import LAYOUTS, Skeleton, convert, layout

MAX_PARTS = 10_000
"""The most parts that a file may name."""

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "shoulder": ("sho", "shldr"),
        "elbow": ("elb",),
        "wrist": ("wri",),
        "knee": ("kne",),
        "ankle": ("ank",),
        "big_toe": ("bigtoe",),
        "small_toe": ("smalltoe", "littletoe"),
        "head_top": ("headtop", "topofhead", "tophead", "tophd"),
        "mid_hip": ("midhip", "middlehip"),
        "upper_neck": ("upperneck",),
    }
)
"""Other words for a joint that leave no doubt; ``l``, ``left``, ``r``, ``right`` may stand before
or behind: ``RKnee``, ``knee_r``, ``Right knee``, ``kneeRight``."""


@dataclass(frozen=True)
class PlacedParts:
    """Where a file's parts belong in a layout.

    Example:
        >>> from pathlib import Path
        >>> placed = place_parts(["RKnee", "left ear"], KeypointSource(Path("a.csv")), Told())
        >>> placed.layout, placed.joints
        ('coco_17', (14, 3))
    """

    layout: str
    """The layout."""
    joints: tuple[int, ...]
    """Places in the layout."""
    parts: tuple[int, ...]
    """The part, by its place in the file, that is each of them."""

    def arranged(
        self, values: Float[np.ndarray, "frames parts *axes"]
    ) -> Float[np.ndarray, "frames joints *axes"]:
        """Values by part as values by joint; NaN for joints that no part is."""
        made = np.full((len(values), len(layout(self.layout)), *values.shape[2:]), np.nan)
        made[:, list(self.joints)] = values[:, list(self.parts)]
        return made


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _spellings(joint: str) -> tuple[str, ...]:
    """All that a joint may be called, in small letters and digits."""
    side, _, part = joint.partition("_")
    if side not in ("left", "right"):
        return tuple(map(_letters, (joint, *SYNONYMS.get(joint, ()))))
    words = [_letters(word) for word in (part, *SYNONYMS.get(part, ()))]
    pairs = list(product((side, side[0]), words))
    return tuple([side + word for side, word in pairs] + [word + side for side, word in pairs])


_JOINTS = dict.fromkeys(joint for each in LAYOUTS.values() for joint in each.joint_names)
_JOINT_OF = {spelling: joint for joint in _JOINTS for spelling in _spellings(joint)}


def joint_named(part: str) -> str | None:
    """The joint that a part's name means beyond doubt.

    Case, spaces, dots, dashes and underscores do not matter; see `SYNONYMS`.

    Args:
        part: the name in the file.

    Returns:
        A joint of one of our layouts, or ``None``.

    Example:
        >>> joint_named("RKnee"), joint_named("knee - left"), joint_named("tail")
        ('right_knee', 'left_knee', None)
    """
    return _JOINT_OF.get(_letters(part))


def place_parts(parts: Sequence[str], source: KeypointSource, told: Told) -> PlacedParts:
    """Where a file's parts belong in a layout, by their names.

    What the caller told of names goes first; other parts go by their own names. The layout is the
    one told; else of those that have all joints named in the file the one that gives most of the
    14 canonical joints, and of these the one with the fewest joints, the first
    by its name. Joints are placed by name, so
    nothing is lost or exchanged by the choice. Unless the caller told either, every part must be a
    joint.

    Args:
        parts: the names in the file.
        source: the file, for errors.
        told: what the caller said.

    Raises:
        KeypointFormatError: the names do not tell; it asks for ``joints=`` or ``layout=``.
        UnknownNameError: no such layout, or it has no such joint.

    Example:
        >>> from pathlib import Path
        >>> told = Told(layout="lsp_14", joints={"head_top": "hat"})
        >>> place_parts(["hat", "ball"], KeypointSource(Path("a.csv")), told)
        PlacedParts(layout='lsp_14', joints=(13,), parts=(0,))
    """
    _check_names(parts, source)
    joint_of = _named_by_the_caller(parts, source, told)
    for part in parts:
        joint = joint_named(part)
        if part not in joint_of and joint is not None and joint not in told.joints:
            joint_of[part] = joint
    unknown = [part for part in parts if part not in joint_of]
    if unknown and told.layout is None and not told.joints:
        raise _unclear(source, f"{_listed(unknown)}", "which no layout has")
    name = (
        told.layout
        if told.layout is not None
        else _best_layout(frozenset(joint_of.values()), source)
    )
    skeleton = layout(name)
    for joint in told.joints:
        skeleton.index(joint)
    placed = {part: joint for part, joint in joint_of.items() if joint in skeleton.joint_names}
    if not placed:
        raise _unclear(source, _listed(parts), f"none of which is a joint of {name!r}")
    _check_once(placed, source)
    order = [(skeleton.index(placed[part]), at) for at, part in enumerate(parts) if part in placed]
    return PlacedParts(name, tuple(joint for joint, _ in order), tuple(at for _, at in order))


def person_of_parts(
    source: KeypointSource,
    told: Told,
    parts: Sequence[str],
    points: Float[np.ndarray, "frames parts 2"],
    confidence: Float[np.ndarray, "frames parts"] | None,
    frame_index: Int[np.ndarray, " frames"],
    *,
    name: str | None = None,
    number: int | None = None,
) -> KeypointSequence | None:
    """One person of a file whose parts its user named; ``None`` where nobody is ever seen.

    A part without both coordinates is unknown; a known part whose confidence is missing was set by
    hand, and has 1. Frames in which nothing is known are left out.

    Args:
        source: the file.
        told: what the caller said.
        parts: the names in the file.
        points: x right, y down, in pixels.
        confidence: zero or more, or ``None``.
        frame_index: each row's frame, in any order.
        name: the person's name in the file, or ``None``.
        number: the person's number, or ``None``.

    Raises:
        KeypointFormatError: as `place_parts`; fps is unknown; two rows are of one frame; or what
            `KeypointSequence` refuses.
        UnknownNameError: as `place_parts`.
    """
    placed = place_parts(parts, source, told)
    points = np.where(np.isnan(points).any(axis=-1, keepdims=True), np.nan, points)
    made = placed.arranged(points)
    certain = np.ones(points.shape[:2]) if confidence is None else confidence
    certain = placed.arranged(np.where(np.isnan(certain), 1.0, certain))
    order = np.argsort(frame_index, kind="stable")
    order = order[~np.isnan(made[order]).all(axis=(1, 2))]
    if len(order) == 0:
        return None
    try:
        return KeypointSequence(
            made[order],
            certain[order],
            layout=placed.layout,
            fps=told.fps_of(source, None, len(points)),
            image_size=told.image_size,
            frame_index=frame_index[order],
            track_id=number,
            source=source.name if name is None else f"{source.name}/{name}",
        )
    except KeypointFormatError as error:
        what = str(error).removeprefix(f"{error.source}: ")
        raise KeypointFormatError(source, f"{name}: {what}" if name else what) from None


def _check_names(parts: Sequence[str], source: KeypointSource) -> None:
    if not 0 < len(parts) <= MAX_PARTS:
        raise source.error("parts", f"1 to {MAX_PARTS}", f"{len(parts)}")
    twice = sorted({part for part in parts if parts.count(part) > 1}) if len(parts) < 500 else []
    if twice or len(set(parts)) != len(parts):
        raise source.error("parts", "each name once", f"{_listed(twice)} twice")


def _named_by_the_caller(
    parts: Sequence[str], source: KeypointSource, told: Told
) -> dict[str, str]:
    """The joint that each part is, as far as the caller said."""
    for joint, part in told.joints.items():
        if part not in parts:
            error = UnknownNameError("part", part, parts[:100])
            raise KeypointFormatError(source, f"joints: {joint!r}: {error}")
        if joint not in _JOINTS:
            raise UnknownNameError("joint", joint, _JOINTS)
    joint_of = {part: joint for joint, part in told.joints.items()}
    if len(joint_of) != len(told.joints):
        raise KeypointFormatError(source, "joints: expected another part for each joint.")
    return joint_of


def _best_layout(joints: frozenset[str], source: KeypointSource) -> str:
    """The layout that has them all and gives the most of the canonical joints."""
    name = _best_of(joints)
    if name is None:
        raise _unclear(source, _listed(sorted(joints)), "which no layout has together")
    return name


@lru_cache(maxsize=64)
def _best_of(joints: frozenset[str]) -> str | None:
    fitting = [each for each in LAYOUTS.values() if joints and joints <= set(each.joint_names)]
    ranks = {(-_canonical(each, joints), len(each), each.name): each for each in fitting}
    return ranks[min(ranks)].name if ranks else None


def _canonical(skeleton: Skeleton, joints: frozenset[str]) -> int:
    """How many of the canonical joints some joints of a layout give."""
    known = np.where([name in joints for name in skeleton.joint_names], 0.0, np.nan)
    made = convert(np.stack([known, known], axis=-1), skeleton)
    return int(np.isfinite(made.points[:, 0]).sum())


def _check_once(placed: Mapping[str, str], source: KeypointSource) -> None:
    """One part a joint."""
    part_of: dict[str, str] = {}
    for part, joint in placed.items():
        if part_of.setdefault(joint, part) != part:
            raise source.error(
                "parts", "one a joint", f"{part_of[joint]!r} and {part!r} for {joint!r}",
                f"for {joint!r}", say=["joints"],
            )  # fmt: skip


def _unclear(source: KeypointSource, got: str, why: str) -> KeypointFormatError:
    return source.error(
        "parts", "names of joints", f"{got}, {why}",
        "(our joint: the file's part)", say=["layout", "joints"],
    )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:12])
    return shown + (", ..." if len(names) > 12 else "")
