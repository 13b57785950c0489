"""Acclaim's skeleton files, ``.asf``, as the CMU Graphics Lab's database has them.

After the format's definition by Acclaim (M. Schafer, 1995) and the explanations by J. Lander's
"Working with Motion Capture File Formats" and the University of Wisconsin's page "Acclaim ASF/AMC".
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from posenet3d.data.datasets.cmu.joint_tracks import still, turn
from posenet3d.data.datasets.cmu.text_file import read_text
from posenet3d.errors import DataError

ROOT = "root"
INCH = 0.0254
"""CMU's files are in inches, times what the skeleton calls its length."""

_TURNS = ("RX", "RY", "RZ")
_MOVES = ("TX", "TY", "TZ", *_TURNS)
_MOST_BONES = 1000
_IN_DEGREES = {"deg": 1.0, "rad": 180.0 / np.pi}


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone: from the end of its parent to its own end.

    Attributes:
        name: its name.
        parent: the bone that it hangs on, or ``"root"``.
        along: (3,) from its beginning to its end at rest, world axes, the file's unit.
        axes: (3, 3) the rotation from the bone's own axes, about which it turns, to the world's.
        moves: its channels in the order of the motion file, such as ``("RX", "RZ")``.
    """

    name: str
    parent: str
    along: Float[np.ndarray, " 3"]
    axes: Float[np.ndarray, "3 3"]
    moves: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AcclaimSkeleton:
    """A skeleton file's content.

    Attributes:
        source: the file, for errors.
        moves: the root's channels in the order of the motion file.
        bones: by name, parents before children.
        metres: what one unit of length is; 2.54 cm / 0.45 for CMU's.
        degrees: what one unit of angle is.
    """

    source: str
    moves: tuple[str, ...]
    bones: Mapping[str, Bone]
    metres: float
    degrees: float


def read_asf(path: str | os.PathLike[str]) -> AcclaimSkeleton:
    """An ``.asf`` file.

    Args:
        path: the file.

    Returns:
        The skeleton.

    Raises:
        DataError: it is no such file, is damaged, or presets the root's place or orientation,
            which no file of CMU's does.
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "35.asf")
        >>> _ = path.write_text('''
        ... :units
        ...   length 0.45
        ...   angle deg
        ... :root
        ...   order TX TY TZ RX RY RZ
        ...   axis XYZ
        ... :bonedata
        ...   begin
        ...     name lfemur
        ...     direction 0 -1 0
        ...     length 7.0
        ...     axis 0 0 20 XYZ
        ...     dof rx
        ...     limits (-160.0 20.0)
        ...   end
        ... :hierarchy
        ...   begin
        ...     root lfemur
        ...   end
        ... ''')
        >>> femur = read_asf(path).bones["lfemur"]
        >>> femur.along.tolist(), femur.moves
        ([0.0, -7.0, 0.0], ('RX',))
    """
    parts = _Parts(os.fspath(path))
    for number, line in enumerate(read_text(Path(path)).splitlines(), start=1):
        words = line.partition("#")[0].replace("(", " ").replace(")", " ").split()
        if words:
            parts.line(number, words)
    return parts.skeleton()


@dataclass
class _Parts:
    """What the lines said, section by section."""

    source: str
    section: str = ""
    number: int = 0
    units: dict[str, str] = field(default_factory=dict)
    root: dict[str, list[str]] = field(default_factory=dict)
    bones: list[dict[str, list[str]]] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)

    def line(self, number: int, words: list[str]) -> None:
        """Take one line in."""
        self.number = number
        if words[0].startswith(":"):
            self.section = words[0].lower()
        elif self.section == ":units" and len(words) == 2:
            self.units[words[0].lower()] = words[1]
        elif self.section == ":root":
            self.root[words[0].lower()] = words[1:]
        elif self.section == ":bonedata":
            self._bone(words)
        elif self.section == ":hierarchy" and words[0] not in ("begin", "end"):
            self._children(words[0], words[1:])

    def _bone(self, words: list[str]) -> None:
        if words[0] == "begin":
            self.bones.append({})
        elif not self.bones:
            raise self.error("'begin' before a bone", words[0])
        else:
            self.bones[-1][words[0].lower()] = words[1:]
        if len(self.bones) > _MOST_BONES:
            raise self.error(f"at most {_MOST_BONES} bones", "more")

    def _children(self, parent: str, children: list[str]) -> None:
        for child in children:
            if child in self.parents or child == ROOT:
                raise self.error("one parent a bone", f"another of {child!r}")
            self.parents[child] = parent

    def error(self, expected: str, got: str) -> DataError:
        return DataError(
            self.source,
            f"line {self.number}: expected {expected}, got {got:.80}; no ASF file, or damaged.",
        )

    def skeleton(self) -> AcclaimSkeleton:
        """The skeleton that the lines describe."""
        if not self.bones or not self.parents or "order" not in self.root:
            raise DataError(
                self.source, "expected an ASF file with :root, :bonedata and :hierarchy, got none."
            )
        length = self._numbers([self.units.get("length", "1")], 1)[0]
        angle = self.units.get("angle", "deg").lower()
        if angle not in _IN_DEGREES or length <= 0:
            raise self.error("a positive length and angles in deg or rad", str(self.units))
        for preset in ("position", "orientation"):
            if any(self._numbers(self.root.get(preset, ["0"] * 3), 3)):
                raise self.error(f"a root {preset} of zero", " ".join(self.root[preset]))
        described = {bone.name: bone for bone in map(self._made(_IN_DEGREES[angle]), self.bones)}
        return AcclaimSkeleton(
            self.source,
            self._moves(self.root["order"], _MOVES),
            MappingProxyType(dict(self._from_root(described))),
            INCH / length,
            _IN_DEGREES[angle],
        )

    def _made(self, degrees: float) -> Callable[[dict[str, list[str]]], Bone]:
        def made(told: dict[str, list[str]]) -> Bone:
            (name,) = told.get("name") or [""]
            if name not in self.parents:
                raise self.error("each bone in the hierarchy", repr(name))
            axis = told.get("axis", ["0", "0", "0", "XYZ"])
            angles = degrees * self._numbers(axis[:3], 3)
            turns = self._moves([f"R{letter}" for letter in "".join(axis[3:])], _TURNS)
            if len(turns) != len(angles):
                raise self.error("an axis such as '0 0 20 XYZ'", " ".join(axis))
            along = self._numbers(told.get("direction", []), 3)
            return Bone(
                name,
                self.parents[name],
                along * self._numbers(told.get("length", []), 1),
                turned(dict(zip(turns, angles, strict=True)), 1)[0],
                self._moves(told.get("dof", []), _TURNS),
            )

        return made

    def _from_root(self, described: dict[str, Bone]) -> Iterator[tuple[str, Bone]]:
        """The bones, parents first."""
        known = {ROOT}
        while described:
            ready = [bone for bone in described.values() if bone.parent in known]
            if not ready:
                raise self.error("a tree of bones on the root", f"{', '.join(described)} elsewhere")
            for bone in ready:
                known.add(bone.name)
                yield bone.name, described.pop(bone.name)

    def _moves(self, words: list[str], known: tuple[str, ...]) -> tuple[str, ...]:
        moves = tuple(word.upper() for word in words)
        if not set(moves) <= set(known) or len(set(moves)) != len(moves):
            raise self.error(f"channels among {', '.join(known)}", " ".join(words))
        return moves

    def _numbers(self, words: list[str], count: int) -> Float[np.ndarray, " count"]:
        try:
            values = np.array(words, dtype=np.float64)
        except ValueError:
            values = np.array([np.nan])
        if values.shape != (count,) or not np.isfinite(values).all():
            raise self.error(f"{count} finite numbers", " ".join(words))
        return values


def turned(
    angles: Mapping[str, Float[np.ndarray, " frames"] | float], frames: int
) -> Float[np.ndarray, "frames 3 3"]:
    """Rotations about fixed axes, one after the other: ``RX, RY, RZ`` is ``R = Rz Ry Rx``.

    Args:
        angles: ``"RX"``, ``"RY"`` and ``"RZ"`` in the order in which they act, degrees, each
            (frames,) or one for all.
        frames: how many there are.

    Returns:
        (frames, 3, 3), matrices that act on column vectors.

    Example:
        >>> (turned({"RX": 90.0, "RZ": 90.0}, 1)[0] @ [1.0, 0.0, 0.0]).round(6).tolist()
        [0.0, 1.0, 0.0]
    """
    made = still(frames)
    for move in reversed(tuple(angles)):
        made = turn(made, move[1], angles[move])
    return made
