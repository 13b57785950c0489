"""What a reader of JSON looks at to recognise its format."""

from typing import Any

from posenet3d.errors import KeypointFormatError, StorageError
from posenet3d.keypoints.source import KeypointSource

LOOKED_AT = 1000
"""How many of a folder's files are opened to find one with somebody in it."""


def glance(source: KeypointSource) -> Any:
    """The value of a JSON file, or of a folder's first one that holds anything.

    Args:
        source: a file or folder.

    Returns:
        The value; ``None`` where there is no JSON file, where all are empty, or where the first
        that is not is damaged.

    Example:
        >>> from pathlib import Path
        >>> glance(KeypointSource(Path("absent.json"))) is None
        True
    """
    try:
        if not source.is_folder:
            return source.json if source.suffix == ".json" else None
        held = (source.json_of(path) for path in source.members(".json")[:LOOKED_AT])
        return next((value for value in held if value), None)
    except (KeypointFormatError, StorageError):
        return None


def check_json(source: KeypointSource) -> None:
    """Nothing, if a file of no known format is no JSON, or is whole.

    Args:
        source: a file, or a folder, of whose files the first that hold anything count.

    Raises:
        KeypointFormatError: it is JSON that is damaged: the message tells where.
        StorageError: it cannot be read.

    Example:
        >>> from pathlib import Path
        >>> check_json(KeypointSource(Path("walk.csv")))
    """
    if not source.is_folder:
        if source.suffix == ".json":
            source.json  # noqa: B018  # parsed for its errors
        return
    for path in source.members(".json")[:LOOKED_AT]:
        if source.json_of(path):
            return
