"""DeepLabCut's results and labels: csv, and the h5 that pandas writes."""

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from posenet3d.keypoints.named_parts import MAX_PARTS, person_of_parts
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.readers.pandas_hdf5 import Frame, looks_like_pandas, read_frame
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource
from posenet3d.keypoints.text_table import Row, head_of, numbers_of, rows_of

_COORDINATES = ("x", "y", "likelihood")
_UNIQUE = "single"  # what DeepLabCut calls the owner of parts that no individual has


class _Column(NamedTuple):
    """What the header says of a column."""

    person: str | None
    part: str
    coordinate: str


class DeepLabCutReader:
    r"""Reader of DeepLabCut's csv and h5 files, of one animal or several.

    Parts are named by whoever made the project. Names that mean a joint beyond doubt are taken
    (`posenet3d.keypoints.named_parts`); the others are told by ``joints={"head_top": "hat"}``.
    Each individual is a sequence with its number as track; parts that belong to no individual
    (``single``) are left out where there are individuals. Rows named by an image have the last
    number in its name as their frame. h5 files need h5py: ``pip install 'posenet3d[io]'``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "walkDLC.csv")
        >>> _ = path.write_text(
        ...     "scorer,net,net,net\nbodyparts,RKnee,RKnee,RKnee\ncoords,x,y,likelihood\n"
        ...     "0,10.5,20.5,0.9\n"
        ... )
        >>> person = DeepLabCutReader().read(KeypointSource(path), Told(layout="lsp_14"))[0]
        >>> person.points[0, 1].tolist()
        [10.5, 20.5]
    """

    takes_joints = True

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it is a csv that begins with ``scorer``, or an h5 with a table of pandas."""
        if source.is_folder:
            return False
        if source.suffix == ".csv":
            lines = head_of(source).splitlines()[:4]
            return len(lines) > 2 and lines[0].startswith("scorer,") and any(
                line.startswith("bodyparts,") for line in lines
            )  # fmt: skip
        return source.suffix in (".h5", ".hdf5") and looks_like_pandas(source)

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Each individual's parts as joints."""
        frame = read_frame(source) if source.suffix in (".h5", ".hdf5") else _csv_frame(source)
        columns = _columns(source, frame)
        rows = _frames(source, frame.rows)
        people = dict.fromkeys(column.person for column in columns)
        if len(people) > 1:
            people.pop(_UNIQUE, None)
        read = (
            _person(source, told, columns, frame.values, rows, name, number)
            for number, name in enumerate(people)
        )
        return tuple(person for person in read if person is not None)


def _person(
    source: KeypointSource,
    told: Told,
    columns: Sequence[_Column],
    values: Float[np.ndarray, "frames columns"],
    rows: Int[np.ndarray, " frames"],
    name: str | None,
    number: int,
) -> KeypointSequence | None:
    """The sequence of one individual."""
    own = {column[1:]: at for at, column in enumerate(columns) if column.person == name}
    parts = list(dict.fromkeys(part for part, _ in own))
    for part in parts:
        if (part, "x") not in own or (part, "y") not in own:
            raise source.error(f"part {part[:40]!r}", "columns x and y", "only one of them")
    picked = {c: [own.get((part, c), -1) for part in parts] for c in _COORDINATES}
    points = np.stack([values[:, picked["x"]], values[:, picked["y"]]], axis=-1)
    certain = np.where(np.array(picked["likelihood"]) < 0, np.nan, values[:, picked["likelihood"]])
    number_of = None if name is None else number
    return person_of_parts(source, told, parts, points, certain, rows, name=name, number=number_of)


def _csv_frame(source: KeypointSource) -> Frame:
    """The table of a csv, its header as rows of names."""
    lines = rows_of(source)
    names, start = _csv_header(source, lines)
    rows: list[str] = []
    values = array("d")
    width = len(next(iter(names.values())))
    for line, cells in lines:
        if len(cells) != width + start:
            raise source.error(
                f"line {line}", f"{width + start} cells as the header", f"{len(cells)}"
            )
        rows.append(cells[start - 1])
        values.extend(numbers_of(source, line, cells[start:]))
    return Frame(names, rows, np.frombuffer(values, np.float64).reshape(len(rows), width))


def _csv_header(
    source: KeypointSource, lines: Iterator[Row]
) -> tuple[dict[str, Sequence[str]], int]:
    """Each header line's names by its own name, and how many cells name a row."""
    names: dict[str, Sequence[str]] = {}
    start = 0
    for line, cells in lines:
        if not names:
            start = next((at for at, cell in enumerate(cells[1:], 1) if cell), 0)
        if not start or len(names) > 3 or cells[0] in names:
            break
        names[cells[0]] = cells[start:]
        if cells[0] == "coords":
            widths = {len(row) for row in names.values()}
            if len(widths) > 1:
                raise source.error(f"line {line}", "as many names as the lines above", "others")
            return names, start
    raise source.error(
        "header", "lines 'scorer', ('individuals',) 'bodyparts' and 'coords'",
        f"{list(names)[:4]!r}"[:200],
    )  # fmt: skip


def _columns(source: KeypointSource, frame: Frame) -> list[_Column]:
    """What each column is."""
    if "bodyparts" not in frame.names or "coords" not in frame.names:
        raise source.error(
            "columns", "'bodyparts' and 'coords'", f"{list(frame.names)[:5]!r}"[:200]
        )
    parts, coordinates = frame.names["bodyparts"], frame.names["coords"]
    people = frame.names.get("individuals", [None] * len(parts))
    if not 0 < len(parts) <= 3 * MAX_PARTS:
        raise source.error("columns", f"1 to {3 * MAX_PARTS}", f"{len(parts)}")
    columns = [_Column(*each) for each in zip(people, parts, coordinates, strict=True)]
    odd = sorted({column.coordinate for column in columns} - set(_COORDINATES))
    if odd:
        raise source.error(
            "coords", "x, y and likelihood", f"{odd[0][:40]!r}",
            "take the 2D file of one camera",
        )  # fmt: skip
    if len(set(columns)) != len(columns):
        raise source.error("columns", "each once", "one of them twice")
    return columns


def _frames(source: KeypointSource, rows: Sequence[str]) -> Int[np.ndarray, " frames"]:
    """Each row's frame: a whole number, or the last number in an image's name."""
    numbers = []
    for row in rows:
        found = re.findall(r"[0-9]{1,18}", row[-200:])
        number = int(found[-1]) if found and not row.startswith("-") else -1
        if not 0 <= number < MAX_FRAMES:
            raise source.error(
                "rows", f"a frame from 0 to {MAX_FRAMES - 1}, or an image's name", f"{row[:60]!r}"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.int64)
