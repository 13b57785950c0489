"""A motion as a GIF or an MP4: the 2D input beside the body from the front and from the side."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from pydantic import BaseModel, ConfigDict, Field, model_validator

from posenet3d.errors import ConfigurationError, MissingExtraError
from posenet3d.files import atomic_write
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction
from posenet3d.visualization.figures import GREY, INK, figure_class, new_figure
from posenet3d.visualization.footage import FootagePath
from posenet3d.visualization.motion_panels import MotionPanels
from posenet3d.visualization.motion_tracks import frames_shown

Panel = Literal["input", "front", "side"]
PANELS: tuple[Panel, ...] = ("input", "front", "side")
MOST_GIF_FRAMES = 600
"""A GIF of more would take tens of megabytes, and minutes to draw."""

_HEIGHT, _HEAD = 3.2, 0.42
_SHORTEST_DELAY = 4
"""Hundredths of a second: browsers show GIFs of shorter delays slower than they say."""

Image = UInt8[np.ndarray, "height width 3"]


class GifConfig(BaseModel):
    """Options of the exporter ``gif``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    panels: tuple[Panel, ...] = Field(default=PANELS, min_length=1)
    """What is shown, from left to right: ``input``, ``front``, ``side``."""

    footage: FootagePath | None = None
    """The video, image or folder of images that the keypoints came from, to draw them on."""

    height: int = Field(default=360, ge=64, le=2160)
    """Of the pictures, pixels."""

    start: float = Field(default=0.0, ge=0)
    """Where to start, seconds."""

    stop: float | None = Field(default=None, gt=0)
    """Where to stop, seconds; the end by default."""

    @model_validator(mode="after")
    def _stops_after_start(self) -> "GifConfig":
        if self.stop is not None and self.stop <= self.start:
            raise ValueError(f"expected start before stop, got {self.start:g} and {self.stop:g} s")
        return self


class Mp4Config(GifConfig):
    """Options of the exporter ``mp4``: those of ``gif``, and the rate."""

    height: int = Field(default=540, ge=64, le=2160)
    """Of the pictures, pixels."""

    fps: float = Field(default=30.0, gt=0, le=240)
    """Pictures a second, at most; the motion's own rate where that is lower."""


def _pillow() -> Any:
    """Pillow's images, where pictures can be drawn at all.

    Raises:
        MissingExtraError: matplotlib or Pillow is not installed.
    """
    figure_class()
    try:
        from PIL import Image as Pictures
    except ImportError as error:
        raise MissingExtraError("pillow", "viz", "GIF files") from error
    return Pictures


def _pyav() -> Any:
    """PyAV, where pictures can be drawn at all.

    Raises:
        MissingExtraError: matplotlib or PyAV is not installed.
    """
    figure_class()
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("av", "video", "MP4 files") from error
    return av


def _gif_fits(
    seen: KeypointSequence, *, start: float | int, stop: float | int | None, **_: Any
) -> None:
    """Refuses what a GIF cannot show of a motion that is made of these keypoints."""
    pictures = len(_times(seen, 100 / _delay(seen), start, stop))
    if pictures > MOST_GIF_FRAMES:
        raise ConfigurationError(
            [
                f"gif: expected at most {MOST_GIF_FRAMES} pictures, got {pictures}; say "
                f"start= and stop= in seconds, or save an .mp4"
            ]
        )


def _mp4_fits(
    seen: KeypointSequence, *, start: float | int, stop: float | int | None, **_: Any
) -> None:
    """Refuses a part of a motion that is made of these keypoints where it has none."""
    _times(seen, seen.fps, start, stop)


@configured_by(GifConfig, needs=_pillow, fits=_gif_fits)
def write_gif(
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    panels: Sequence[Panel] = PANELS,
    footage: str | os.PathLike[str] | None = None,
    height: int = 360,
    start: float | int = 0.0,
    stop: float | int | None = None,
) -> None:
    """A motion as an animated GIF that loops, at its own speed: the exporter ``gif``.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: the motion.
        panels: see :class:`GifConfig`, as are the next four.
        footage: see there.
        height: see there.
        start: see there.
        stop: see there.

    Raises:
        ConfigurationError: no frame lies between start and stop, or more than `MOST_GIF_FRAMES`.
        DataError: the footage is no video or image.
        MissingExtraError: matplotlib, or what reads the footage, is not installed.
        StorageError: a file cannot be read or written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> path = Path(tempfile.mkdtemp(), "still.gif")
        >>> write_gif(path, Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen), height=64)
        >>> path.read_bytes()[:6]
        b'GIF89a'
    """
    seen = reconstruction.keypoints
    _gif_fits(seen, start=start, stop=stop)
    delay = _delay(seen)
    frames = frames_shown(reconstruction, _times(seen, 100 / delay, start, stop)).tolist()
    pictures = motion_pictures(reconstruction, frames, panels, footage, height)
    drawn = _with_one_palette(pictures, photographs=footage is not None)
    with atomic_write(path) as file:
        next(drawn).save(file, format="GIF", save_all=True, append_images=drawn,
                         duration=10 * delay, loop=0, disposal=1)  # fmt: skip


@configured_by(Mp4Config, needs=_pyav, fits=_mp4_fits)
def write_mp4(
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    panels: Sequence[Panel] = PANELS,
    footage: str | os.PathLike[str] | None = None,
    height: int = 540,
    start: float | int = 0.0,
    stop: float | int | None = None,
    fps: float | int = 30.0,
) -> None:
    """A motion as an MP4 (H.264) at its own speed: the exporter ``mp4``.

    One picture is in memory at a time, so a motion may be long; it is drawn at some ten pictures
    a second.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: the motion.
        panels: see :class:`Mp4Config`, as are the next five.
        footage: see there.
        height: see there.
        start: see there.
        stop: see there.
        fps: see there.

    Raises:
        ConfigurationError: no frame lies between start and stop.
        DataError: the footage is no video or image.
        MissingExtraError: PyAV (extra ``video``) or matplotlib is not installed.
        StorageError: a file cannot be read or written.
    """
    av = _pyav()
    rate = Fraction(min(float(fps), reconstruction.fps)).limit_denominator(1001)
    times = _times(reconstruction.keypoints, float(rate), start, stop)
    frames = frames_shown(reconstruction, times).tolist()
    pictures = motion_pictures(reconstruction, frames, panels, footage, height)
    with atomic_write(path) as file, av.open(file, "w", format="mp4") as container:
        stream: Any = None
        for picture in pictures:
            even = picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2]
            if stream is None:
                stream = _video_stream(container, rate, even)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def motion_pictures(
    lifted: Reconstruction,
    frames: Sequence[int],
    panels: Sequence[Panel] = PANELS,
    footage: str | os.PathLike[str] | None = None,
    height: int = 360,
) -> Iterator[Image]:
    """Pictures of some frames, one at a time.

    Args:
        lifted: the motion.
        frames: which frames, in order.
        panels: ``input``, ``front`` (as the camera sees it), ``side``: from left to right.
        footage: what the keypoints came from, or ``None``.
        height: of the pictures, pixels.

    Yields:
        (height, width, 3) RGB.

    Raises:
        DataError: the footage is no video or image.
        MissingExtraError: matplotlib, or what reads the footage, is not installed.
        StorageError: the footage is not there.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> [len(picture) for picture in motion_pictures(still, [0, 4], ["front"], height=100)]
        [100, 100]
    """
    tall = _HEIGHT + _HEAD
    drawing = MotionPanels(lifted, footage)
    figure = new_figure(len(panels) * drawing.aspect * _HEIGHT, tall)
    figure.set_dpi(height / tall)
    cells: Any = figure.subplots(
        1, len(panels), squeeze=False,
        gridspec_kw={"left": 0.01, "right": 0.99, "bottom": 0.01, "top": _HEIGHT / tall,
                     "wspace": 0.02},
    )  # fmt: skip
    title = figure.text(0.02, 0.985, "", ha="left", va="top", fontsize=11, color=INK)
    pixels = round(height * _HEIGHT / tall)
    for frame in frames:
        title.set_text(f"{lifted.seconds[frame]:.2f} s")
        for axes, panel in zip(cells[0], panels, strict=True):
            for artist in [*axes.lines, *axes.collections, *axes.images]:
                artist.remove()
            axes.set_title(_title(panel), fontsize=9, color=GREY, pad=2)
            _draw(drawing, axes, frame, panel, pixels)
        yield _rendered(figure)


def _title(panel: Panel) -> str:
    return "2D input" if panel == "input" else panel


def _draw(drawing: MotionPanels, axes: Any, frame: int, panel: Panel, pixels: int) -> None:
    if panel == "input":
        drawing.draw_input(axes, frame)
        return
    if drawing.lifted.body is not None:
        drawing.draw_body(axes, frame, panel, pixels)
    drawing.draw_skeleton(axes, frame, panel)


def _rendered(figure: Any) -> Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image: Image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return image


def _delay(seen: KeypointSequence) -> int:
    """How long a GIF shows each picture, in hundredths of a second."""
    return max(_SHORTEST_DELAY, round(100 / seen.fps))


def _times(
    seen: KeypointSequence, rate: float, start: float | int, stop: float | int | None
) -> Float[np.ndarray, " pictures"]:
    """Times at an even rate from start to stop, gaps included."""
    end = seen.duration if stop is None else min(float(stop), seen.duration)
    times = np.arange(float(start), end - 1e-9, 1 / rate)
    if not len(times):
        raise ConfigurationError(
            [f"start: expected a time before stop and the end ({seen.duration:g} s), got {start:g}"]
        )
    return times


def _with_one_palette(pictures: Iterator[Image], photographs: bool) -> Iterator[Any]:
    """Pictures in the first one's 256 colours, so that nothing flickers."""
    Pictures = _pillow()
    first = None
    for picture in pictures:
        whole = Pictures.fromarray(picture)
        if first is None:
            first = _palette_with_white(whole.quantize(256))
        dither = Pictures.Dither.FLOYDSTEINBERG if photographs else Pictures.Dither.NONE
        yield whole.quantize(palette=first, dither=dither)


def _palette_with_white(picture: Any) -> Any:
    """What is nearly white becomes white, as the paper is."""
    colours = np.array(picture.getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) > 246] = 255
    picture.putpalette(colours.ravel().tolist())
    return picture


def _video_stream(container: Any, rate: Fraction, picture: Image) -> Any:
    codec = "libx264" if "libx264" in _pyav().codecs_available else "mpeg4"
    stream = container.add_stream(codec, rate=rate)
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "yuv420p"
    if codec == "libx264":
        stream.options = {"crf": "18"}
    return stream
