"""Finds a person in each frame: started by `posenet3d.integrations.detector_process`, not imported.

It runs in the detector's own Python, which may be older than ours (3.9 to 3.12) and need not have
this library. A line of JSON on standard input says what to look at; lines of JSON on standard
output answer: ``ready``, ``opened``, one ``frame`` each, and ``end`` or ``error``. When standard
input ends, whoever asked is gone, and so is this process.
"""

import importlib
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib import metadata
from typing import Any


class RefusedError(Exception):
    """What was asked for cannot be done: the ``kind`` is ``detector`` or ``footage``."""

    def __init__(self, kind: str, told: str) -> None:
        self.kind, self.told = kind, told
        super().__init__(told)


def main() -> None:
    """Answers the request on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is interrupted too, and ends this
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native libraries print where they like
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != here]
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        for answer in _answers(request):
            _send(answers, answer)
    except RefusedError as refusal:
        _send(answers, {"error": refusal.kind, "told": refusal.told})
    except Exception as error:  # whatever the detector makes of the pictures
        _send(answers, {"error": "detector", "told": f"{type(error).__name__}: {error}"[:500]})
    os._exit(0)  # the thread above still reads


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(4096):
        continue
    os._exit(3)


def _send(answers: Any, answer: Any) -> None:
    try:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
    except OSError:
        os._exit(3)


def _answers(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    version = _version(request["version"])
    try:
        cv2 = importlib.import_module("cv2")
        pose = importlib.import_module("mediapipe").solutions.pose
    except Exception as error:  # a broken installation shows itself in many ways
        raise RefusedError("detector", f"{type(error).__name__}: {error}"[:500]) from None
    yield {"ready": version, "python": sys.version.split()[0]}
    images = request["images"]
    pictures = _of_images(cv2, images) if images else _of_video(cv2, request["video"])
    yield {"opened": next(pictures)}
    # No smoothing over time: that is a repair, which the user asks for by name.
    with pose.Pose(model_complexity=1, smooth_landmarks=False) as detector:
        count = 0
        for seconds, picture in pictures:
            found = detector.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).pose_landmarks
            yield {"frame": count, "seconds": seconds, "landmarks": _landmarks(found)}
            count += 1
    yield {"end": count}


def _version(wanted: str) -> str:
    try:
        version = metadata.version("mediapipe")
    except metadata.PackageNotFoundError:
        raise RefusedError("detector", "mediapipe is not installed there") from None
    if version != wanted:
        raise RefusedError("detector", f"mediapipe {version} is installed there, expected {wanted}")
    return version


def _of_video(cv2: Any, path: str) -> Iterator[Any]:
    """First what the file says of itself, then each frame's time and picture."""
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    there, picture = capture.read()
    if not there or picture is None:
        raise RefusedError("footage", "expected a video, got a file without a frame that decodes")
    height, width = picture.shape[:2]
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    fps = capture.get(cv2.CAP_PROP_FPS)
    yield {
        "width": width,
        "height": height,
        "fps": fps if math.isfinite(fps) and fps > 0 else None,
        "frames": int(count) if 0 < count < 2**31 else None,
    }
    while there:
        seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        yield (seconds if math.isfinite(seconds) else 0.0), picture
        there, picture = capture.read()


def _of_images(cv2: Any, paths: list[str]) -> Iterator[Any]:
    """First the images' size and number, then each."""
    first = _image(cv2, paths[0])
    height, width = first.shape[:2]
    yield {"width": width, "height": height, "fps": None, "frames": len(paths)}
    for path in paths:
        picture = _image(cv2, path)
        if picture.shape != first.shape:
            size = f"{picture.shape[1]} x {picture.shape[0]}"
            raise RefusedError(
                "footage", f"{os.path.basename(path)}: expected {width} x {height} pixels as the "
                f"first image has, got {size}",
            )  # fmt: skip
        yield None, picture


def _image(cv2: Any, path: str) -> Any:
    numpy = importlib.import_module("numpy")
    try:
        content = numpy.fromfile(path, dtype=numpy.uint8)  # OpenCV alone opens no path in Unicode
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except (OSError, cv2.error) as error:
        raise RefusedError("footage", f"{os.path.basename(path)}: {error}") from None
    if picture is None:
        raise RefusedError(
            "footage", f"{os.path.basename(path)}: expected an image, got something else"
        )
    return picture


def _landmarks(found: Any) -> Any:
    """x, y as parts of the image and the visibility, a row a joint; ``None`` for nobody."""
    if found is None:
        return None
    rows = [
        [round(each.x, 6), round(each.y, 6), round(each.visibility, 6)] for each in found.landmark
    ]
    return rows if all(math.isfinite(value) for row in rows for value in row) else None


if __name__ == "__main__":
    main()
