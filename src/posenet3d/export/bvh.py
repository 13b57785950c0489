"""A moving skeleton as a BVH file, which Blender, MotionBuilder and most animation tools open."""

import os
from collections.abc import Iterator
from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from posenet3d.errors import UnknownNameError
from posenet3d.export.euler_angles import EulerOrder, rotmat_to_euler_degrees
from posenet3d.export.joint_motion import (
    JointMotion,
    bone_ends,
    fill_gaps,
    joint_motion,
    skin_at_rest,
)
from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction
from posenet3d.reconstruction.world import RootMotion

BvhUnit = Literal["m", "cm"]
UNITS_A_METRE = {"m": 1.0, "cm": 100.0}

_POSITIONS = "Xposition Yposition Zposition"
_FRAMES_AT_ONCE = 4096


class BvhConfig(BaseModel):
    """Options of the exporter ``bvh``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: BvhUnit = "m"
    """Lengths: metres, as Blender takes them, or centimetres, as MotionBuilder and Maya do."""

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""

    order: EulerOrder = "ZXY"
    """The rotation channels in the file's order: ``ZXY`` is ``R = Rz Rx Ry``."""


@configured_by(BvhConfig)
def write_bvh(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    unit: BvhUnit = "m",
    root: RootMotion = "grounded",
    order: EulerOrder = "ZXY",
) -> None:
    """The reconstruction's body as a BVH file: a skeleton at rest, and its turns at every frame.

    Joints have the body model's names; their offsets are those of the body with its shape and
    scale at rest, arms to the sides, facing +z. The world is y up, the floor at height 0, x to
    the camera's right. The root's three positions are where the joint is (its offset is zero, so
    it does not matter whether a program adds it), then every joint has three rotations in
    degrees, applied as written: ``Zrotation Xrotation Yrotation`` is ``R = Rz Rx Ry``. They run
    smoothly over half turns and through gimbal lock. End sites reach to the skin's end: crown,
    fingertips, toes. A gap in the frames is filled with the shortest turns between its ends.

    A BVH file has no place for units. Metres are the default since Blender takes a number for a
    metre, so the person imports at the right size with scale 1; MotionBuilder and Maya take it for
    a centimetre: ``unit="cm"``. Neither can it say whether the scale is known, where the up axis
    came from, or the body's family: that is in ``.npz`` and ``.glb`` files.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: one with a body.
        unit: ``"m"`` or ``"cm"``.
        root: see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`.
        order: the rotation channels' order.

    Raises:
        PoseNet3DError: there is no body, or a gap of more than `MOST_FRAMES` frames.
        ShapeError: a number of the body's is not finite.
        StorageError: the file cannot be written.
        UnknownNameError: no such unit, root motion or order.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import KeypointSequence
        >>> from posenet3d.plugins import PluginSpec
        >>> from posenet3d.reconstruction import BodyMotion
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> eye = np.broadcast_to(np.eye(3), (5, 24, 3, 3))
        >>> body = BodyMotion(np.zeros(10), eye, np.zeros((5, 3)), PluginSpec(name="mannequin"))
        >>> lifted = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen, body)
        >>> path = Path(tempfile.mkdtemp()) / "still.bvh"
        >>> write_bvh(path=path, reconstruction=lifted)
        >>> print(*path.read_text().split()[1:5], *path.read_text().splitlines()[4].split())
        ROOT pelvis { OFFSET CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    """
    if unit not in UNITS_A_METRE:
        raise UnknownNameError("unit", unit, UNITS_A_METRE)
    motion = fill_gaps(joint_motion(reconstruction, "A BVH file", root))
    channels = " ".join(f"{axis}rotation" for axis in order)
    columns = [motion.root * UNITS_A_METRE[unit]]
    for joint in _depth_first(motion.parents, 0):
        columns.append(rotmat_to_euler_degrees(motion.rotations[:, joint], order))
    ends = bone_ends(motion, skin_at_rest(reconstruction))
    with atomic_write(path) as file:
        lines = _hierarchy(motion, ends, channels, UNITS_A_METRE[unit])
        file.write("".join(f"{line}\n" for line in ["HIERARCHY", *lines]).encode())
        head = f"MOTION\nFrames: {len(motion.root)}\nFrame Time: {1 / motion.fps:.10g}\n"
        file.write(head.encode())
        for start in range(0, len(motion.root), _FRAMES_AT_ONCE):
            block = np.concatenate([c[start : start + _FRAMES_AT_ONCE] for c in columns], axis=1)
            file.write(_rows(block))


def _depth_first(parents: tuple[int, ...], joint: int) -> Iterator[int]:
    yield joint
    for child, parent in enumerate(parents):
        if parent == joint:
            yield from _depth_first(parents, child)


def _hierarchy(
    motion: JointMotion, ends: dict[int, np.ndarray], channels: str, units: float
) -> Iterator[str]:
    """The lines from ROOT on, the deepest first within each joint."""

    def joint_lines(joint: int, indent: str) -> Iterator[str]:
        kind = "JOINT" if joint else "ROOT"
        count = f"3 {channels}" if joint else f"6 {_POSITIONS} {channels}"
        yield f"{indent}{kind} {'_'.join(motion.names[joint].split())}"
        yield f"{indent}{{"
        yield f"{indent}\tOFFSET {_numbers(motion.offsets[joint] * units)}"
        yield f"{indent}\tCHANNELS {count}"
        for child, parent in enumerate(motion.parents):
            if parent == joint:
                yield from joint_lines(child, indent + "\t")
        if joint in ends:
            yield f"{indent}\tEnd Site"
            yield f"{indent}\t{{"
            yield f"{indent}\t\tOFFSET {_numbers(ends[joint] * units)}"
            yield f"{indent}\t}}"
        yield f"{indent}}}"

    return joint_lines(0, "")


def _numbers(values: Float[np.ndarray, " values"]) -> str:
    return " ".join(f"{value:.6f}" for value in (np.round(values, 6) + 0.0).tolist())


def _rows(block: Float[np.ndarray, "frames channels"]) -> bytes:
    """A line a frame; six digits after the point are micrometres and 2e-8 rad."""
    line = " ".join(["%.6f"] * block.shape[1]) + "\n"
    return "".join(line % tuple(row) for row in (np.round(block, 6) + 0.0).tolist()).encode()
