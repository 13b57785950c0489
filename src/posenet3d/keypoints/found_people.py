"""People as a file lists them, one by one: each is checked, then all are made into sequences."""

from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.keypoints.joint_names import kept_joints
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource
from posenet3d.keypoints.tracking import MAX_COORDINATE, Detections, sequences_of_people

MAX_JOINTS = 1000
"""The most joints a person; the whole-body layouts have 136, a face mesh 478."""

MAX_TRACK = 2**31
"""Numbers of people from here on are hashes or damage."""

_NUMBERS = {int, float}


class FoundPeople:
    """The people of a file, in the order in which it has them.

    A joint at (0, 0) or with no confidence is unknown: detectors write so what they did not see. A
    negative confidence, which a heat map's peak may have, counts as none.

    Args:
        source: the file; errors name it.

    Example:
        >>> from pathlib import Path
        >>> found = FoundPeople(KeypointSource(Path("walk.json")))
        >>> for frame in range(3):
        ...     found.add(f"entry {frame}", frame, np.ones((17, 3)))
        >>> found.sequences(Told(fps=25.0), "coco_17")
        (KeypointSequence('walk': 3 frames of 'coco_17', 25 fps, pixels),)
    """

    def __init__(self, source: KeypointSource) -> None:
        self.source = source
        self.joints = 0
        self._people: list[np.ndarray] = []
        self._frames: list[int] = []
        self._tracks: list[int] = []

    def __len__(self) -> int:
        """How many people were found, over all frames."""
        return len(self._people)

    def add(
        self,
        place: str,
        frame: int,
        joints: Float[np.ndarray, "joints 3"],
        track: int | None = None,
    ) -> None:
        """One person of one frame.

        Args:
            place: where in the file, for the error.
            frame: the frame's number.
            joints: x, y in pixels, confidence.
            track: the person's number, or ``None`` where the file has none.

        Raises:
            KeypointFormatError: the person has no joint, too many, or not as many as the others.
        """
        if not 0 < len(joints) <= MAX_JOINTS:
            raise self.source.error(place, f"1 to {MAX_JOINTS} joints", f"{len(joints)}")
        if self.joints and len(joints) != self.joints:
            raise self.source.error(
                place, f"{self.joints} joints as the people before", f"{len(joints)}"
            )
        self.joints = len(joints)
        self._people.append(joints)
        self._frames.append(frame)
        self._tracks.append(-1 if track is None else track)

    def sequences(
        self,
        told: Told,
        *candidates: str,
        names: tuple[str, ...] | None = None,
        fps: float | None = None,
        frames: int | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> tuple[KeypointSequence, ...]:
        """One sequence a person.

        Args:
            told: what the caller said; it goes before what is in the file.
            *candidates: the layouts that the format is written in.
            names: the joints' names, where the file has them.
            fps: frames a second, where the file has them.
            frames: how many frames there are, where the file tells it; else those with people.
            image_size: (width, height), where the file has it.

        Returns:
            As `sequences_of_people`; nothing if nobody was found.

        Raises:
            KeypointFormatError: the layout or the rate must be told, or what is there cannot be.
            UnknownNameError: no such layout.
        """
        if not self._people:
            return ()
        layout, kept = kept_joints(self.source, told, self.joints, candidates, names)
        joints = np.stack([person[:kept] for person in self._people])
        frame = np.array(self._frames, dtype=np.int64)
        confidence = np.maximum(joints[..., 2], 0.0)
        seen = (confidence > 0) & (joints[..., :2] != 0).any(-1)
        track = np.array(self._tracks, dtype=np.int64)
        return sequences_of_people(
            Detections(
                np.where(seen[..., None], joints[..., :2], np.nan),
                np.where(seen, confidence, 0.0),
                frame,
                track if (track >= 0).any() else None,
            ),
            layout=layout,
            fps=told.fps_of(self.source, fps, frames or len(np.unique(frame))),
            image_size=told.image_size or image_size,
            source=self.source,
        )


def triples(source: KeypointSource, place: str, value: Any) -> Float[np.ndarray, "joints 3"]:
    """The flat list x, y, c, x, y, c … of a JSON file as an array.

    Raises:
        KeypointFormatError: it is not a list of numbers, three a joint.

    Example:
        >>> from pathlib import Path
        >>> triples(KeypointSource(Path("a.json")), "entry 0", [1, 2, 0.5, 3, 4, 1]).tolist()
        [[1.0, 2.0, 0.5], [3.0, 4.0, 1.0]]
    """
    flat = numbers(source, place, value)
    if len(flat) % 3:
        got = f"{len(flat)} numbers"
        raise source.error(place, "x, y and confidence of each joint", got)
    return flat.reshape(-1, 3)


def numbers(source: KeypointSource, place: str, value: Any) -> Float[np.ndarray, " count"]:
    """A list of a JSON file as an array.

    Raises:
        KeypointFormatError: it is not a list of numbers, or one is larger than any coordinate.

    Example:
        >>> from pathlib import Path
        >>> numbers(KeypointSource(Path("a.json")), "entry 0", [1, 2.5]).tolist()
        [1.0, 2.5]
    """
    if not isinstance(value, list) or not set(map(type, value)) <= _NUMBERS:
        raise source.error(place, "a list of numbers", shown(value))
    array = np.array(value, dtype=np.float64)
    if (np.abs(array) > MAX_COORDINATE).any():
        got = f"{np.nanmax(np.abs(array)):g}"
        raise source.error(place, f"numbers up to {MAX_COORDINATE:g}", got)
    return array


def whole(source: KeypointSource, place: str, value: Any, below: int) -> int:
    """A number of a JSON file that counts something, from 0.

    Raises:
        KeypointFormatError: it is no whole number, negative, or not below the bound.

    Example:
        >>> from pathlib import Path
        >>> whole(KeypointSource(Path("a.json")), "frame_id", 12.0, below=100)
        12
    """
    if type(value) not in _NUMBERS or value != value // 1 or not 0 <= value < below:
        raise source.error(place, f"a whole number from 0 to {below - 1}", shown(value))
    return int(value)


def shown(value: Any) -> str:
    """A value of a file in few words, for an error; what others nest in it is not walked."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
