"""Comma-separated text of a keypoint file, line by line, with errors that name the line."""

import codecs
import csv
import io
import math
from collections.abc import Iterator, Sequence

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.source import KeypointSource

MAX_COLUMNS = 50_000
"""The most columns of a table."""

Row = tuple[int, list[str]]


def head_of(source: KeypointSource, count: int = 65536) -> str:
    """The beginning of a file as text, to recognise it by; empty where it cannot be read.

    Args:
        source: the file.
        count: how many bytes.

    Example:
        >>> from pathlib import Path
        >>> head_of(KeypointSource(Path("nothing.csv")))
        ''
    """
    return _first_bytes(source, count).decode("utf-8-sig", errors="replace")


def _first_bytes(source: KeypointSource, count: int) -> bytes:
    try:
        with source.path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def check_table(source: KeypointSource) -> None:
    """Nothing, unless a text of no known format is plainly a table saved in another way.

    Args:
        source: the file.

    Raises:
        KeypointFormatError: it is in UTF-16, or has semicolons or tabs between its columns.

    Example:
        >>> from pathlib import Path
        >>> check_table(KeypointSource(Path("nothing.csv")))
    """
    head = _first_bytes(source, 4096)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise source.error("text", "UTF-8", "UTF-16", "save it as UTF-8")
    lines = (line for line in head.splitlines() if line.strip()[:1] not in (b"", b"#"))
    first = next(lines, b"")
    for sign, name in ((b";", "semicolons"), (b"\t", "tabs")):
        if first.count(sign) > first.count(b","):
            expected = "commas between them, and points in numbers"
            raise source.error("columns", expected, name, "save it so")


def rows_of(source: KeypointSource, *, quotes: bool = True) -> Iterator[Row]:
    """Each line's number and its cells; empty lines are left out.

    Args:
        source: a text file in UTF-8.
        quotes: whether a cell in quotes may hold a comma.

    Raises:
        KeypointFormatError: it is no text, or no table.
        StorageError: it cannot be read.
    """
    text = io.TextIOWrapper(io.BytesIO(source.read_bytes()), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    try:
        for cells in reader:
            if len(cells) > MAX_COLUMNS:
                raise KeypointFormatError(
                    source, f"line {reader.line_num}: expected at most {MAX_COLUMNS} columns."
                )
            if cells:
                yield reader.line_num, cells
    except (csv.Error, UnicodeDecodeError) as error:
        raise KeypointFormatError(
            source, f"line {reader.line_num + 1}: expected comma-separated text ({error})."
        ) from None


def numbers_of(source: KeypointSource, line: int, cells: Sequence[str]) -> list[float]:
    """Cells as numbers; NaN for empty ones.

    Args:
        source: the file, for errors.
        line: the line's number, for errors.
        cells: its cells.

    Raises:
        KeypointFormatError: a cell is something else, or infinite.

    Example:
        >>> from pathlib import Path
        >>> numbers_of(KeypointSource(Path("a.csv")), 4, ["1.5", ""])
        [1.5, nan]
    """
    made = []
    for column, cell in enumerate(cells):
        try:
            value = float(cell) if cell else math.nan
        except ValueError:
            value = math.inf
        if math.isinf(value) or "_" in cell:
            raise source.error(
                f"line {line}", "numbers or nothing", f"{cell[:40]!r} as number {column + 1} of it"
            )
        made.append(value)
    return made
