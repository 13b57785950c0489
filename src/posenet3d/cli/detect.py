"""``posenet3d detect``: from a video to 2D keypoints, with a detector in a process of its own."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.options import Force, JsonReport
from posenet3d.cli.progress import progress_bar
from posenet3d.cli.writing import why_not_written

if TYPE_CHECKING:
    from posenet3d.integrations.mediapipe_video import FoundInVideo
    from posenet3d.keypoints import KeypointSequence

Video = Annotated[
    Path, typer.Argument(metavar="VIDEO", help="Video, image, or folder of a video's images.")
]
Out = Annotated[
    Path,
    typer.Option(
        "--out", "-o", metavar="FILE", help="Keypoint file to write: .npz, .csv or .json."
    ),
]
Fps = Annotated[
    float | None, typer.Option("--fps", help="Frames a second, where the video does not tell.")
]
DetectorPython = Annotated[
    Path | None,
    typer.Option(
        "--detector-python",
        help="The Python that has mediapipe; or POSENET3D_DETECTOR_PYTHON; or this one.",
    ),
]

FORMATS = (".csv", ".json", ".npz")


def detect(
    video: Video,
    out: Out,
    fps: Fps = None,
    detector_python: DetectorPython = None,
    force: Force = False,
    as_json: JsonReport = False,
) -> None:
    """Find one person's 2D joints in a video, with MediaPipe, and write them as keypoints.

    `posenet3d lift` takes the file, and takes videos too; this keeps the 2D to look at. MediaPipe
    finds one person a frame. An interrupt leaves nothing half-written.
    """
    check_out(out, force)
    start = time.perf_counter()
    found = found_in(video, fps, detector_python)
    write_found(out, found)
    if as_json:
        facts = facts_of(found) | {"seconds": round(time.perf_counter() - start, 3)}
        typer.echo(json.dumps({"video": str(video), "written": str(out)} | facts, indent=2))
    else:
        typer.echo(summary(found))
        typer.echo(f"{out}  {out.stat().st_size / 1e6:.2f} MB")


def check_out(out: Path, force: bool) -> None:
    """Nothing, if the file can be written once the minutes of looking are over.

    Args:
        out: the file.
        force: whether it may be replaced.

    Raises:
        ConfigurationError: all faults at once.
    """
    from posenet3d.errors import ConfigurationError

    faults = []
    if out.suffix.lower() not in FORMATS:
        faults.append(f"--out {out}: expected a suffix out of {', '.join(FORMATS)}")
    if why := why_not_written(out):
        faults.append(f"--out {out}: {why}")
    elif out.exists() and not force:
        faults.append(f"--out {out}: is there already; --force replaces it")
    if faults:
        raise ConfigurationError(faults)


def people_of(
    source: Path,
    *,
    format: str | None,
    layout: str | None,
    fps: float | None,
    image_size: tuple[int, int] | None,
    joints: Mapping[str, str],
    detector_python: Path | None,
) -> "tuple[KeypointSequence, ...]":
    """Everyone in a keypoint file; or, if it is a video, whom the detector finds in it.

    Args:
        source: the file or folder.
        format: as for `load_people`, as are the next four; a video tells all but the rate.
        layout: see there.
        fps: see there.
        image_size: see there.
        joints: see there.
        detector_python: see `found_in`.

    Raises:
        ConfigurationError: an option does not go with a video, or with keypoints.
        PoseNet3DError: as `load_people` and `found_in`.
    """
    from posenet3d.errors import ConfigurationError
    from posenet3d.keypoints import load_people
    from posenet3d.keypoints.footage import is_footage

    if format is not None or not is_footage(source):
        return load_people(source, format, layout, fps, image_size, joints=joints)
    given = {"--layout": layout, "--image-size": image_size, "--joint": joints or None}
    faults = [f"{name}: not with a video" for name, each in given.items() if each is not None]
    if faults:
        raise ConfigurationError(faults)
    found = found_in(source, fps, detector_python)
    typer.echo(summary(found), err=True)
    return found.people


def check_no_footage(source: Path) -> None:
    """Nothing, if it is no video; a folder of many inputs may have pictures beside them.

    Args:
        source: the file or folder.

    Raises:
        ConfigurationError: it is one.

    Example:
        >>> check_no_footage(Path("clips"))
    """
    from posenet3d.errors import ConfigurationError
    from posenet3d.keypoints.footage import is_footage

    if not source.is_dir() and is_footage(source):
        raise ConfigurationError(
            [f"--many: expected a folder of keypoint files, got {source}; lift it without --many"]
        )


def found_in(video: Path, fps: float | None, python: Path | None) -> "FoundInVideo":
    """Whom the detector finds in a video; a bar on standard error tells how far it is.

    Args:
        video: a video, an image or a folder of images.
        fps: frames a second, where it does not tell.
        python: the Python that has the detector.

    Raises:
        PoseNet3DError: as `posenet3d.integrations.mediapipe_video.detect_people`.
    """
    from posenet3d.integrations.mediapipe_video import detect_people

    with progress_bar("detect") as on_progress:
        return detect_people(video, fps=fps, python=python, on_progress=on_progress)


def write_found(out: Path, found: "FoundInVideo") -> None:
    """Write the 2D joints as our npz, our csv, or JSON of MediaPipe's landmarks.

    Args:
        out: the file; its suffix tells which.
        found: what was found.

    Raises:
        StorageError: it cannot be written.
    """
    from posenet3d.integrations.landmarks_json import write_landmarks_json
    from posenet3d.keypoints import write_clips, write_csv

    people = found.people
    if out.suffix.lower() == ".csv":
        write_csv(out, people)
    elif out.suffix.lower() == ".json":
        write_landmarks_json(out, people, found.frames)
    else:
        alone = len(people) == 1
        write_clips(
            out,
            {each.source if alone else f"{each.source}/track{each.track_id}": each
             for each in people},
        )  # fmt: skip


def facts_of(found: "FoundInVideo") -> dict[str, Any]:
    """What ``--json`` says, as values that JSON can hold.

    Args:
        found: what was found.

    Example:
        >>> from posenet3d.integrations.mediapipe_video import FoundInVideo
        >>> facts_of(FoundInVideo((), 90, 0, 30.0, (640, 480)))["image_size"]
        [640, 480]
    """
    return {
        "frames": found.frames,
        "frames_with_someone": found.frames_with_someone,
        "fps": found.fps,
        "image_size": list(found.image_size),
        "people": [
            {"track": each.track_id, "frames": len(each), "first": int(each.frame_index[0])}
            for each in found.people
        ],
        "layout": found.people[0].layout if found.people else None,
        "detector": found.detector,
        "notes": list(found.notes),
    }


def summary(found: "FoundInVideo") -> str:
    """What the terminal says, in a few lines.

    Args:
        found: what was found.

    Example:
        >>> from posenet3d.integrations.mediapipe_video import FoundInVideo
        >>> print(summary(FoundInVideo((), 90, 45, 30.0, (640, 480))))
        A person in 45 of 90 frames, 640 x 480 pixels, 30 fps: MediaPipe 0.10.14, ...
        MediaPipe finds one person a frame, whoever that is.
    """
    width, height = found.image_size
    lines = [
        f"A person in {found.frames_with_someone} of {found.frames} frames, "
        f"{width} x {height} pixels, {found.fps:.4g} fps: {found.detector}.",
        "MediaPipe finds one person a frame, whoever that is.",
    ]
    if len(found.people) > 1:
        told = ", ".join(f"{len(each)}" for each in found.people[:8])
        lines.append(f"{len(found.people)} tracks, of {told} frames: it lost someone, or changed.")
    return "\n".join([*lines, *found.notes])
