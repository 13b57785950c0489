"""The body's mesh at every frame, a file each, for formats that hold one mesh."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.errors import ConfigurationError, StorageError
from posenet3d.files import atomic_folder, atomic_remove
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import (
    Reconstruction,
    body_of,
    check_finite,
    facts_of,
    world_motion,
)
from posenet3d.reconstruction.facts import Frame
from posenet3d.reconstruction.world import RootMotion, UpAxis

FRAMES_AT_ONCE = 32
"""How many meshes are in memory at once."""


class MeshConfig(BaseModel):
    """Options of the exporters ``obj`` and ``ply``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    only: int | None = Field(default=None, ge=0)
    """One frame alone, by its place from 0, in a file of the path itself."""

    every: int = Field(default=1, ge=1)
    """Every how many frames a mesh is written."""

    frame: Frame = "world"
    """``world``, gravity-aligned with the floor at 0, or ``camera``."""

    up_axis: UpAxis = "y"
    """The world's: ``y`` or ``z``."""

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """The body at one frame.

    Example:
        >>> Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]), 7, {"Unit": "metres"}).number
        7
    """

    vertices: Float[np.ndarray, "vertices 3"]
    """Metres, along the axes that the facts tell."""
    faces: Int[np.ndarray, "faces 3"]
    """Vertex indices from 0, counter-clockwise seen from outside."""
    number: int
    """The frame's number in the video."""
    facts: dict[str, str]
    """What a reader must know."""


def write_frames(
    path: str | os.PathLike[str],
    lifted: Reconstruction,
    options: MeshConfig,
    write: Callable[[Path, Mesh], None],
) -> Path:
    """A file a frame: in a folder beside ``path``, or at ``path`` if there is one frame only.

    ``walk.obj`` of many frames becomes the folder ``walk_obj`` with ``walk_000000.obj`` and so on,
    numbered as the frames of the video are. The folder appears whole or not at all; one that holds
    nothing but an earlier such sequence is replaced.

    Args:
        path: the file's name.
        lifted: a reconstruction with a body.
        options: which frames, and in which frame of reference.
        write: writes one mesh to a file.

    Returns:
        The file or folder that was written.

    Raises:
        ConfigurationError: ``only`` is not one of the frames.
        PoseNet3DError: there is no body.
        ShapeError: a number of the body's is not finite.
        StorageError: it cannot be written, or there is a folder with other things in it.
    """
    target = Path(path)
    places = chosen_frames(lifted.keypoints, options)
    if len(places) == 1:
        write(target, next(meshes(lifted, options, places, target.suffix)))
        return target
    folder = sequence_folder(target)
    _check_replaceable(folder, target)
    with atomic_folder(folder) as made:
        for mesh in meshes(lifted, options, places, target.suffix):
            write(made / f"{target.stem}_{mesh.number:06d}{target.suffix}", mesh)
        if folder.is_dir():
            _check_replaceable(folder, target)
            atomic_remove(folder)
    return folder


def sequence_folder(path: Path) -> Path:
    """The folder for the meshes of many frames.

    Args:
        path: the file's name that was asked for.

    Example:
        >>> sequence_folder(Path("out/walk.obj")).as_posix()
        'out/walk_obj'
    """
    return path.with_name(path.stem + path.suffix.replace(".", "_", 1))


def check_chosen(seen: KeypointSequence, **options: Any) -> None:
    """Nothing, if the frame that is asked for is there.

    Args:
        seen: the keypoints that the motion is made of.
        **options: fields of `MeshConfig`.

    Raises:
        ConfigurationError: ``only`` is not one of the frames.

    Example:
        >>> check_chosen(KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0), only=4)
    """
    chosen_frames(seen, MeshConfig(**options))


def chosen_frames(seen: KeypointSequence, options: MeshConfig) -> range:
    """The places of the frames that are written.

    Args:
        seen: the keypoints that the motion is made of.
        options: ``only`` and ``every`` count.

    Raises:
        ConfigurationError: ``only`` is not one of the frames.

    Example:
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> list(chosen_frames(seen, MeshConfig(every=2)))
        [0, 2, 4]
    """
    if options.only is None:
        return range(0, len(seen), options.every)
    if options.only >= len(seen):
        raise ConfigurationError(
            [f"only: expected a frame from 0 to {len(seen) - 1}, got {options.only}"]
        )
    return range(options.only, options.only + 1)


def meshes(
    lifted: Reconstruction, options: MeshConfig, places: range, suffix: str
) -> Iterator[Mesh]:
    """The body at some frames, made as they are asked for, a few in memory at a time.

    Args:
        lifted: a reconstruction with a body.
        options: the frame of reference.
        places: the frames' places, in steps.
        suffix: the file's kind, for errors.

    Raises:
        PoseNet3DError: there is no body.
        ShapeError: a number of the body's is not finite.
    """
    body = body_of(lifted, f"A {suffix or 'mesh'} file")
    for name in ("rotations", "translation"):
        check_finite(f"body.{name}", getattr(body, name))
    check_finite("body.betas", body.betas[None])
    turn, moved, axes = np.eye(3), lifted.root, "camera"
    if options.frame == "world":
        world = world_motion(lifted, options.up_axis, options.root)
        turn, axes = world.from_camera, options.up_axis
        moved = world.joints[:, 0] - lifted.joints3d[:, 0] @ turn.T
    elif options.root == "still":
        moved = np.zeros_like(lifted.root)
    facts = facts_of(lifted, axes, body=True)
    faces = lifted.body_model.faces.cpu().numpy()
    at_once = max(1, FRAMES_AT_ONCE // places.step)
    for start in range(0, len(places), at_once):
        part = places[start : start + at_once]
        block = lifted.vertices(part[0], part[-1] + 1)[:: places.step]
        for place, seen in zip(part, block, strict=True):
            upright = (seen - lifted.root[place]) @ turn.T + moved[place]
            yield Mesh(upright, faces, int(lifted.keypoints.frame_index[place]), facts)


def _check_replaceable(folder: Path, target: Path) -> None:
    """Nothing, if there is no such folder, or only an earlier sequence in it."""
    ours = re.compile(re.escape(target.stem) + r"_\d{6,}" + re.escape(target.suffix))
    try:
        other = [each.name for each in folder.iterdir() if not ours.fullmatch(each.name)]
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(folder, f"cannot be written: {error.strerror}.") from error
    if other:
        raise StorageError(
            folder,
            f"expected no such folder, or one with an earlier sequence alone, got {other[0]!r} "
            "in it; choose another name or remove the folder.",
        )
