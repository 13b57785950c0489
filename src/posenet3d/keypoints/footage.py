"""What counts as a video or as a folder of its frames."""

import os
from pathlib import Path

from posenet3d.errors import DataError, StorageError
from posenet3d.keypoints.source import by_number

VIDEOS = frozenset(
    {
        *(".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv"),
        *(".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"),
    }
)
"""The endings of videos."""

IMAGES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))
"""The endings of images."""

_KEYPOINTS = frozenset((".csv", ".h5", ".hdf5", ".json", ".npz", ".pkl", ".txt"))


def is_footage(path: str | os.PathLike[str]) -> bool:
    """Whether there are pictures, going by names alone: a video, an image, or a folder of images.

    A folder that has files of keypoints as well, as detectors leave them beside the pictures that
    they drew, is one of keypoints.

    Args:
        path: the file or folder; one that is not there is judged by its ending.

    Example:
        >>> is_footage("walk.MP4"), is_footage("walk.json")
        (True, False)
    """
    place = Path(path)
    if not place.is_dir():
        return place.suffix.lower() in VIDEOS | IMAGES
    try:
        endings = {os.path.splitext(name)[1].lower() for name in _names(place)}
    except OSError:
        return False
    return bool(endings & IMAGES) and not endings & _KEYPOINTS


def images_of(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """The images that are the frames, in order; none for a video.

    Args:
        path: a video, an image, or a folder, whose images count by the numbers in their names.

    Raises:
        DataError: the folder holds no image.
        StorageError: there is nothing there, or it cannot be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("a10.png", "a9.png"):
        ...     (folder / name).touch()
        >>> [image.name for image in images_of(folder)]
        ['a9.png', 'a10.png']
    """
    place = Path(path)
    if not place.is_dir():
        if not place.is_file():
            raise StorageError(
                place, "expected a video, an image or a folder of images, got nothing there."
            )
        return (place,) if place.suffix.lower() in IMAGES else ()
    try:
        names = sorted(_names(place), key=by_number)
    except OSError as error:
        raise StorageError(place, f"cannot be read: {error.strerror or error}.") from error
    found = tuple(place / name for name in names if os.path.splitext(name)[1].lower() in IMAGES)
    if not found:
        raise DataError(place, f"expected images ({', '.join(sorted(IMAGES))}), got none.")
    return found


def _names(folder: Path) -> list[str]:
    """The folder's files; hidden ones are no frames."""
    with os.scandir(folder) as entries:
        return [each.name for each in entries if not each.name.startswith(".") and each.is_file()]
