"""Acclaim's motion files, ``.amc``, read into joint positions by forward kinematics."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.cmu.asf import ROOT, AcclaimSkeleton, turned
from posenet3d.data.datasets.cmu.joint_tracks import JointTracks, read_numbers
from posenet3d.data.datasets.cmu.text_file import read_text
from posenet3d.errors import DataError


def read_amc(path: str | os.PathLike[str], skeleton: AcclaimSkeleton) -> JointTracks:
    r"""Where the ends of a skeleton's bones are in every frame of an ``.amc`` file.

    A bone's own turn M is about its own axes C: relative to its parent it is ``C M C^-1``, so that
    ``G = G_parent C M C^-1``, and its end lies at the parent's end plus ``G along``. Turns act in
    the order in which the skeleton lists them, about fixed axes. On CMU's 01_01 the places agree
    with those of B. Hahne's BVH conversion within the six digits of its numbers.

    Args:
        path: the file.
        skeleton: the ``.asf`` that belongs to it: bone names must match.

    Returns:
        ``"root"`` and every bone's end under the bone's name, in the skeleton's unit and axes (y
        up in CMU's files). The frame rate is unknown: the format does not hold it.

    Raises:
        DataError: it is no such file, cut off, damaged, or of another skeleton; the message names
            frame and bone.
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.datasets.cmu.asf import Bone
        >>> arm = Bone("arm", "root", np.array([1.0, 0.0, 0.0]), np.eye(3), ("RZ",))
        >>> body = AcclaimSkeleton("1.asf", ("TX", "TY", "TZ"), {"arm": arm}, 1.0, 1.0)
        >>> path = Path(tempfile.mkdtemp(), "1_1.amc")
        >>> _ = path.write_text(":FULLY-SPECIFIED\n:DEGREES\n1\nroot 0 5 0\narm 90\n")
        >>> read_amc(path, body).middle("arm").round(6).tolist()
        [[0.0, 6.0, 0.0]]
    """
    source = os.fspath(path)
    values, degrees = _values(source, read_text(Path(path)), skeleton)
    frames = len(values[ROOT])
    root = dict(zip(skeleton.moves, values[ROOT].T, strict=True))
    turns = {ROOT: _turns(root, degrees, frames)}
    places = {ROOT: np.stack([root.get(f"T{a}", np.zeros(frames)) for a in "XYZ"], axis=-1)}
    for name, bone in skeleton.bones.items():
        moves = dict(zip(bone.moves, values[name].T, strict=True)) if bone.moves else {}
        own = bone.axes @ _turns(moves, degrees, frames) @ bone.axes.T
        turns[name] = turns[bone.parent] @ own
        places[name] = places[bone.parent] + turns[name] @ bone.along
    return JointTracks(source, tuple(places), np.stack(list(places.values()), axis=1), None)


def _turns(
    moves: dict[str, Float[np.ndarray, " frames"]], degrees: float, frames: int
) -> Float[np.ndarray, "frames 3 3"]:
    return turned({m: degrees * v for m, v in moves.items() if m.startswith("R")}, frames)


def _values(
    source: str, text: str, skeleton: AcclaimSkeleton
) -> tuple[dict[str, Float[np.ndarray, "frames moves"]], float]:
    """Each moving bone's numbers, and what one unit of their angles is in degrees."""
    head, body = _after_header(source, text)
    words = body.split()
    widths = {ROOT: len(skeleton.moves)}
    widths |= {name: len(bone.moves) for name, bone in skeleton.bones.items() if bone.moves}
    length = 1 + sum(1 + width for width in widths.values())
    frames = len(words) // length
    made: dict[str, np.ndarray] = {}
    column = 1
    while column < length and frames:
        name = words[column]
        names = words[column : frames * length : length]
        if name not in widths or name in made or set(names) != {name}:
            raise _other(source, skeleton, names)
        made[name] = np.column_stack(
            [
                read_numbers(f"{source}: {name}", words[at : frames * length : length], 1, "frame")
                for at in range(column + 1, column + 1 + widths[name])
            ]
        )
        column += 1 + widths[name]
    if len(words) % length or not frames:
        raise DataError(
            source,
            f"expected {length} words a frame for skeleton {skeleton.source}, got "
            f"{len(words) % length} after frame {frames}; the file is cut off, damaged, or of "
            "another skeleton.",
        )
    return made, 180.0 / np.pi if ":RADIANS" in head else skeleton.degrees


def _after_header(source: str, text: str) -> tuple[str, str]:
    """The lines that begin with ``#`` or ``:``, and what comes after them."""
    place = 0
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end + 1
        if text[place:end].strip() and text[place] not in "#:":
            break
        place = end
    head = text[:place].upper()
    if ":DEGREES" not in head and ":RADIANS" not in head:
        raise DataError(source, "expected an AMC file with ':DEGREES' in its header, got none.")
    return head, text[place:]


def _other(source: str, skeleton: AcclaimSkeleton, names: list[str]) -> DataError:
    wrong = next((at for at, name in enumerate(names) if name != names[0]), 0)
    return DataError(
        source,
        f"frame {wrong + 1}: expected the bones of {skeleton.source} with as many numbers as it "
        f"tells, each once and in the same order in every frame, got {names[wrong]!r:.60}; the "
        "file is damaged or of another skeleton.",
    )
