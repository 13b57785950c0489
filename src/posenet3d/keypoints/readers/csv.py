"""Our own csv, see `posenet3d.keypoints.csv_file`."""

import json
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.csv_file import FIRST_LINE, NO_TRACK
from posenet3d.keypoints.named_parts import place_parts
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource
from posenet3d.keypoints.text_table import head_of, numbers_of, rows_of
from posenet3d.skeletons import LAYOUTS, layout

_COLUMN = re.compile(r"(?P<joint>.+)_(?P<axis>[xyc])")
_COMMENT = re.compile(r"# *(?P<key>[a-z_]+(?: of \S+)?): *(?P<value>.*)")
_MAX_TRACK = 2**62


@dataclass(frozen=True, eq=False)
class _Table:
    """The rows of a file."""

    columns: Sequence[str]
    frame: Int[np.ndarray, " rows"]
    track: Sequence[str]
    values: Float[np.ndarray, "rows columns"]
    comments: Mapping[str, str] = field(default_factory=dict)


class CsvReader:
    r"""Reader of the csv files that `posenet3d.keypoints.write_csv` writes, or one's own like them.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "walk.csv")
        >>> _ = path.write_text("frame,right_knee_x,right_knee_y\n0,10.5,20.5\n")
        >>> person = CsvReader().read(KeypointSource(path), Told(layout="lsp_14"))[0]
        >>> person.points[0, 1].tolist()
        [10.5, 20.5]
    """

    takes_joints = True

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it is a csv with our first line, or columns ``frame`` and of joints."""
        if source.suffix != ".csv" or source.is_folder:
            return False
        lines = [line for line in head_of(source).splitlines() if line.strip()]
        if lines and lines[0] == FIRST_LINE:
            return True
        first = next((line for line in lines if not line.startswith("#")), "")
        header = [cell.strip('"') for cell in first.split(",")]
        return "frame" in header and any(_COLUMN.fullmatch(column) for column in header)

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """One sequence a track; what is told goes before what is in the file."""
        table = _read_table(source)
        name, joints = _joints(source, table, told)
        facts = {
            "layout": name,
            "fps": told.fps_of(source, _fps(source, table.comments), len(table.frame)),
            "unit": table.comments.get("unit", "pixels"),
            "image_size": told.image_size or _size(source, table.comments),
            "synthesized": _synthesized(source, name, table.comments),
        }
        tracks = np.array(table.track)
        return tuple(
            _person(source, table, joints, facts, track, np.flatnonzero(tracks == track))
            for track in dict.fromkeys(table.track)
        )


def _read_table(source: KeypointSource) -> _Table:
    """Comments, header and rows."""
    comments: dict[str, str] = {}
    columns: list[str] = []
    frame, values, track = array("q"), array("d"), []
    for line, cells in rows_of(source, quotes=False):
        if cells[0].startswith("#"):
            _note(source, line, ",".join(cells), comments)
        elif not columns:
            columns = _header(source, line, cells)
        else:
            if len(cells) != len(columns):
                raise source.error(f"line {line}", f"{len(columns)} cells", f"{len(cells)}")
            own = dict(zip(columns, cells, strict=True))
            frame.append(_whole(source, line, own.pop("frame"), 0, MAX_FRAMES - 1))
            track.append(_track(source, line, own.pop("track", "")))
            values.extend(numbers_of(source, line, list(own.values())))
    if not columns or not frame:
        raise source.error("rows", "a header and at least one row", "none")
    joints = [column for column in columns if column not in ("frame", "track")]
    made = np.frombuffer(values, np.float64).reshape(len(frame), len(joints))
    return _Table(joints, np.array(frame, dtype=np.int64), track, made, comments)


def _note(source: KeypointSource, line: int, text: str, comments: dict[str, str]) -> None:
    """A comment of the form ``# key: value``; others are for people."""
    found = _COMMENT.fullmatch(text)
    if found and found["key"] in comments:
        raise source.error(f"line {line}", "each comment once", f"{found['key']!r} twice")
    if found:
        comments[found["key"]] = found["value"]


def _header(source: KeypointSource, line: int, cells: list[str]) -> list[str]:
    """The columns' names, which some programs put in quotes."""
    cells = [cell.strip('"') for cell in cells]
    joints = [cell for cell in cells if cell not in ("frame", "track")]
    odd = [cell for cell in joints if not _COLUMN.fullmatch(cell)]
    if odd or "frame" not in cells or not joints or len(set(cells)) != len(cells):
        got = f"{odd[0][:40]!r}" if odd else "a column twice, or none of them"
        raise source.error(f"line {line}", "columns frame, track, <joint>_x, _y and _c", got)
    return cells


def _whole(source: KeypointSource, line: int, cell: str, low: int, high: int) -> int:
    number = int(cell) if re.fullmatch(r"-?[0-9]{1,19}", cell) else low - 1
    if not low <= number <= high:
        raise source.error(f"line {line}", f"a whole number from {low} to {high}", f"{cell[:40]!r}")
    return number


def _track(source: KeypointSource, line: int, cell: str) -> str:
    if cell == "":
        return NO_TRACK
    return str(_whole(source, line, cell, -_MAX_TRACK, _MAX_TRACK))


def _joints(
    source: KeypointSource, table: _Table, told: Told
) -> tuple[str, dict[str, Float[np.ndarray, "rows joints"]]]:
    """The layout and each axis's values by joint; NaN where the file has no such column."""
    at = {column: number for number, column in enumerate(table.columns)}
    names = list(dict.fromkeys(_COLUMN.fullmatch(column)["joint"] for column in at))  # type: ignore[index]
    for joint in names:
        if f"{joint}_x" not in at or f"{joint}_y" not in at:
            raise source.error(f"joint {joint[:40]!r}", "columns _x and _y", "only one of them")
    said = told.layout if told.layout is not None else table.comments.get("layout")
    if said is not None and set(names) - set(layout(said).joint_names) and not told.joints:
        odd = sorted(set(names) - set(layout(said).joint_names))[0]
        raise source.error("columns", f"joints of layout {said!r}", f"{odd[:40]!r}")
    placed = place_parts(names, source, Told(said, joints=told.joints))
    rows = table.values
    blank = np.full(len(rows), np.nan)
    return placed.layout, {
        axis: placed.arranged(
            np.stack(
                [rows[:, at[key]] if (key := f"{n}_{axis}") in at else blank for n in names], axis=1
            )
        )
        for axis in "xyc"
    }


def _person(
    source: KeypointSource,
    table: _Table,
    joints: Mapping[str, Float[np.ndarray, "rows joints"]],
    facts: Mapping[str, Any],
    track: str,
    rows: Int[np.ndarray, " own"],
) -> KeypointSequence:
    """The rows of one track; a known joint without confidence has 1."""
    order = rows[np.argsort(table.frame[rows], kind="stable")]
    confidence = joints["c"][order]
    try:
        return KeypointSequence(
            np.stack([joints["x"][order], joints["y"][order]], axis=-1),
            np.where(np.isnan(confidence), 1.0, confidence),
            frame_index=table.frame[order],
            track_id=None if track == NO_TRACK else int(track),
            source=_source(source, track, table.comments),
            **facts,
        )
    except KeypointFormatError as error:
        what = str(error).removeprefix(f"{error.source}: ")
        raise KeypointFormatError(source, f"track {track}: {what}") from None


def _source(source: KeypointSource, track: str, comments: Mapping[str, str]) -> str:
    """What the sequence is called: as the file says, else by the file's name."""
    said = comments.get(f"source of {track}")
    if said is None:
        return source.name
    try:
        name = json.loads(said)
    except (ValueError, RecursionError):
        name = None
    if not isinstance(name, str):
        raise source.error(f"source of {track}", "a text in quotes", f"{said[:40]!r}")
    return name


def _fps(source: KeypointSource, comments: Mapping[str, str]) -> float | None:
    said = comments.get("fps")
    return None if said is None else numbers_of(source, 1, [said])[0]


def _size(source: KeypointSource, comments: Mapping[str, str]) -> tuple[int, int] | None:
    said = comments.get("image_size")
    if said is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,8})x([1-9][0-9]{0,8})", said)
    if not found:
        raise source.error("image_size", "such as 640x480", f"{said[:40]!r}")
    return int(found[1]), int(found[2])


def _synthesized(
    source: KeypointSource, name: str, comments: Mapping[str, str]
) -> Bool[np.ndarray, " joints"]:
    made = comments.get("synthesized", "").split()
    odd = [joint for joint in made if joint not in LAYOUTS[name].joint_names]
    if odd:
        raise source.error("synthesized", f"joints of layout {name!r}", f"{odd[0][:40]!r}")
    return np.array([joint in made for joint in LAYOUTS[name].joint_names])
