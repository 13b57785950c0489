"""Frame numbers from the names of images and files."""

import os
import re
from collections.abc import Iterable

from posenet3d.errors import KeypointFormatError
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource

_DIGITS = re.compile("([0-9]+)")


def frame_numbers(source: KeypointSource, names: Iterable[str]) -> dict[str, int]:
    """The frame's number in each name: the one number in which the names differ.

    ``walk2_9.jpg`` and ``walk2_10.jpg`` are frames 9 and 10. A single name's frame is its last
    number; 0 if it has none that may be one.

    Args:
        source: the file, for the error.
        names: names of images or files; their suffixes do not count.

    Returns:
        Number by name.

    Raises:
        KeypointFormatError: the names do not differ in one number alone: they are of several videos
            or of single pictures, so that their order is no time.

    Example:
        >>> from pathlib import Path
        >>> frame_numbers(KeypointSource(Path("a.json")), ["walk2_9.jpg", "walk2_10.jpg"])
        {'walk2_9.jpg': 9, 'walk2_10.jpg': 10}
    """
    parts = {name: _DIGITS.split(os.path.splitext(name)[0]) for name in names}
    if len(parts) < 2:
        return {name: _last_number(split) for name, split in parts.items()}
    place = _differing_place(source, parts)
    found: dict[int, str] = {}
    for name, split in parts.items():
        number = split[place].lstrip("0") or "0"
        if len(number) > len(str(MAX_FRAMES)):
            got = f"{number[:20]}{'…' if len(number) > 20 else ''}"
            raise source.error("names", f"frame numbers below {MAX_FRAMES}", got)
        if int(number) in found:
            raise _no_order(source, found[int(number)], name)
        found[int(number)] = name
    return {name: frame for frame, name in found.items()}


def _differing_place(source: KeypointSource, parts: dict[str, list[str]]) -> int:
    """Which part of the names differs; texts and numbers take turns in them, a text first."""
    first, model = next(iter(parts.items()))
    places: set[int] = set()
    for name, split in parts.items():
        places |= {place for place, part in enumerate(split) if [part] != model[place : place + 1]}
        if len(split) != len(model) or len(places) > 1 or any(place % 2 == 0 for place in places):
            raise _no_order(source, first, name)
    if not places:
        raise _no_order(source, first, name)
    return places.pop()


def _last_number(split: list[str]) -> int:
    number = split[-2].lstrip("0") if len(split) > 1 else ""
    return int(number) if 0 < len(number) < 19 and int(number) < MAX_FRAMES else 0


def _no_order(source: KeypointSource, name: str, other: str) -> KeypointFormatError:
    return source.error(
        "names",
        "names of frames that differ in one number",
        f"{name[-60:]!r} and {other[-60:]!r}",
        "keep the frames of one video together, numbered, and of no other",
    )
