"""Ways to make overlapping windows one motion: the errors of each against the truth.

    python benchmarks/stitching.py RUN ... --data $POSENET3D_DATA

The networks of runs that never saw the subjects (`--subjects`) lift their clips, seen by two
training cameras each of CMU-14 wild: exact 2D and a detector's, all frames and every second one.
Ways: the middle of each window (`stitch="centre"`); the mean over all windows, the student's
rotations too, by their chordal mean, which the library does not offer; and `stitch="average"`, the
mean with the student asked once a frame where it can follow, else for the middle of each window.
Writes `stitching.md` into `--results`.
"""

import argparse
import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from command_line import parsed
from held_out import clips_of, parser_of
from origin import command, commit

from posenet3d import Estimator, KeypointSequence, PoseNet3D
from posenet3d.data import MotionClip, camera_rig, observe
from posenet3d.data.detector_noise import corrupt
from posenet3d.evaluation import metrics
from posenet3d.evaluation.sequences import camera_frame
from posenet3d.geometry import svd_orthonormalize
from posenet3d.inference.lifting import WindowLifter
from posenet3d.inference.placing import body_joints
from posenet3d.inference.stitching import FrameMeans
from posenet3d.inference.windows import anchoring_of, window_batches

RIG = "cmu14-wild"
WAYS = {
    "centre": "the middle of each window",
    "windows": "mean over windows, the student's rotations too",
    "average": 'mean over windows, the student as `stitch="average"` has it',
}
FIGURES = {"p": "P-MPJPE, mm", "n": "N-MPJPE, mm", "v": "velocity error, m/s"}


def main() -> None:
    """Lift, measure, write."""
    arguments = parse()
    clips = clips_of(arguments)
    parts = ["# Stitching of overlapping windows", introduction(arguments)]
    for run in arguments.runs:
        model = Estimator.from_pretrained(run, device="cpu").model
        parts += [f"## {described(run)}"]
        for noise in ("none", arguments.noise):
            for step in (1, 2):
                seen = list(filmed(clips, noise, step))
                what = "exact 2D" if noise == "none" else f"2D with the errors of `{noise}`"
                parts += [f"### {what}, {seen[0][0].fps:g} frames a second"]
                parts += ["\n".join(table({way: errors(model, way, seen) for way in WAYS}))]
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / "stitching.md"
    page.write_text("\n\n".join(parts) + "\n")
    print(page.read_text())


def described(run: Path) -> str:
    """What a run's network is; its student decides how the body can be stitched."""
    config = json.loads((run / "config.json").read_text())["trainer"]
    student = config["network"]["student"]["name"]
    return f"`{config['name']}`, student `{student}`, seed {config['seed']}"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="runs that held the subjects out")
    parser.add_argument("--noise", default="openpose")
    return parsed(parser)


def filmed(
    clips: list[MotionClip], noise: str, step: int
) -> Iterator[tuple[KeypointSequence, torch.Tensor]]:
    """What each camera sees of each clip, and the truth in its frame, mm."""
    for clip in clips:
        slower = dataclasses.replace(clip, joints=clip.joints[::step], fps=clip.fps / step)
        for view, camera in enumerate(camera_rig(RIG).cameras(clip)[:2]):
            seen = observe(slower, camera).to_layout("lsp_14")
            seen = seen if noise == "none" else corrupt(seen, noise, seed=view)
            yield seen, metrics.root_centred(torch.from_numpy(camera_frame(slower, camera)))


def errors(
    model: PoseNet3D, way: str, seen: list[tuple[KeypointSequence, torch.Tensor]]
) -> dict[str, dict[str, float]]:
    """The mean error over all frames of each head."""
    estimator = Estimator(model)
    found: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for sequence, truth in seen:
        if way == "windows":
            heads = from_every_window(model, sequence)
        else:
            lifted = estimator.predict(sequence, stitch=way)
            heads = {**lifted.branches, "mean": lifted.joints3d}
        for head, joints in heads.items():
            answer = 1000.0 * torch.from_numpy(joints).double()
            found[head]["p"].append(metrics.p_mpjpe(answer, truth).numpy())
            found[head]["n"].append(metrics.n_mpjpe(answer, truth).numpy())
            moved = metrics.joint_distances(answer.diff(dim=0), truth.diff(dim=0)).mean(-1)
            found[head]["v"].append(moved.numpy() * sequence.fps / 1000)
    return {
        head: {name: float(np.concatenate(each).mean()) for name, each in figures.items()}
        for head, figures in found.items()
    }


def from_every_window(model: PoseNet3D, sequence: KeypointSequence) -> dict[str, np.ndarray]:
    """The skeletons, metres, if the student's rotations are averaged over windows as well."""
    lifter, window = WindowLifter(model), model.receptive_field
    frames, betas = len(sequence), []
    teacher = FrameMeans(torch.zeros(frames, 14, 3), window, "average")
    turned = FrameMeans(torch.zeros(frames, model.body.num_joints, 3, 3), window, "average")
    for batch in window_batches(sequence, anchoring_of(sequence, model), window, 512):
        answer = lifter.lift(batch.points)
        teacher.add(answer.teacher, batch.first, batch.stretch)
        turned.add(answer.rotations, batch.first, batch.stretch)
        betas.append(answer.betas)
    one = torch.cat(betas).mean(0)
    student = body_joints(model, one, svd_orthonormalize(turned.finish())).joints
    skeleton = (teacher.finish() * model.metres_per_unit).numpy()
    return {"teacher": skeleton, "student": student, "mean": (skeleton + student) / 2}


def introduction(arguments: argparse.Namespace) -> str:
    """Where the figures come from."""
    return (
        f"Command: `{command()}`; commit {commit()}; seeds: those of the runs, and of the "
        "detector's errors the camera's number. Subjects "
        f"{', '.join(arguments.subjects)}, whom these networks never saw; no test subject was "
        "looked at. How each row is made is told at the top of `benchmarks/stitching.py`."
    )


def table(ways: dict[str, dict[str, dict[str, Any]]]) -> Iterator[str]:
    """A row a way, the heads side by side."""
    heads = ("teacher", "student", "mean")
    titles = (f"{head}: {name}" for head in heads for name in FIGURES.values())
    yield f"| way | {' | '.join(titles)} |"
    yield "|" + "---|" * (1 + len(heads) * len(FIGURES))
    for way, found in ways.items():
        cells = (found[head][figure] for head in heads for figure in FIGURES)
        yield f"| {WAYS[way]} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |"


if __name__ == "__main__":
    main()
