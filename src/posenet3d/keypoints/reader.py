"""What a keypoint file format is to the library: a plug-in that recognises and reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from posenet3d.errors import ShapeError
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource
from posenet3d.skeletons import LAYOUTS

MAX_SIDE = 1_000_000
"""The longest side of a picture, in pixels."""


@dataclass(frozen=True)
class Told:
    """What the caller said of a file, beside its place; whatever is ``None`` must be in the file.

    Raises:
        ShapeError: the frame rate or the image's size cannot be one.

    Example:
        >>> Told(layout="body_25b", fps=60.0).fps
        60.0
    """

    layout: str | None = None
    """The joints' layout."""
    fps: float | None = None
    """Frames a second."""
    image_size: tuple[int, int] | None = None
    """(width, height) in pixels."""
    joints: Mapping[str, str] = field(default_factory=dict)
    """The file's own name of a joint, by the layout's; for formats whose users name the parts."""

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps < float("inf"):
            raise ShapeError("fps", expected="a positive number", got=repr(self.fps))
        size = self.image_size
        if size is not None and (len(size) != 2 or not all(0 < side <= MAX_SIDE for side in size)):
            raise ShapeError("image_size", expected="width and height in pixels", got=repr(size))

    def layout_of(self, source: KeypointSource, joints: int, *candidates: str) -> str:
        """The layout: as told; else the only one of ``candidates`` that has so many joints.

        Args:
            source: the file, for the error.
            joints: how many joints a person has in it.
            *candidates: the layouts that this format is written in.

        Raises:
            KeypointFormatError: none fits, or more than one: it asks for ``layout=``. Or the
                layout that was told has another number of joints.
            UnknownNameError: no such layout.

        Example:
            >>> from pathlib import Path
            >>> Told().layout_of(KeypointSource(Path("a.json")), 18, "body_25", "coco_18")
            'coco_18'
        """
        if self.layout is not None:
            return source.check_layout(self.layout, joints)
        fitting = [name for name in candidates if len(LAYOUTS[name]) == joints]
        if len(fitting) == 1:
            return fitting[0]
        known = fitting or [name for name, each in LAYOUTS.items() if len(each) == joints]
        raise source.error(
            "joints",
            "a layout that their number tells" if fitting else f"those of {', '.join(candidates)}",
            f"{joints} a person",
            "" if known else "if it is of another format",
            say=[("layout", name) for name in known] or ["format"],
        )

    def fps_of(self, source: KeypointSource, found: float | None, frames: int) -> float:
        """Frames a second: as told; else as found in the file; 1 for a single frame.

        Args:
            source: the file, for the error.
            found: what the file says, or ``None``.
            frames: how many frames there are.

        Raises:
            KeypointFormatError: nobody says it; it asks for ``fps=``.

        Example:
            >>> from pathlib import Path
            >>> Told(fps=50.0).fps_of(KeypointSource(Path("a.json")), 25.0, frames=100)
            50.0
        """
        if self.fps is not None or found is not None:
            return float(self.fps if self.fps is not None else found)  # type: ignore[arg-type]
        if frames == 1:
            return 1.0
        raise source.error("fps", "frames a second", "a file that does not tell", say=["fps"])


@runtime_checkable
class KeypointReader(Protocol):
    """One file format: a plug-in of the group ``posenet3d.keypoint_readers``.

    The plug-in is a class that takes no arguments. Its name is the format's. One whose files have
    parts that a user named has the attribute ``takes_joints = True``, and goes by
    :attr:`Told.joints`; of all others these are refused.

    Example:
        >>> from posenet3d.plugins import GROUPS, PluginSpec
        >>> reader = GROUPS["keypoint_readers"].build(PluginSpec(name="npz"))
        >>> isinstance(reader, KeypointReader)
        True
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether a file or folder is surely of this format.

        Two formats that cannot be told apart both say no where it matters: the caller is asked
        for ``format=``. A damaged file of another format is no reason to raise.
        """
        ...

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the file: one sequence a person, and a recording where it has several.

        Raises:
            KeypointFormatError: the file is not what its format promises, or lacks something
                that the caller must say; nothing else, whatever the bytes.
            StorageError: the file cannot be read.
            UnknownNameError: no such layout.
        """
        ...
