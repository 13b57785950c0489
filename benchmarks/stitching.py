"""Ways to make overlapping windows one motion: the errors of each against the truth.

    python benchmarks/stitching.py RUN --data $POSENET3D_DATA

The network of a run that never saw the subjects (`--subjects`) lifts their clips, seen by two
training cameras each of CMU-14 wild, through `Estimator.predict`: exact 2D and a detector's, all
frames and every second one. Ways: the middle of each window (`stitch="centre"`); the mean over all
windows, with the student asked for every window; and the same mean with the student asked once a
frame, as `stitch="average"` does where the student can follow. Writes `stitching.md` into
`--results`.
"""

import argparse
import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from held_out import clips_of, parsed, parser_of
from origin import command, commit

from posenet3d import Estimator, KeypointSequence
from posenet3d.data import MotionClip, camera_rig, observe
from posenet3d.data.detector_noise import corrupt
from posenet3d.evaluation import metrics
from posenet3d.evaluation.sequences import camera_frame
from posenet3d.inference.lifting import WindowLifter

RIG = "cmu14-wild"
WAYS = {
    "centre": "the middle of each window",
    "windows": "mean over windows, the student asked for each",
    "average": "mean over windows, the student asked once a frame",
}
FIGURES = {"p": "P-MPJPE, mm", "n": "N-MPJPE, mm", "v": "velocity error, m/s"}


class EveryWindow(WindowLifter):
    """Asks the student for every window, whether it could follow or not."""

    follows = False


def main() -> None:
    """Lift, measure, write."""
    arguments = parse()
    estimator = Estimator.from_pretrained(arguments.run, device="cpu")
    clips = clips_of(arguments)
    parts = ["# Stitching of overlapping windows", introduction(arguments)]
    for noise in ("none", arguments.noise):
        for step in (1, 2):
            seen = list(filmed(clips, noise, step))
            what = "exact 2D" if noise == "none" else f"2D with the errors of `{noise}`"
            parts += [f"## {what}, {seen[0][0].fps:g} frames a second"]
            parts += ["\n".join(table({way: errors(estimator, way, seen) for way in WAYS}))]
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / "stitching.md"
    page.write_text("\n\n".join(parts) + "\n")
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("run", type=Path, help="a run that held the subjects out")
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
    estimator: Estimator, way: str, seen: list[tuple[KeypointSequence, torch.Tensor]]
) -> dict[str, dict[str, float]]:
    """The mean error over all frames of each head."""
    kind = EveryWindow if way == "windows" else WindowLifter
    estimator._lifter = kind(estimator.model)  # the way that is not on offer any more
    found: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for sequence, truth in seen:
        lifted = estimator.predict(sequence, stitch="centre" if way == "centre" else "average")
        for head, joints in {**lifted.branches, "mean": lifted.joints3d}.items():
            answer = 1000.0 * torch.from_numpy(joints).double()
            found[head]["p"].append(metrics.p_mpjpe(answer, truth).numpy())
            found[head]["n"].append(metrics.n_mpjpe(answer, truth).numpy())
            moved = metrics.joint_distances(answer.diff(dim=0), truth.diff(dim=0)).mean(-1)
            found[head]["v"].append(moved.numpy() * sequence.fps / 1000)
    return {
        head: {name: float(np.concatenate(each).mean()) for name, each in figures.items()}
        for head, figures in found.items()
    }


def introduction(arguments: argparse.Namespace) -> str:
    """Where the figures come from."""
    return (
        f"Command: `{command()}`; commit {commit()}; seed: that of the run, and of the detector's "
        f"errors the camera's number. Subjects {', '.join(arguments.subjects)}, whom this network "
        "never saw; no test subject was looked at. How each row is made is told at the top of "
        "`benchmarks/stitching.py`."
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
