"""The frames of the video or image folder that keypoints came from, to draw on."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from pydantic import AfterValidator

from posenet3d.errors import DataError, MissingExtraError, StorageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""The endings of what counts as an image in a folder."""

Image = UInt8[np.ndarray, "height width 3"]


def _there(path: str) -> str:
    if not os.path.exists(path):
        raise ValueError("expected a video, an image or a folder that is there")
    return path


FootagePath = Annotated[str, AfterValidator(_there)]
"""Footage as an exporter's option: looked for before anything is lifted or drawn."""


@runtime_checkable
class Footage(Protocol):
    """Frames of a video by their number."""

    def frame(self, number: int) -> Image | None:
        """The image of a frame; ``None`` behind the end."""
        ...


def open_footage(path: str | os.PathLike[str]) -> Footage:
    """A folder of images, one image for all frames, or a video, ready to be asked for frames.

    A folder's images count from 0 in the order of the numbers in their names. A video is decoded
    as it is asked for, one frame in memory. Pictures are upright, as they are shown.

    Args:
        path: the folder or file.

    Raises:
        DataError: the folder holds no image.
        StorageError: there is nothing there.

    Example:
        >>> import tempfile
        >>> from PIL import Image as Pictures
        >>> folder = Path(tempfile.mkdtemp())
        >>> Pictures.new("RGB", (4, 3)).save(folder / "frame_10.png")
        >>> open_footage(folder).frame(0).shape
        (3, 4, 3)
    """
    place = Path(path)
    if place.is_dir():
        images = sorted(
            (each for each in place.iterdir() if each.suffix.lower() in IMAGES), key=_by_numbers
        )
        if not images:
            raise DataError(place, f"expected images ({', '.join(IMAGES)}), got none.")
        return ImageFolder(tuple(images))
    if not place.is_file():
        raise StorageError(place, "expected a video, an image or a folder, got nothing there.")
    return StillImage(place) if place.suffix.lower() in IMAGES else Video(place)


def draw_footage(axes: "Axes", image: Image, image_size: tuple[int, int] | None) -> None:
    """A frame below whatever is drawn, in the coordinates of its keypoints; limits stay.

    Args:
        axes: where to draw.
        image: the frame.
        image_size: width and height that the keypoints count in; the frame's own if unknown.

    Example:
        >>> from posenet3d.visualization.figures import new_figure
        >>> axes = new_figure(1.0, 1.0).add_subplot(xlim=(0, 8), ylim=(6, 0))
        >>> draw_footage(axes, np.zeros((3, 4, 3), np.uint8), (40, 30))
        >>> axes.images[0].get_size(), float(axes.get_xlim()[1])
        ((3, 4), 8.0)
    """
    limits = axes.get_xlim(), axes.get_ylim()
    height, width = image.shape[:2]
    across, down = image_size or (width, height)
    axes.imshow(image, extent=(0, across, down, 0), zorder=0)
    axes.set(xlim=limits[0], ylim=limits[1])


class ImageFolder:
    """Images as frames.

    Args:
        images: in order.
    """

    def __init__(self, images: tuple[Path, ...]) -> None:
        self._images = images

    def frame(self, number: int) -> Image | None:
        """The image of a frame, or ``None`` behind the end."""
        return _read_image(self._images[number]) if number < len(self._images) else None


class StillImage:
    """One image behind all frames.

    Args:
        path: the image.
    """

    def __init__(self, path: Path) -> None:
        self._image = _read_image(path)

    def frame(self, number: int) -> Image | None:
        """The image, whatever the number."""
        return self._image


class Video:
    """Frames of a video, decoded in order; going back starts anew.

    Args:
        path: the video.
    """

    def __init__(self, path: Path) -> None:
        try:
            import av  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("av", "video", "Videos") from error
        self._path = path
        self._number, self._last = -1, None
        self._frames: Iterator[Image] = iter(())

    def frame(self, number: int) -> Image | None:
        """The image of a frame, or ``None`` behind the end.

        Raises:
            DataError: the file is no video.
        """
        if number < self._number or self._number < 0:
            self._number, self._frames = -1, self._decoded()
        while self._number < number:
            self._last = next(self._frames, None)  # type: ignore[assignment]
            self._number += 1
        return self._last

    def _decoded(self) -> Iterator[Image]:
        import av

        try:
            with av.open(str(self._path)) as container:
                if not container.streams.video:
                    raise DataError(self._path, "expected a video, got a file without pictures.")
                for frame in container.decode(video=0):
                    turns = round(frame.rotation / 90)  # phones film sideways, and say so
                    yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
        except av.FFmpegError as error:
            raise DataError(self._path, f"expected a video, got {error}.") from error


def _by_numbers(path: Path) -> list[Any]:
    """Names as people sort them: frame_2 before frame_10."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _read_image(path: Path) -> Image:
    try:
        from PIL import Image as Pictures
        from PIL import ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise MissingExtraError("pillow", "viz", "Images") from error
    try:
        with Pictures.open(path) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except UnidentifiedImageError as error:
        raise DataError(path, "expected an image, got something else.") from error
    except (OSError, ValueError, Pictures.DecompressionBombError) as error:
        raise DataError(path, f"expected an image, got {error}.") from error
