"""``posenet3d lift``: from a detector's keypoint file to motion in 3D, in any format."""

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from posenet3d.cli.detect import DetectorPython
from posenet3d.cli.keypoint_options import (
    Format,
    Fps,
    ImageSize,
    Layout,
    LongestGap,
    MinConfidence,
    Smooth,
    parse_size,
)
from posenet3d.cli.lift_options import (
    BatchSize,
    FewestFrames,
    Focal,
    Fusion,
    Height,
    Joints,
    Many,
    Options,
    Person,
    Pitch,
    Resample,
    Roll,
    Source,
    Stitch,
    To,
    Weights,
    parse_joints,
    parse_rate,
    parse_tilt,
)
from posenet3d.cli.option_names import names_of_function
from posenet3d.cli.options import Device, Force, JsonReport, Outs
from posenet3d.cli.progress import progress_bar

if TYPE_CHECKING:
    from posenet3d.inference import Estimator
    from posenet3d.keypoints import KeypointSequence
    from posenet3d.keypoints.repair import RepairLog
    from posenet3d.reconstruction import Reconstruction

_MOST_TOLD = 8  # people whom a message names


def lift(
    source: Source,
    out: Outs = None,
    option: Options = None,
    force: Force = False,
    device: Device = "auto",
    detector_python: DetectorPython = None,
    as_json: JsonReport = False,
    format: Format = None,
    layout: Layout = None,
    fps: Fps = None,
    image_size: ImageSize = None,
    joint: Joints = None,
    person: Person = None,
    min_confidence: MinConfidence = None,
    longest_gap: LongestGap = None,
    smooth: Smooth = None,
    height_m: Height = None,
    focal: Focal = None,
    pitch: Pitch = None,
    roll: Roll = None,
    weights: Weights = None,
    fusion: Fusion = "mean",
    stitch: Stitch = "average",
    resample: Resample = "auto",
    batch_size: BatchSize = 1024,
    many: Many = False,
    to: To = None,
    fewest_frames: FewestFrames = None,
) -> None:
    """Lift one person's 2D keypoints to motion in 3D and write it: npz, glb, bvh, trc, html ...

    A video, or a folder of images, goes through a 2D detector first, as in `posenet3d detect`.

    Everything asked for is checked before lifting begins. Files that are there are not replaced
    without --force. Nothing of the 2D is repaired unless asked for; joints that nobody saw are
    guessed, and marked.
    """
    from posenet3d.errors import ConfigurationError
    from posenet3d.inference.wanted import wanted_of
    from posenet3d.keypoints.loading import check_reading
    from posenet3d.keypoints.repair.repairing import check_repair

    if not out:
        raise ConfigurationError(["--out: expected at least one file to write, got none"])
    reading: dict[str, Any] = {
        "format": format,
        "layout": layout,
        "fps": fps,
        "image_size": parse_size(image_size),
        "joints": parse_joints(joint or ()),
    }
    repairing: dict[str, Any] = {
        "min_confidence": min_confidence,
        "longest_gap": longest_gap,
        "smooth": smooth,
    }
    predicting: dict[str, Any] = {
        "height_m": height_m,
        "focal": focal,
        "up": parse_tilt(pitch, roll),
        "fusion": fusion,
        "stitch": stitch,
        "resample": parse_rate(resample),
        "batch_size": batch_size,
    }
    check_reading(**reading)
    check_repair(**repairing)
    wanted_of(**predicting)
    together = {"--to": to or None, "--fewest-frames": fewest_frames}
    if many or any(each is not None for each in together.values()):
        from posenet3d.cli.detect import check_no_footage
        from posenet3d.cli.lift_many import batch_plan, check_many, lift_many

        alone = {"--person": person, "--force": force or None}
        check_many(many, out, alone, together)
        check_no_footage(source)
        reading["joints"] = reading["joints"] or None
        batch = batch_plan(to, reading, repairing, predicting, option or (), fewest_frames or 1)
        named = names_of_function(lift)
        lift_many(source, out[0], batch, named, weights=weights, device=device, as_json=as_json)
        return
    from posenet3d.cli.detect import people_of
    from posenet3d.cli.export import check, check_fit, plan, write
    from posenet3d.cli.lift_report import doubt_of_size
    from posenet3d.inference import Estimator
    from posenet3d.keypoints.repair import repair

    jobs = plan(out, option or ())
    check(jobs, force)
    estimator = Estimator.from_pretrained(weights, device)
    people = people_of(source, **reading, detector_python=detector_python)
    given = choose(people, person)
    if len(people) > 1 and person is None:
        _tell_of_others(people)
    if doubt := doubt_of_size(given):
        typer.echo(doubt, err=True)
    seen, log = repair(given, **repairing)
    check_fit(jobs, seen)
    if log.steps and not as_json:
        typer.echo(log)
    start = time.perf_counter()
    lifted = _lifted(estimator, seen, log, predicting)
    seconds = time.perf_counter() - start
    _tell(lifted, log, people, lambda: write(lifted, jobs, quiet=as_json), seconds, as_json)


def choose(people: "Sequence[KeypointSequence]", person: int | None) -> "KeypointSequence":
    """The person of that track, or whoever is seen most.

    Args:
        people: all of them, whoever is seen most first.
        person: the track's number; ``None`` or -1 for the first.

    Raises:
        ConfigurationError: no such track.
    """
    from posenet3d.errors import ConfigurationError

    if person in (None, -1):
        return people[0]
    chosen = [each for each in people if each.track_id == person]
    if len(chosen) != 1:
        known = "; ".join(told_of(each) for each in people[:_MOST_TOLD])
        raise ConfigurationError([f"--person: expected a track's number, got {person}: {known}"])
    return chosen[0]


def _tell_of_others(people: "Sequence[KeypointSequence]") -> None:
    """Says that there are several, that the first is lifted, and who the others are."""
    others = ", ".join(told_of(each) for each in people[1:_MOST_TOLD])
    more = f" and {len(people) - _MOST_TOLD} more" if len(people) > _MOST_TOLD else ""
    told = f"{len(people)} people; lifting {told_of(people[0])}. For --person: {others}{more}."
    typer.echo(told, err=True)


def told_of(person: "KeypointSequence") -> str:
    """A person in some words.

    Example:
        >>> import numpy as np
        >>> from posenet3d.keypoints import KeypointSequence
        >>> told_of(KeypointSequence(np.ones((5, 17, 2)), layout="coco_17", fps=25, track_id=3))
        'track 3 (5 frames from 0)'
    """
    frames = "1 frame, number" if len(person) == 1 else f"{len(person)} frames from"
    return f"track {person.track_id} ({frames} {person.frame_index[0]})"


def made_up(log: "RepairLog") -> Any:
    """Which joints a repair invented, (frames, joints); ``None`` if none.

    Example:
        >>> from posenet3d.keypoints.repair import RepairLog
        >>> made_up(RepairLog(())) is None
        True
    """
    masks = [step.mask for step in log.steps if step.effect == "invented"]
    return masks[-1] if masks else None


def _lifted(
    estimator: "Estimator", seen: "KeypointSequence", log: "RepairLog", options: dict[str, Any]
) -> "Reconstruction":
    """The motion, with a progress bar while it is made."""
    with progress_bar("lift") as on_progress:
        return estimator.predict(seen, invented=made_up(log), on_progress=on_progress, **options)


def _tell(
    lifted: "Reconstruction",
    log: "RepairLog",
    people: "Sequence[KeypointSequence]",
    write: Callable[[], Any],
    seconds: float,
    as_json: bool,
) -> None:
    """Write the files and say what was done, in words or as JSON."""
    from posenet3d.cli.lift_report import facts_of_lifting, summary

    if not as_json:
        typer.echo(summary(lifted))
    written = write()
    if as_json:
        facts = facts_of_lifting(lifted, log, people)
        facts |= {"seconds": round(seconds, 3), "written": written}
        typer.echo(json.dumps(facts, indent=2))
