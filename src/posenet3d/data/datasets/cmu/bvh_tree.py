"""The hierarchy of a BVH file: its joints, their offsets and their channels."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from posenet3d.errors import DataError

END = "_end"
"""What is added to a joint's name to call its end site."""

_CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
_MOST_JOINTS = 1000


@dataclass
class BvhTree:
    """The joints of a BVH file, as they are read word by word.

    Attributes:
        source: the file, for errors.
        names: joint names, parents before children; an end site has its joint's name and `END`.
        parents: each joint's parent; -1 for the root.
        offsets: three numbers a joint.
        channels: each joint's channels in the file's order.

    Example:
        >>> tree = BvhTree("a.bvh")
        >>> tree.read("HIERARCHY ROOT Hips { OFFSET 0 0 0 End Site { OFFSET 0 1 0 } }")
        >>> tree.names, tree.parents
        (['Hips', 'Hips_end'], [-1, 0])
    """

    source: str
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)
    _open: list[int] = field(default_factory=list)
    _line: int = 0
    _words: Iterator[tuple[int, str]] = field(default_factory=lambda: iter(()))

    def read(self, text: str) -> None:
        """Take the joints in.

        Args:
            text: what stands before ``MOTION``.

        Raises:
            DataError: it is no hierarchy of joints; the message names the line.
        """
        self._words = _words(text)
        self._expect("HIERARCHY")
        for number, word in self._words:
            self._line = number
            if word in ("ROOT", "JOINT"):
                self._joint(self._word(), root=word == "ROOT")
            elif word == "End":
                self._expect("Site")
                self._joint(self._parent() + END, root=False)
            elif word == "OFFSET":
                self._now(self.offsets, [self._number() for _ in "XYZ"])
            elif word == "CHANNELS":
                names = tuple(self._channel() for _ in range(int(self._number())))
                self._now(self.channels, names)
            elif word == "}" and self._open:
                self._close()
            else:
                self._fail("ROOT, JOINT, End Site, OFFSET, CHANNELS or }", word)
        if self._open or not self.names:
            self._fail("a } for every {", "the end of the hierarchy")

    def _joint(self, name: str, *, root: bool) -> None:
        if root == bool(self.names) or len(self.names) >= _MOST_JOINTS:
            self._fail(f"one ROOT and at most {_MOST_JOINTS} joints in it", name)
        if name in self.names:
            self._fail("each joint's name once", name)
        self._expect("{")
        self.parents.append(-1 if root else self._open[-1])
        self._open.append(len(self.names))
        self.names.append(name)
        self.offsets.append([])
        self.channels.append(())

    def _parent(self) -> str:
        return self.names[self._open[-1]] if self._open else ""

    def _close(self) -> None:
        if not self.offsets[self._open[-1]]:
            self._fail("an OFFSET for every joint", f"none for {self._parent()!r}")
        self._open.pop()

    def _now(self, values: list[Any], value: Any) -> None:
        """Set a value of the joint that was opened last, once."""
        if not self._open or self._open[-1] != len(self.names) - 1:
            self._fail("OFFSET and CHANNELS before a joint's children", "them elsewhere")
        if values[-1]:
            self._fail("one OFFSET and one CHANNELS a joint", f"others at {self._parent()!r}")
        values[-1] = value

    def _word(self) -> str:
        self._line, word = next(self._words, (self._line, ""))
        return word

    def _expect(self, wanted: str) -> None:
        word = self._word()
        if word != wanted:
            self._fail(repr(wanted), word)

    def _number(self) -> float:
        word = self._word()
        try:
            value = float(word)
        except ValueError:
            self._fail("a number", word)
        if not abs(value) < 1e9:
            self._fail("a number below 1e9", word)
        return value

    def _channel(self) -> str:
        word = self._word()
        if word not in _CHANNELS:
            self._fail(f"one of {', '.join(_CHANNELS)}", word)
        return word

    def _fail(self, expected: str, got: str) -> NoReturn:
        raise DataError(
            self.source, f"line {self._line}: expected {expected}, got {got!r:.80}; no BVH file."
        )


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Every word with the number of its line; braces are words of their own."""
    for number, line in enumerate(text.splitlines(), start=1):
        for word in line.replace("{", " { ").replace("}", " } ").split():
            yield number, word
