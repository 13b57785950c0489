"""Does lifting suffer from a frame rate unlike the training's 50, and does resampling help?

    python benchmarks/frame_rates.py RUN --data $POSENET3D_DATA

Clips of subjects that the run never saw, each joint's track resampled to the rates (cubic in time),
filmed by one training camera of CMU-14 wild and lifted through `Estimator.predict`: as they are
(`resample="none"`), at 50 frames a second (`resample=50`), and at 50 with each frame of the 2D on
the straight line between the two around it, which averages less. Exact 2D and a detector's.
"""

import argparse
import dataclasses
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from command_line import parsed
from held_out import clips_of, parser_of
from origin import command, commit
from scipy.interpolate import CubicSpline

from posenet3d import Estimator, KeypointSequence
from posenet3d.data import MotionClip, camera_rig, observe
from posenet3d.data.detector_noise import corrupt
from posenet3d.evaluation import metrics
from posenet3d.evaluation.sequences import camera_frame

RATES = (24.0, 25.0, 30.0, 50.0, 55.0, 60.0, 100.0, 120.0, 240.0)
WAYS = ("as it is", "resampled", "straight lines")
CONCLUSION = (
    "With exact 2D the rate hardly matters. With a detector's errors a window of nine frames at "
    "100 or more a second is too short to average them; resampling to 50 first does, and better "
    "where a frame is made of all those around it than of two. Below 50 it does harm: the frames "
    'between are made up of two noisy ones. So `resample="auto"`, the default, resamples what is '
    "faster than the network's rate, and leaves what is slower."
)
LEARNT = 50.0
"""Frames a second of the windows that the network learnt from."""


def main() -> None:
    """Lift, measure, write."""
    arguments = parse()
    estimator = Estimator.from_pretrained(arguments.run, device="cpu")
    found: dict[tuple[str, float, str], list[np.ndarray]] = defaultdict(list)
    for number, clip in enumerate(clips_of(arguments)[:: arguments.every]):
        camera = camera_rig("cmu14-wild").cameras(clip)[0]
        for rate in RATES:
            slower = at_rate(clip, rate)
            truth = metrics.root_centred(torch.from_numpy(camera_frame(slower, camera)))
            exact = observe(slower, camera).to_layout("lsp_14")
            for noise in ("none", arguments.noise):
                seen = exact if noise == "none" else corrupt(exact, noise, seed=number)
                for way in WAYS:
                    joints = lifted(estimator, seen, way)
                    error = metrics.p_mpjpe(1000.0 * torch.from_numpy(joints).double(), truth)
                    found[noise, rate, way].append(error.numpy())
    means = {key: float(np.concatenate(each).mean()) for key, each in found.items()}
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / f"{arguments.page}.md"
    page.write_text(render(means, arguments))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("run", type=Path, help="a run that held the subjects out")
    parser.add_argument("--every", type=int, default=4, help="every so manieth clip alone")
    parser.add_argument("--noise", default="openpose")
    parser.add_argument("--page", default="frame_rates")
    parser.add_argument("--seen", action="store_true", help="the run was trained on the subjects")
    return parsed(parser)


def at_rate(clip: MotionClip, rate: float) -> MotionClip:
    """The clip at another frame rate."""
    if rate == clip.fps:
        return clip
    seconds = np.arange(len(clip.joints)) / clip.fps
    wanted = np.arange(0, seconds[-1], 1 / rate)
    return dataclasses.replace(clip, joints=CubicSpline(seconds, clip.joints)(wanted), fps=rate)


def lifted(estimator: Estimator, seen: KeypointSequence, way: str) -> np.ndarray:
    """The joints (frames, 14, 3) of the sequence's own frames, metres."""
    if way != "straight lines" or seen.fps == LEARNT:
        rate = "none" if way == "as it is" else LEARNT
        return np.asarray(estimator.predict(seen, resample=rate).joints3d)
    own = np.arange(len(seen)) / seen.fps
    learnt = np.arange(0, own[-1] + 0.5 / LEARNT, 1 / LEARNT)
    between = KeypointSequence(
        interpolated(own, seen.points, learnt),
        interpolated(own, seen.confidence, learnt),
        layout=seen.layout,
        fps=LEARNT,
        unit=seen.unit,
        image_size=seen.image_size,
        source=seen.source,
    )
    return interpolated(
        learnt, np.asarray(estimator.predict(between, resample="none").joints3d), own
    )


def interpolated(seconds: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values on straight lines in time; NaN where a neighbour is."""
    flat = values.reshape(len(values), -1)
    made = np.stack([np.interp(wanted, seconds, column) for column in flat.T], axis=1)
    return made.reshape(len(wanted), *values.shape[1:])


def render(means: dict[tuple[str, float, str], float], arguments: argparse.Namespace) -> str:
    """The page."""
    about = "whom this network never saw"
    if arguments.seen:
        about = "on whom this network was trained: compare the columns, not with other pages"
    lines = [
        "# Frame rates",
        "",
        f"Command: `{command()}`; commit {commit()}; seed: that of the run, and of the detector's "
        f"errors the clip's number. Subjects {', '.join(arguments.subjects)}, {about}; no test "
        "subject was looked at. P-MPJPE of the branches' mean, mm; how it is made is told at the "
        "top of `benchmarks/frame_rates.py`.",
        "",
        f"| frames a second | exact 2D | {' | '.join(WAYS[1:])} | 2D with the errors of "
        f"`{arguments.noise}` | {' | '.join(WAYS[1:])} |",
        "|---|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        kinds = ("none", arguments.noise)
        cells = [means[noise, rate, way] for noise in kinds for way in WAYS]
        lines.append(f"| {rate:g} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    lines += ["", CONCLUSION]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
