"""What repairing 2D keypoints before lifting is worth: error and trembling, with and without it.

    python benchmarks/repair.py

Made-up people, seen from the front by a camera that looks down by 12 degrees, spoilt by the models
of `posenet3d.data.detector_noise`, repaired or not, lifted by shipped weights. No data is needed.
Writes `repair.md` into `--results`.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from origin import command, commit

from posenet3d import Estimator, KeypointSequence
from posenet3d.data import MotionClip, corrupt
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.evaluation import p_mpjpe
from posenet3d.keypoints.repair import repair

ACTIVITIES = ("walk", "reach", "squat", "sit")
PITCH, DISTANCE, FOCAL, SIZE = np.radians(12.0), 4.5, 1600.0, (1920, 1080)
NOISES = ("none", "gentle", "openpose")
REPAIRS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "gaps to 0.2 s": {"longest_gap": 0.2},
    "gaps, One-Euro": {"longest_gap": 0.2, "smooth": "one_euro"},
    "gaps, Savitzky-Golay": {"longest_gap": 0.2, "smooth": "savitzky_golay"},
}


def main() -> None:
    """Film, spoil, repair, lift, measure, write."""
    arguments = parse()
    estimator = Estimator.from_pretrained("best-wild", device="cpu")
    found = defaultdict(list)
    for clip in clips(arguments.people):
        exact, truth = filmed(clip)
        for noise in NOISES:
            seen = exact if noise == "none" else corrupt(exact, noise, seed=3)
            for name, how in REPAIRS.items():
                lifted = estimator.predict(repair(seen, **how)[0]).joints3d
                found[noise, name].append((error(lifted, truth), trembling(lifted, truth)))
    page = [
        "# What repair before lifting is worth",
        "",
        f"Command: `{command()}`; commit {commit()[:12]}; seeds: the clips' numbers, errors 3.",
        "",
        f"{arguments.people * len(ACTIVITIES)} made-up clips of 4 s at 50 frames a second "
        f"({', '.join(ACTIVITIES)}), lifted by `best-wild`. P-MPJPE in mm; trembling in mm: the "
        "mean distance of second differences over frames from the true ones, at the true size.",
        "",
        "| errors | repair | P-MPJPE | trembling |",
        "|---|---|---|---|",
    ]
    for (noise, name), values in found.items():
        mean = np.mean(values, axis=0)
        page.append(f"| {noise} | {name} | {mean[0]:.1f} | {mean[1]:.1f} |")
    (arguments.results / "repair.md").write_text("\n".join([*page, ""]))


def clips(people: int) -> Iterator[MotionClip]:
    """People who do each of the activities."""
    for activity in ACTIVITIES:
        for seed in range(people):
            yield synthetic_motion(clips=1, seconds=4.0, seed=seed, activities=[activity])[0]


def filmed(clip: MotionClip) -> tuple[KeypointSequence, np.ndarray]:
    """The exact 2D in pixels, and the joints in the camera frame in metres."""
    right = np.array([-1.0, 0.0, 0.0])
    forward = np.array([0.0, -np.cos(PITCH), -np.sin(PITCH)])
    axes = np.stack([right, np.cross(forward, right), forward])
    truth = (clip.joints - clip.joints.mean((0, 1)) + DISTANCE * forward) @ axes.T
    pixels = FOCAL * truth[..., :2] / truth[..., 2:] + np.array(SIZE) / 2
    exact = KeypointSequence(
        pixels, layout="lsp_14", fps=clip.fps, image_size=SIZE, source=clip.key
    )
    return exact, truth


def error(lifted: np.ndarray, truth: np.ndarray) -> float:
    """P-MPJPE, mm."""
    return float(p_mpjpe(torch.tensor(1000 * lifted).double(), torch.tensor(1000 * truth)).mean())


def trembling(lifted: np.ndarray, truth: np.ndarray) -> float:
    """The mean distance of second differences over frames from the true ones, mm."""
    centred = truth - truth[:, [2, 3]].mean(1, keepdims=True)  # the hips
    scale = np.linalg.norm(centred, axis=-1).mean() / np.linalg.norm(lifted, axis=-1).mean()
    apart = np.diff(scale * lifted, 2, axis=0) - np.diff(centred, 2, axis=0)
    return float(1000 * np.linalg.norm(apart, axis=-1).mean())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=3, help="people for each activity")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
