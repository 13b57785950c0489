"""People told apart over time: from what a detector found in each frame to one sequence a person.

Our own, in NumPy: what the file's reader needs is offline, two-dimensional and joint by joint,
while the trackers that one can install (norfair, supervision, trackers) bring SciPy or OpenCV,
and follow boxes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource

LONGEST_GAP = 1.0
"""Seconds that a person may be out of sight and still be the same."""

REACH = 0.15
"""How far a joint may be from where it is expected, as a share of the person's size: one sigma."""

LEAST_OVERLAP = 0.1
"""Below it two finds are two people: joints that are 2.1 sigma apart, a third of a body."""

MAX_PEOPLE = 500
"""The most people of one frame."""

MAX_COORDINATE = 1e9
"""The largest coordinate; a picture with more pixels a side does not exist."""

_AT_ONCE = 2**18
"""How many pairs of joints are compared in one piece: 4 MB an array."""


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found: each row is one person in one frame, in any order.

    Example:
        >>> two = np.zeros((2, 17, 2))
        >>> len(Detections(two, np.ones((2, 17)), frame=np.array([0, 0])).frame)
        2
    """

    points: Float[np.ndarray, "found joints 2"]
    """x right, y down; NaN where a joint is unknown."""
    confidence: Float[np.ndarray, "found joints"]
    """Zero or more."""
    frame: Int[np.ndarray, " found"]
    """The frame's number in the video, from 0."""
    track: Int[np.ndarray, " found"] | None = None
    """The person's number as the file gives it; negative for a person, or ``None`` for a file, of
    whom it gives none."""

    def __getitem__(self, rows: np.ndarray) -> "Detections":
        """Some of the rows."""
        track = None if self.track is None else self.track[rows]
        return Detections(self.points[rows], self.confidence[rows], self.frame[rows], track)


def sequences_of_people(
    detections: Detections,
    *,
    layout: str,
    fps: float | int,
    image_size: tuple[int, int] | None = None,
    unit: str = "pixels",
    source: KeypointSource | str,
) -> tuple[KeypointSequence, ...]:
    r"""One sequence a person, from finds that are told apart by frame only.

    Where the file numbers its people, those numbers are the tracks. Otherwise each person found is
    taken for the one whose joints lie nearest, by

    .. math:: o = \frac{1}{|J|} \sum_{j \in J} \exp\left(-\frac{d_j^2}{2 (0.15\,s)^2}\right)

    over the joints J known in both, with d the distance between where the joint is and where the
    track, at constant velocity, would have it, and s the longer side of the larger one's box: the
    object keypoint similarity of COCO with one width for all joints. Pairs are made in falling
    order of o, down to 0.1; whoever is left over begins a track. A track ends when its person was
    out of sight for more than a second. So a person who is hidden for longer, or who jumps, comes
    back as another one: two tracks of one person are mended more easily than two people in one
    track. Short tracks are kept.

    Rows without a known joint are dropped. The order of the rows makes no difference.

    Args:
        detections: what was found.
        layout: the joints' layout.
        fps: frames a second.
        image_size: (width, height) in pixels, or ``None``.
        unit: of the points, see `KeypointSequence`.
        source: the file, or what to call it.

    Returns:
        Sequences in order of their first frame, the larger person first where two begin together.
        Each has its number as `KeypointSequence.track_id`, and the true `frame_index`. Empty where
        nobody was found.

    Raises:
        KeypointFormatError: a frame number is out of range, the file gives one number to two people
            of a frame, there are too many of them, or what `KeypointSequence` refuses.
        UnknownNameError: no such layout.

    Example:
        >>> one = np.arange(34.0).reshape(1, 17, 2)
        >>> found = np.concatenate([one, one + 500, one + 501, one + 1])  # the order changes
        >>> detections = Detections(found, np.ones((4, 17)), frame=np.array([0, 0, 1, 1]))
        >>> people = sequences_of_people(detections, layout="coco_17", fps=25.0, source="street")
        >>> [(person.track_id, person.points[:, 0, 0].tolist()) for person in people]
        [(0, [0.0, 1.0]), (1, [500.0, 501.0])]
    """
    found = _checked(detections, source)
    if not len(found.frame):
        return ()
    found = _in_order(found)
    track = _tracks(found, float(fps))
    name = source if isinstance(source, str) else source.name
    _check_once_a_frame(found.frame, track, source)
    numbers, first = np.unique(track, return_index=True)
    return tuple(
        KeypointSequence(
            found.points[rows],
            found.confidence[rows],
            layout=layout,
            fps=fps,
            unit=unit,
            image_size=image_size,
            frame_index=found.frame[rows],
            track_id=int(number),
            source=name,
        )
        for number, rows in _rows_of_each(track, numbers[np.argsort(first)])
    )


def _error(source: KeypointSource | str, message: str) -> KeypointFormatError:
    return KeypointFormatError(source, message)


def _checked(found: Detections, source: KeypointSource | str) -> Detections:
    """Rows with a known joint; frame numbers, head counts and coordinates within their limits."""
    if len(found.frame) and not 0 <= found.frame.min() <= found.frame.max() < MAX_FRAMES:
        wrong = found.frame[(found.frame < 0) | (found.frame >= MAX_FRAMES)][0]
        raise _error(source, f"expected frames 0 to {MAX_FRAMES - 1}, got {wrong}.")
    if (np.abs(found.points) > MAX_COORDINATE).any():
        row = int(np.argwhere(np.abs(found.points) > MAX_COORDINATE)[0, 0])
        raise _error(
            source,
            f"frame {found.frame[row]}: expected coordinates up to {MAX_COORDINATE:g}, got "
            f"{np.nanmax(np.abs(found.points[row])):g}.",
        )
    found = found[np.isfinite(found.points).all(-1).any(-1)]
    frames, people = np.unique(found.frame, return_counts=True)
    if people.max(initial=0) > MAX_PEOPLE:
        crowded = int(people.argmax())
        got = f"{people[crowded]} in frame {frames[crowded]}"
        raise _error(source, f"expected at most {MAX_PEOPLE} people in a frame, got {got}.")
    return found


def _in_order(found: Detections) -> Detections:
    """By frame, then the larger first, then by the numbers: the same whatever the order was."""
    filled = np.concatenate(
        [np.nan_to_num(found.points).reshape(len(found.frame), -1), found.confidence], 1
    )
    tie = (filled * np.sqrt(np.arange(2.0, filled.shape[1] + 2))).sum(1)
    return found[np.lexsort((tie, -_sizes(found.points), found.frame))]


def _sizes(points: Float[np.ndarray, "found joints 2"]) -> Float[np.ndarray, " found"]:
    """The longer side of each person's box."""
    known = np.isfinite(points)
    high = np.where(known, points, -np.inf).max(1, initial=-np.inf)
    low = np.where(known, points, np.inf).min(1, initial=np.inf)
    return np.asarray((high - low).max(1, initial=0.0))


def _tracks(found: Detections, fps: float) -> Int[np.ndarray, " found"]:
    """Each row's track: as given, else followed, with numbers above those given."""
    if found.track is None:
        return _followed(found, fps)
    track = found.track.astype(np.int64)
    loose = track < 0
    if loose.any():
        track[loose] = _followed(found[loose], fps) + track.max(initial=-1) + 1
    return track


def _check_once_a_frame(
    frame: Int[np.ndarray, " found"],
    track: Int[np.ndarray, " found"],
    source: KeypointSource | str,
) -> None:
    order = np.lexsort((frame, track))
    again = (np.diff(frame[order]) == 0) & (np.diff(track[order]) == 0)
    if again.any():
        row = order[int(again.argmax())]
        got = f"number {track[row]} twice in frame {frame[row]}"
        raise _error(source, f"expected one number a person, got {got}.")


def _rows_of_each(
    track: Int[np.ndarray, " found"], numbers: Int[np.ndarray, " tracks"]
) -> Iterator[tuple[int, Int[np.ndarray, " rows"]]]:
    order = np.argsort(track, kind="stable")
    starts = np.searchsorted(track[order], numbers, side="left")
    ends = np.searchsorted(track[order], numbers, side="right")
    for number, start, end in zip(numbers, starts, ends, strict=True):
        yield number, order[start:end]


@dataclass
class _Track:
    """A person as last seen."""

    number: int
    row: int
    frame: int
    velocity: Float[np.ndarray, " 2"] = field(default_factory=lambda: np.zeros(2))


def _followed(found: Detections, fps: float) -> Int[np.ndarray, " found"]:
    """A track number for each row; rows come in order of frame."""
    people = _People(found)
    track = np.zeros(len(found.frame), dtype=np.int64)
    frames, starts = np.unique(found.frame, return_index=True)
    ends = [*starts[1:].tolist(), len(track)]
    alive: list[_Track] = []
    count = 0
    longest = max(LONGEST_GAP * fps, 1.0)
    for frame, start, end in zip(frames.tolist(), starts.tolist(), ends, strict=True):
        alive = [each for each in alive if frame - each.frame <= longest + 1e-9]
        matched = people.match(alive, frame, start, end)
        for row in range(start, end):
            person = matched.get(row)
            if person is None:
                person = _Track(count, row, frame)
                alive.append(person)
                count += 1
            person.row, person.frame = row, frame
            track[row] = person.number
    return track


class _People:
    """Finds as arrays that are quick to compare."""

    def __init__(self, found: Detections) -> None:
        self.known: Bool[np.ndarray, "found joints"] = np.isfinite(found.points).all(-1)
        self.weight = self.known.astype(np.float64)
        self.points = np.where(self.known[..., None], found.points, 0.0)
        self.reach = REACH * np.maximum(_sizes(found.points), 1e-9)

    def match(self, tracks: list[_Track], frame: int, start: int, end: int) -> dict[int, _Track]:
        """Which of the rows from start to end goes on with which track; moves their velocities."""
        if not tracks:
            return {}
        block = max(1, _AT_ONCE // ((end - start) * self.weight.shape[1]))
        parts = range(0, len(tracks), block)
        overlaps = [self._overlap(tracks[i : i + block], frame, start, end) for i in parts]
        made = {}
        for place, column in _best_pairs(np.concatenate(overlaps)):
            person, row = tracks[place], start + column
            both = self.weight[person.row] * self.weight[row]
            moved = both @ (self.points[row] - self.points[person.row])
            step = moved / (both.sum() * (frame - person.frame))
            person.velocity = 0.5 * (person.velocity + step)
            made[row] = person
        return made

    def _overlap(
        self, tracks: list[_Track], frame: int, start: int, end: int
    ) -> Float[np.ndarray, "tracks found"]:
        last = [each.row for each in tracks]
        drift = np.array([each.velocity * (frame - each.frame) for each in tracks])
        away = self.points[None, start:end] - (self.points[last] + drift[:, None])[:, None]
        both = self.weight[last][:, None] * self.weight[None, start:end]
        reach = np.maximum(self.reach[last][:, None], self.reach[None, start:end])
        away /= reach[..., None, None]
        near = np.exp(-0.5 * (away * away).sum(-1))
        return np.asarray((near * both).sum(-1) / np.maximum(both.sum(-1), 1.0))


def _best_pairs(overlap: Float[np.ndarray, "tracks found"]) -> list[tuple[int, int]]:
    """Pairs in falling order of overlap, each track and each find once."""
    rows, columns = np.nonzero(overlap >= LEAST_OVERLAP)
    order = np.argsort(-overlap[rows, columns], kind="stable")
    pairs: list[tuple[int, int]] = []
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken_rows and column not in taken_columns:
            pairs.append((row, column))
            taken_rows.add(row)
            taken_columns.add(column)
    return pairs
