"""What the scale of footage's 2D is best taken over, for a network trained on whole sequences.

    python benchmarks/scales.py --data $POSENET3D_DATA best=runs/best detected=runs/detected

Each network (a finished run's folder, under a name; the subjects must have been held out of its
training) lifts the held-out subjects as `Estimator.predict` does, its 2D scaled in each of `WAYS`:
wild cameras that stand still, with exact 2D and with a detector's errors, and ones that zoom.
Writes `scales.md` and `.json` into `--results`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from command_line import parsed
from held_out import clips_of, parser_of
from origin import command, commit
from robustness import named
from robustness_cameras import filmed
from robustness_measures import SEED, WILD, Condition, Input, facts_of
from robustness_moving import lifted

from posenet3d.data import camera_rig, corrupt, normalize
from posenet3d.evaluation.lifting import StitchingNetwork
from posenet3d.evaluation.metrics import p_mpjpe
from posenet3d.evaluation.sequences import TestSequence, sequences_of
from posenet3d.networks import load_model

WAYS = (
    ("sequence", 51),
    ("limbs", 25),
    ("limbs", 51),
    ("limbs", 101),
    ("window", 51),
    ("window", 101),
    ("window", 201),
    ("frame", 51),
)
"""Modes of `normalize`, and their windows in frames."""
SEEN = {
    "exact": "exact",
    "noise": "noise `openpose`",
    "zoom": "exact, the camera zooms by 2 in 8 s",
}
LEANING = 45.0
EVERY = 5


def main() -> None:
    """Lift, measure, write."""
    arguments = parse()
    torch.set_flush_denormal(True)
    clips = clips_of(arguments)
    results: dict[str, Any] = {
        "command": command(),
        "commit": commit(),
        "subjects": arguments.subjects,
        "views": arguments.views,
        "networks": {
            name: {
                seen: measured(load_model(folder), clips, seen, arguments.views) for seen in SEEN
            }
            for name, folder in arguments.networks
        },
    }
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "scales.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    path.with_suffix(".md").write_text(render(results))
    print(path.with_suffix(".md").read_text())


def parse() -> Any:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("networks", nargs="+", type=named, metavar="NAME=FOLDER")
    parser.add_argument("--views", type=int, default=4, help="of each clip, at most 4")
    return parsed(parser)


def measured(model: Any, clips: list[Any], seen: str, views: int) -> list[dict[str, Any]]:
    """The figures of each way to scale, for one kind of 2D."""
    network = StitchingNetwork(model)
    tilt, errors = [], {way: [] for way in WAYS}  # type: ignore[var-annotated]
    for clip in clips:
        for view, leans in list(filmed_as(seen, clip, Input.of(model)))[:views]:
            truth = torch.from_numpy(view.truth[::EVERY])
            tilt.append(leans[::EVERY])
            for mode, window in WAYS:
                points = normalize(view.points, mode, window=window, gaps=True).points
                heads = lifted(model, network, points)
                errors[mode, window].append(p_mpjpe(heads["mean"][::EVERY], truth).numpy())
    leaning = np.concatenate(tilt) >= LEANING
    before = [each.mean() for each in errors[WAYS[0]]]
    return [
        {
            "way": way,
            "p_mpjpe": float(np.concatenate(found).mean()),
            "leaning": float(np.concatenate(found)[leaning].mean()),
            "worst": float(max(e.mean() - b for e, b in zip(found, before, strict=True))),
        }
        for way, found in errors.items()
    ]


def filmed_as(seen: str, clip: Any, wanted: Input) -> Iterator[tuple[TestSequence, np.ndarray]]:
    """Each view of a clip, and how far the torso leans in its frames."""
    noisy = (lambda exact: corrupt(exact, "openpose", SEED)) if seen == "noise" else None
    still = sequences_of(clip, WILD, "sequence", wanted.distance, detector=noisy)
    moving = (view for view, _ in filmed(clip, Condition("moving", WILD, "zoom", 2.0), wanted))
    cameras = camera_rig(WILD, split="test").cameras(clip)
    views = moving if seen == "zoom" else still
    for view, camera in zip(views, cameras, strict=True):
        yield view, facts_of(view, camera)["tilt"]


def render(results: Mapping[str, Any]) -> str:
    """The page."""
    lines = [
        "# What the scale of footage is taken over",
        "",
        f"Command: `{results['command']}`; commit {results['commit'][:12]}; one seed of the noise.",
        "",
        f"Training subjects {', '.join(results['subjects'])}, held out of the networks' trainings; "
        f"CMU-14 wild, {results['views']} views of each clip, every {EVERY}th frame. P-MPJPE in mm "
        "of the mean of teacher and student, lifted as `Estimator.predict` lifts (windows "
        f"averaged); the same of frames whose torso leans by {LEANING:g}° or more; and the view "
        "that loses most against the first way. Ways are modes of `posenet3d.data.normalize`, "
        "with the frames that they average over. The networks were trained with the first; "
        "`Estimator.predict` takes `limbs` over 51 frames.",
        "",
    ]
    for name, by_seen in results["networks"].items():
        heads = [f"{words}: all | leaning | worst view" for words in SEEN.values()]
        lines += [f"## {name}", "", f"| scale | {' | '.join(heads)} |"]
        lines.append("|---" * (1 + 3 * len(SEEN)) + "|")
        for rows in zip(*by_seen.values(), strict=True):
            mode, window = rows[0]["way"]
            title = mode if mode in ("sequence", "frame") else f"{mode}, {window}"
            cells = [f"{r['p_mpjpe']:.1f} | {r['leaning']:.1f} | {r['worst']:+.1f}" for r in rows]
            lines.append(f"| {title} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
