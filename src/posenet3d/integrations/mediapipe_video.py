"""2D keypoints out of a video: MediaPipe's pose landmarks, one person, in a process of its own.

The detector is MediaPipe 0.10.14 (Google, Apache-2.0), whose wheel holds the weights of one of its
three sizes, ``pose_landmark_full``; the other two would be downloaded, so they are not on offer.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from posenet3d.errors import DataError, DetectorError, KeypointFormatError, PoseNet3DError
from posenet3d.integrations.detector_process import detector_answers
from posenet3d.integrations.detector_python import VERSION, detector_python
from posenet3d.keypoints import KeypointSequence, from_mediapipe
from posenet3d.keypoints.footage import images_of

DETECTOR = f"MediaPipe {VERSION}, pose_landmark_full (Apache-2.0)"
"""What finds the joints, for people to read."""

_JOINTS = 33
_ALIKE, _MOST = 0.1, 0.8
"""The file's frame rate holds if so large a share of the steps in time differ no more from it."""
_SHORTEST_LOSS, _SMALLEST_LOSS = 0.5, 0.05
"""Seconds, and share of a video, that must be missing before it counts as cut off."""
_FURTHEST_OFF = 1.5
"""So many frames may the time of one lie from where even frames would have it."""

Landmarks = Float[np.ndarray, "33 3"]


@dataclass(frozen=True)
class FoundInVideo:
    """What a detector saw in a video.

    Example:
        >>> FoundInVideo((), 90, 0, 30.0, (640, 480)).detector
        'MediaPipe 0.10.14, pose_landmark_full (Apache-2.0)'
    """

    people: tuple[KeypointSequence, ...]
    """One sequence a track, whoever is seen longest first."""
    frames: int
    """How many frames were looked at."""
    frames_with_someone: int
    """In how many of them somebody was found."""
    fps: float
    """Frames a second."""
    image_size: tuple[int, int]
    """(width, height) in pixels, upright as the video is played."""
    notes: tuple[str, ...] = ()
    """What is odd about the video, a sentence each."""
    detector: str = DETECTOR
    """What found them."""


class _Landmark(NamedTuple):
    x: float
    y: float
    visibility: float


class _Result(NamedTuple):
    pose_landmarks: list[list[_Landmark]]


def detect_people(
    video: str | os.PathLike[str],
    *,
    fps: float | int | None = None,
    python: str | os.PathLike[str] | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> FoundInVideo:
    """The 2D joints of the person in a video, an image or a folder of images.

    MediaPipe Pose sees **one** person at a time. Where several are in the picture it keeps to the
    one it found first, and goes to another where it loses that one: what then jumps too far is
    another track. Nothing is smoothed or filled in; frames in which nobody was found are gaps of
    ``frame_index``. It takes some 150 ms a frame of one processor core.

    Args:
        video: a video that OpenCV decodes, an image, or a folder of a video's images.
        fps: frames a second, where the file does not tell or tells it wrongly; a folder of images
            does not.
        python: the Python that has MediaPipe, see
            :func:`~posenet3d.integrations.detector_python.detector_python`.
        on_progress: is told, after each frame, how many are done and how many the file promises
            (``None`` if it does not).

    Returns:
        What was found: layout ``mediapipe_33``, pixels, MediaPipe's visibility as confidence.

    Raises:
        DataError: it is no video, an image is damaged or of another size, nobody is found, or the
            frame rate must be told.
        DetectorError: no detector is installed, or it failed; the message says how to install it.
        KeypointFormatError: the frame rate told cannot be one.
        StorageError: there is nothing there.

    Example:
        With the detector in an environment of its own::

            from posenet3d import Estimator
            from posenet3d.integrations.mediapipe_video import detect_people

            found = detect_people("walk.mp4", python="detector/bin/python")
            Estimator.from_pretrained().predict(found.people[0]).save("walk.glb")

        >>> detect_people("nothing.mp4")
        Traceback (most recent call last):
        posenet3d.errors.StorageError: nothing.mp4: expected a video, an image or a folder of ...
    """
    place = Path(video)
    images = images_of(place)
    if fps is not None and not 0 < fps < float("inf"):
        raise KeypointFormatError("fps", f"expected a positive number, got {fps!r}.")
    if len(images) > 1 and fps is None:
        raise DataError(place, "expected frames a second, which images do not tell", say=["fps"])
    chosen = detector_python(python)
    with detector_answers(chosen, place, images) as answers:
        opened, seconds, found = _collected(chosen, answers, on_progress)
    if not any(each is not None for each in found):
        raise DataError(place, f"expected a person, found nobody in {len(found)} frames.")
    rate, notes = _frame_rate(place, fps, opened["fps"], seconds)
    size = (opened["width"], opened["height"])
    people = from_mediapipe(_results(found), size, rate)
    return FoundInVideo(
        people=tuple(
            sorted((replace(each, source=place.stem) for each in people), key=lambda p: -len(p))
        ),
        frames=len(found),
        frames_with_someone=sum(each is not None for each in found),
        fps=rate,
        image_size=size,
        notes=(*_missing(opened["frames"], opened["fps"], seconds), *notes),
    )


def _collected(
    python: str,
    answers: Iterator[dict[str, Any]],
    on_progress: Callable[[int, int | None], None] | None,
) -> tuple[dict[str, Any], list[float | None], list[Landmarks | None]]:
    """What the video is, the frames' times, and the person in each."""
    opened: dict[str, Any] = {}
    seconds: list[float | None] = []
    found: list[Landmarks | None] = []
    try:
        for answer in answers:
            if not opened:
                told = answer["opened"]
                opened = {key: told[key] for key in ("width", "height", "fps", "frames")}
                continue
            seconds.append(answer["seconds"])
            found.append(_landmarks(answer["landmarks"]))
            if on_progress is not None:
                on_progress(len(found), opened["frames"])
    except PoseNet3DError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DetectorError(python, f"the detector answered with a fault: {error!r}.") from error
    return opened, seconds, found


def _landmarks(rows: Any) -> Landmarks | None:
    if rows is None:
        return None
    array = np.array(rows, dtype=np.float64)
    if array.shape != (_JOINTS, 3):
        raise ValueError(f"landmarks of shape {array.shape}")
    return array


def _results(found: list[Landmarks | None]) -> Iterator[_Result | None]:
    """The frames as MediaPipe's own results, one at a time."""
    for person in found:
        if person is None:
            yield None
        else:
            yield _Result([[_Landmark(*row) for row in person.tolist()]])


def _frame_rate(
    place: Path, told: float | int | None, container: float | None, seconds: list[float | None]
) -> tuple[float, tuple[str, ...]]:
    """Frames a second as told, else by the file and the frames' times; and what is odd."""
    if told is not None:
        return float(told), ()
    if len(seconds) == 1:
        return 1.0, ()
    times = np.array([np.nan if each is None else each for each in seconds])
    steps = np.diff(times)
    if not np.isfinite(times).all() or not (steps > 0).all():
        if container is None:
            raise DataError(place, "expected a video that tells frames a second", say=["fps"])
        return float(container), ()
    rate = len(steps) / (times[-1] - times[0])
    if container is not None and np.mean(np.abs(steps * container - 1) < _ALIKE) > _MOST:
        rate = container  # some frames may have been lost
    off = np.abs(times - times[0] - np.arange(len(times)) / rate).max()
    if off * rate < _FURTHEST_OFF:
        return float(rate), ()
    return float(rate), (
        f"Its frames come unevenly: taken as {rate:.4g} a second, one is {off:.2g} s off. Make "
        "them even first: ffmpeg -i IN -fps_mode cfr OUT.",
    )


def _missing(
    promised: int | None, container: float | None, seconds: list[float | None]
) -> tuple[str, ...]:
    """A note where a video ends before its time; a file's number of frames is an estimate."""
    if promised is None or container is None:
        return ()
    whole = promised / container
    seen = max(len(seconds) / container, (seconds[-1] or 0.0) + 1 / container)
    if whole - seen < max(_SHORTEST_LOSS, _SMALLEST_LOSS * whole):
        return ()
    return (f"The file promises {whole:.3g} s, {seen:.3g} s could be decoded; is it cut off?",)
