"""``posenet3d lift``: from a detector's keypoint file to motion in 3D, in any format."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.detect import DetectorPython

if TYPE_CHECKING:
    from posenet3d.keypoints import KeypointSequence
    from posenet3d.keypoints.repair import RepairLog
    from posenet3d.reconstruction import Reconstruction

Source = Annotated[
    Path,
    typer.Argument(metavar="IN", help="Keypoint file, or folder of a file a frame; or a video."),
]
Outs = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", help="File to write; its suffix tells the format. May be given many times."
    ),
]
Format = Annotated[
    str | None, typer.Option("--format", help="The input's format; found out if not given.")
]
Layout = Annotated[
    str | None, typer.Option("--layout", help="The joints' layout, such as body_25 or coco_17.")
]
Fps = Annotated[float | None, typer.Option("--fps", help="Frames a second.")]
ImageSize = Annotated[
    str | None,
    typer.Option("--image-size", metavar="WxH", help="The video's size in pixels: 1920x1080."),
]
Joints = Annotated[
    list[str] | None,
    typer.Option(
        "--joint",
        help="JOINT=PART: what the file calls one of the layout's joints, such as head_top=hat, "
        "for parts that a user named (DeepLabCut, SLEAP). May be given many times.",
    ),
]
Person = Annotated[
    int | None,
    typer.Option("--person", help="A track's number; if not given, whoever is seen most."),
]
MinConfidence = Annotated[
    float | None, typer.Option("--min-confidence", help="Drop joints with less confidence.")
]
LongestGap = Annotated[
    float | None,
    typer.Option("--longest-gap", help="Fill each joint's gaps of up to so many seconds."),
]
Smooth = Annotated[
    str | None, typer.Option("--smooth", help="Smooth the 2D: one_euro or savitzky_golay.")
]
Height = Annotated[
    float | None,
    typer.Option("--height-m", help="The person's height in metres; makes the result metric."),
]
Fusion = Annotated[
    str, typer.Option("--fusion", help="Whose skeleton: mean of both branches, teacher or student.")
]
Stitch = Annotated[
    str,
    typer.Option("--stitch", help="Overlapping windows: average them, or take each one's centre."),
]
Focal = Annotated[
    float | None,
    typer.Option("--focal", help="Focal length in pixels; the longest image side if not given."),
]
Pitch = Annotated[
    float | None,
    typer.Option(
        "--pitch", help="Degrees that the camera looks down; with --roll, in place of an estimate."
    ),
]
Roll = Annotated[
    float | None,
    typer.Option("--roll", help="Degrees that what is upright leans to the image's right."),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", help="Weights that ship, by name, or the folder of a run."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:1.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Windows in a batch.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", help="KEY=VALUE or FORMAT.KEY=VALUE for the files, as for export."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Many = Annotated[
    bool,
    typer.Option("--many", help="IN and --out are folders; everyone is lifted, or was before."),
]
To = Annotated[
    list[str] | None, typer.Option("--to", help="With --many: the formats, such as glb,bvh.")
]
Json = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]


def lift(
    source: Source,
    out: Outs = None,
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
    fusion: Fusion = "mean",
    stitch: Stitch = "average",
    focal: Focal = None,
    pitch: Pitch = None,
    roll: Roll = None,
    weights: Weights = None,
    device: Device = "auto",
    batch_size: BatchSize = 4096,
    option: Options = None,
    force: Force = False,
    many: Many = False,
    to: To = None,
    detector_python: DetectorPython = None,
    as_json: Json = False,
) -> None:
    """Lift one person's 2D keypoints to motion in 3D and write it: npz, glb, bvh, trc, html ...

    A video, or a folder of images, goes through a 2D detector first, as in `posenet3d detect`.

    Everything asked for is checked before lifting begins. Files that are there are not replaced
    without --force. Nothing of the 2D is repaired unless asked for; joints that nobody saw are
    guessed, and marked.
    """
    from posenet3d.cli.detect import check_no_footage, people_of
    from posenet3d.cli.export import check, plan, write
    from posenet3d.cli.lift_many import batch_plan, check_many, lift_many
    from posenet3d.errors import ConfigurationError
    from posenet3d.inference import Estimator
    from posenet3d.keypoints.repair import repair

    if not out:
        raise ConfigurationError(["--out: expected at least one file to write, got none"])
    size, up = parse_size(image_size), parse_tilt(pitch, roll)
    joints = parse_joints(joint or ())
    if many or to:
        alone = {"--person": person, "--option": option or None, "--force": force or None}
        check_many(many, out, alone)
        check_no_footage(source)
        batch = batch_plan(
            to,
            {
                "format": format,
                "layout": layout,
                "fps": fps,
                "image_size": size,
                "joints": joints or None,
            },
            {"min_confidence": min_confidence, "longest_gap": longest_gap, "smooth": smooth},
            {"height_m": height_m, "focal": focal, "up": up, "fusion": fusion, "stitch": stitch},
        )
        lift_many(source, out[0], batch, weights=weights, device=device, as_json=as_json)
        return
    jobs = plan(out, option or ())
    check(jobs, force)
    estimator = Estimator.from_pretrained(weights, device)
    people = people_of(
        source,
        format=format,
        layout=layout,
        fps=fps,
        image_size=size,
        joints=joints,
        detector_python=detector_python,
    )
    given = choose(people, person)
    if len(people) > 1 and person is None:
        typer.echo(f"{len(people)} people; lifting {told_of(given)}. See --person.", err=True)
    seen, log = repair(given, min_confidence=min_confidence, longest_gap=longest_gap, smooth=smooth)
    start = time.perf_counter()
    with _progress() as on_progress:
        lifted = estimator.predict(
            seen,
            height_m=height_m,
            batch_size=batch_size,
            fusion=fusion,
            stitch=stitch,
            focal=focal,
            up=up,
            invented=made_up(log),
            on_progress=on_progress,
        )
    seconds = time.perf_counter() - start
    if not as_json:
        typer.echo(summary(lifted, log))
    written = write(lifted, jobs, quiet=as_json)
    if as_json:
        facts = facts_of_lifting(lifted, log, people) | {
            "seconds": round(seconds, 3),
            "written": written,
        }
        typer.echo(json.dumps(facts, indent=2))


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
        known = "; ".join(told_of(each) for each in people[:8])
        raise ConfigurationError([f"--person: expected a track's number, got {person}: {known}"])
    return chosen[0]


def told_of(person: "KeypointSequence") -> str:
    """A person in some words.

    Example:
        >>> import numpy as np
        >>> from posenet3d.keypoints import KeypointSequence
        >>> told_of(KeypointSequence(np.ones((5, 17, 2)), layout="coco_17", fps=25, track_id=3))
        'track 3 (5 frames from 0)'
    """
    return f"track {person.track_id} ({len(person)} frames from {person.frame_index[0]})"


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height out of ``1920x1080``.

    Raises:
        ConfigurationError: it is no size.

    Example:
        >>> parse_size("1920x1080")
        (1920, 1080)
    """
    from posenet3d.errors import ConfigurationError

    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,5})\s*[xX×,]\s*([1-9][0-9]{0,5})", text.strip())
    if match is None:
        raise ConfigurationError([f"--image-size: expected WIDTHxHEIGHT in pixels, got {text!r}"])
    return int(match[1]), int(match[2])


def parse_joints(given: Sequence[str]) -> dict[str, str]:
    """The file's own name of each joint out of ``head_top=hat``.

    Raises:
        ConfigurationError: a text without ``=``, or a joint twice.

    Example:
        >>> parse_joints(["head_top=hat"])
        {'head_top': 'hat'}
    """
    from posenet3d.errors import ConfigurationError

    pairs = [(joint.strip(), part) for joint, _, part in (each.partition("=") for each in given)]
    faults = [
        f"--joint {text}: expected JOINT=PART"
        for text, (joint, part) in zip(given, pairs, strict=True)
        if not joint or not part
    ]
    names = [joint for joint, _ in pairs]
    faults += [
        f"--joint: {name!r} twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if faults:
        raise ConfigurationError(faults)
    return dict(pairs)


def parse_tilt(pitch: float | None, roll: float | None) -> tuple[float, float, float] | None:
    """The direction against gravity of a camera with that pitch and roll; an omitted one is 0.

    Example:
        >>> parse_tilt(None, None) is None
        True
        >>> parse_tilt(0.0, None)
        (0.0, -1.0, -0.0)
    """
    from posenet3d.inference import up_of_tilt

    if pitch is None and roll is None:
        return None
    return up_of_tilt(pitch or 0.0, roll or 0.0)


def made_up(log: "RepairLog") -> Any:
    """Which joints a repair invented, (frames, joints); ``None`` if none.

    Example:
        >>> from posenet3d.keypoints.repair import RepairLog
        >>> made_up(RepairLog(())) is None
        True
    """
    masks = [step.mask for step in log.steps if step.effect == "invented"]
    return masks[-1] if masks else None


def facts_of_lifting(
    lifted: "Reconstruction", log: "RepairLog", people: "Sequence[KeypointSequence]"
) -> dict[str, Any]:
    """What ``--json`` says of a lifted motion, as values that JSON can hold.

    Args:
        lifted: the motion.
        log: what was repaired before.
        people: everyone in the file.
    """
    camera = lifted.camera
    seen: KeypointSequence = lifted.keypoints
    return {
        "source": seen.source,
        "person": seen.track_id,
        "people": [{"track": each.track_id, "frames": len(each)} for each in people],
        "frames": len(lifted),
        "fps": lifted.fps,
        "stretches": 1 + int((seen.frame_index[1:] - seen.frame_index[:-1] > 1).sum()),
        "layout": seen.layout,
        "repaired": [str(step) for step in log.steps],
        "invented_share": float(lifted.invented.mean()) if lifted.invented is not None else 0.0,
        "height_m": lifted.height_m,
        "metric": lifted.metric,
        "body_family": None if lifted.body is None else lifted.body.family,
        "camera": camera
        and {"focal": camera.focal, "centre": list(camera.centre), "given": camera.given},
        "up": lifted.up.tolist(),
        "up_from": lifted.up_from,
        "provenance": dict(lifted.provenance),
    }


def summary(lifted: "Reconstruction", log: "RepairLog") -> str:
    """What the terminal says of a lifted motion, in a few lines.

    Args:
        lifted: the motion.
        log: what was repaired before.
    """
    lines = [str(step) for step in log.steps]
    seconds = len(lifted) / lifted.fps
    lines.append(f"Lifted {len(lifted)} frames ({seconds:.1f} s) of {lifted.keypoints.source!r}.")
    if lifted.invented is not None and lifted.invented.any():
        share = 100 * float(lifted.invented.mean())
        lines.append(f"{share:.1f} % of the joints were not seen: their place is a guess.")
    if not lifted.metric:
        lines.append("The scale is not known; --height-m gives it.")
    if lifted.camera is not None and not lifted.camera.given:
        how = lifted.provenance.get("focal", "assumed")
        lines.append(f"Focal length assumed: {lifted.camera.focal:.0f} ({how}).")
    return "\n".join(lines)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error that the estimator moves on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = "lift", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("lift", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
