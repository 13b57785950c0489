"""Which layout a file's joints are in, and how many of them the library has a place for."""

from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.source import KeypointSource
from posenet3d.skeletons import LAYOUTS

WHOLE_BODY = {133: "coco_17", 136: "halpe_26"}
"""Layouts that begin with a body's: COCO-WholeBody goes on with feet, face and hands, Halpe 136
with face and hands."""

_OTHER_NAMES = {
    "root": "pelvis",
    "left_foot": "left_ankle",
    "right_foot": "right_ankle",
    "neck_base": "nose",
    "head": "head_top",
    "hip": "mid_hip",
}
"""What MMPose calls joints of Human3.6M and Halpe 26."""


def kept_joints(
    source: KeypointSource,
    told: Told,
    joints: int,
    candidates: tuple[str, ...],
    names: tuple[str, ...] | None = None,
) -> tuple[str, int]:
    """The layout, and how many of the leading joints are in it.

    Args:
        source: the file, for errors.
        told: a layout goes before all else.
        joints: how many joints a person has in the file.
        candidates: the layouts that the format is written in.
        names: the joints' names, where the file has them.

    Raises:
        KeypointFormatError: no layout fits, or several; or the one that was told does not.
        UnknownNameError: no such layout.

    Example:
        >>> from pathlib import Path
        >>> kept_joints(KeypointSource(Path("a.json")), Told(), 133, ("coco_17",))
        ('coco_17', 17)
    """
    if told.layout is None and names is not None:
        return _by_names(source, names, joints)
    body = WHOLE_BODY.get(joints)
    if body is not None and told.layout in (None, body):
        return body, len(LAYOUTS[body])
    layout = told.layout_of(source, joints, *candidates)
    return layout, joints


def _by_names(source: KeypointSource, names: tuple[str, ...], joints: int) -> tuple[str, int]:
    """The largest layout whose joints are the first of those named."""
    if len(names) != joints:
        raise source.error("joints", f"{len(names)} as there are names of them", f"{joints}")
    plain = tuple(name.strip().lower().replace(" ", "_").replace("-", "_") for name in names)
    other = tuple(_OTHER_NAMES.get(name, name) for name in plain)
    for layout, skeleton in sorted(LAYOUTS.items(), key=lambda item: -len(item[1])):
        size = len(skeleton)
        if skeleton.joint_names in (plain[:size], other[:size]):
            return layout, size
    listed = ", ".join(name[:20] for name in names[:6])
    raise source.error(
        "joints",
        "the joints of a layout in its order",
        f"{len(names)}: {listed}{' …' if len(names) > 6 else ''}",
        "if it is one under other names",
        say=["layout"],
    )
