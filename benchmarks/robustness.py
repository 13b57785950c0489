"""Where networks hold and where they do not: cameras, a detector's errors, missing joints, poses.

    python benchmarks/robustness.py --data $POSENET3D_DATA best=runs/best quick=runs/quick

Each network (a finished run's folder, under a name) lifts every test view of the subjects that
were held out of training (`--subjects`; nothing tells whether they were). Measured are

* CMU-14 and CMU-14 wild; within the latter bins of the camera's pitch and roll, of the person's
  distance, of the focal length, and of the torso's tilt; and each joint;
* cameras of CMU-14 wild that move while they film, of each sequence as a whole;
* a detector's errors (`--noise`) times 1 to 4, all of them and each component by itself;
* missing joints: 0 to 6 random ones, and named occlusions.

`--test` looks at the test subjects instead, and writes that look down in
`looks_at_test.md` beside the results first. What is measured already is not measured
again; of a network with new weights, everything is. Results go to `robustness.json`, `.md` and
`.png`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from command_line import parsed, parser_of
from origin import command, commit, note_the_look
from robustness_measures import Condition, Frames, Input, conditions, frames_of, measure, noise_of
from robustness_moving import measure_moving
from robustness_page import render
from robustness_picture import draw


def main() -> None:
    """Measure what is missing, write page and picture."""
    arguments = parse()
    name = "robustness_test" if arguments.test else "robustness"
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / f"{name}.json"
    kept = read(path, described(arguments))
    models = {title: opened(folder, arguments.device) for title, folder in arguments.networks}
    results = {
        **described(arguments),
        "command": command(),
        "networks": kept.get("networks", {}) | {title: told for title, (_, told) in models.items()},
        "records": kept.get("records", []),
    }
    fill(results, {title: model for title, (model, _) in models.items()}, arguments, path)
    page = path.with_suffix(".md")
    page.write_text(render(results, f"{name}.png"))
    draw(results, path.with_suffix(".png"))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("networks", nargs="+", type=named, metavar="NAME=FOLDER")
    parser.add_argument("--subjects", nargs="+", default=["S02", "S06"], metavar="SUBJECT")
    parser.add_argument("--test", action="store_true", help="look at the test subjects instead")
    parser.add_argument("--noise", default="openpose", help="the model of a detector's errors")
    parser.add_argument("--every", type=int, default=5, help="every so many frames, for cameras")
    parser.add_argument(
        "--sweep-every", type=int, default=15, help="the same for 2D that is spoilt or missing"
    )
    parser.add_argument("--clips", type=int, help="only so many clips; to try the benchmark out")
    parser.add_argument("--device", default="auto")
    arguments = parsed(parser)
    titles = [title for title, _ in arguments.networks]
    if len(set(titles)) < len(titles):
        parser.error(f"expected a name of its own for each network, got {titles}")
    return arguments


def named(text: str) -> tuple[str, Path]:
    """A name and a folder from ``NAME=FOLDER``."""
    title, equals, folder = text.partition("=")
    if not (title and equals and folder):
        raise argparse.ArgumentTypeError(f"expected NAME=FOLDER, got {text!r}")
    return title, Path(folder)


def described(arguments: argparse.Namespace) -> dict[str, Any]:
    """What all records have in common; with others they would not stand in one table."""
    return {
        "measured": "test" if arguments.test else sorted(arguments.subjects),
        "noise": arguments.noise,
        "every": arguments.every,
        "sweep_every": arguments.sweep_every,
        "clips": arguments.clips,
    }


def read(path: Path, told: dict[str, Any]) -> dict[str, Any]:
    """The results that are there, if they were made in the same way."""
    if not path.exists():
        return {}
    results = json.loads(path.read_text())
    if any(results.get(name) != value for name, value in told.items()):
        sys.exit(f"{path}: made with other settings; name other --results, or remove it")
    return results


def opened(folder: Path, device: str) -> tuple[Any, dict[str, Any]]:
    """A network on its device, and what the record says of it."""
    from posenet3d.networks import load_model
    from posenet3d.training.trainer import choose_device

    model = load_model(folder).to(choose_device(device))
    told = {
        "weights": digest(model),
        "missing_joints": model.config.missing_joints,
        "window": model.receptive_field,
        "parameters": sum(each.numel() for each in model.parameters()),
    }
    return model, told


def digest(model: Any) -> str:
    """The SHA-256 of a network's numbers, whatever file they came in."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def fill(
    results: dict[str, Any], models: dict[str, Any], arguments: argparse.Namespace, path: Path
) -> None:
    """Measure what the results lack, and keep each record as soon as it is there."""
    from rich.console import Console
    from rich.progress import Progress

    current = {title: told["weights"] for title, told in results["networks"].items()}
    results["records"] = [r for r in results["records"] if current[r["network"]] == r["weights"]]
    done = {(r["network"], condition_of(r)) for r in results["records"]}
    jobs = [
        (condition, title)
        for condition in conditions()
        for title in models
        if (title, condition) not in done
    ]
    if arguments.test and jobs:
        note_the_look(", ".join(models), arguments.results)
    measured, now = measurer(arguments), commit()
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("robustness", total=len(jobs))
        for condition, title in jobs:
            figures = measured(condition, models[title])
            told = {"network": title, "weights": current[title], "commit": now}
            results["records"].append({**told, **condition._asdict(), **rounded(figures)})
            path.write_text(json.dumps(results, indent=1) + "\n")
            bar.advance(task)


def condition_of(record: dict[str, Any]) -> Condition:
    """The condition that a record was made under."""
    return Condition(*(record[name] for name in Condition._fields))


def measurer(arguments: argparse.Namespace) -> Callable[[Condition, Any], dict[str, Any]]:
    """A function from a condition and a network to figures, which keeps the last frames."""
    clips = clips_of(arguments)

    @lru_cache(maxsize=2)
    def frames(protocol: str, wanted: Input, every: int, noise: Any) -> Frames:
        return frames_of(clips, protocol, wanted, every, noise)

    def measured(condition: Condition, model: Any) -> dict[str, Any]:
        if condition.part == "moving":
            return measure_moving(condition, model, clips, arguments.every)
        every = arguments.every if condition.part == "cameras" else arguments.sweep_every
        noise = noise_of(condition, arguments.noise)
        return measure(condition, model, frames(condition.protocol, Input.of(model), every, noise))

    return measured


def clips_of(arguments: argparse.Namespace) -> list[Any]:
    """The 3D clips to measure on."""
    from posenet3d.data import load_motion

    clips = load_motion(arguments.data / ("cmu_test.npz" if arguments.test else "cmu_train.npz"))
    if not arguments.test:
        unknown = set(arguments.subjects) - {clip.subject for clip in clips}
        if unknown:
            sys.exit(f"no training subject {sorted(unknown)}")
        clips = [clip for clip in clips if clip.subject in arguments.subjects]
    return list(clips)[: arguments.clips]


def rounded(value: Any) -> Any:
    """Plain values with numbers to a thousandth, which is more than the frames tell."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
