"""The page and the picture of `pitch.py`."""

from pathlib import Path
from typing import Any


def render(record: dict[str, Any]) -> str:
    """The page."""
    return f"{len(record['runs'])} runs\n"


def draw(record: dict[str, Any], path: Path) -> None:
    """The picture."""
