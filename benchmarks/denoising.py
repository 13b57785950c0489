"""Try: a trained lifter taught to answer for a detector's 2D as it does for exact 2D.

    OMP_NUM_THREADS=1 python benchmarks/denoising.py --data $POSENET3D_DATA RUN

RUN is the folder of a finished run whose training held out `--subjects`. A copy of its network,
told besides which joints are missing, sees windows spoilt by the model of a detector's errors, and
with joints hidden for the whole window; what it is asked for is the skeleton that the network as
it was gives for the exact windows. So nothing but 2D is learnt from. The copy's teacher may move
every joint in the image, and a missing joint enters it as the guess of `fill_windows` with the
flag 0, so that it begins as the network that it copies. The student is not trained: the shipped
one reads the teacher's skeleton alone. Only BatchNorm, backbone and teacher change.

This is a trial with a loop of its own; it is not in the library. Results go to
`benchmarks/results/denoising.{json,md}`.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from origin import command, commit
from robustness_measures import (
    EXACT,
    FLICKERING,
    LASTING,
    OCCLUDED,
    WILD,
    Condition,
    Input,
    frames_of,
    measure,
    noise_of,
)  # fmt: skip
from torch import Tensor

from posenet3d.data import corrupt_windows, detector_noise, film
from posenet3d.data.motion import load_motion
from posenet3d.networks import PoseNet3D
from posenet3d.networks.lifter import TeacherHead
from posenet3d.nn import fill_windows, temporal, visibility
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips

CONDITIONS = (
    EXACT,
    *(Condition("noise", WILD, "all", factor) for factor in (1.0, 2.0)),
    Condition("noise", WILD, "jitter", 1.0),
    Condition("noise", WILD, "dropped joints", 2.0),
    *(Condition("missing", WILD, name, len(joints)) for name, joints in OCCLUDED.items()),
    *(Condition("missing", WILD, kind, 2) for kind in (FLICKERING, LASTING)),
)
MODEL = "openpose"
EVERY = 15
SHARES = {"exact": 0.2, "gentle": 0.25, "openpose": 0.35, "twice openpose": 0.2}
HIDDEN = 0.35
"""Share of the windows in which one to four joints are hidden from first frame to last."""


def main() -> None:
    """Train the copy, measure both, write page and record."""
    arguments = parse()
    torch.set_flush_denormal(True)
    torch.manual_seed(arguments.seed)
    clips = load_motion(arguments.data / "cmu_train.npz")
    held = [clip for clip in clips if clip.subject in arguments.subjects]
    rest = [clip for clip in clips if clip.subject not in arguments.subjects]
    before = PoseNet3D.from_pretrained(arguments.run)
    tables = {"as trained": figures(before, held)}
    moves_every_joint()
    after = told_of_missing_joints(before)
    began = time.process_time()
    train(before, after, film(rest, WILD).windows(before.receptive_field), arguments)
    tables["taught"] = figures(after, held)
    results = {
        "command": command(),
        "commit": commit(),
        "seed": arguments.seed,
        "steps": arguments.steps,
        "batch": arguments.batch,
        "subjects": arguments.subjects,
        "cpu_seconds": time.process_time() - began,
        "tables": tables,
    }
    path = arguments.results / "denoising.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    path.with_suffix(".md").write_text(render(results))
    print(path.with_suffix(".md").read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("POSENET3D_DATA"))
    parser.add_argument("--subjects", nargs="+", default=["S02", "S06"])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=1e-3, help="falls to a twentieth")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def moves_every_joint() -> None:
    """Let a teacher's head move what it sees too, and give its backbone guesses with flags."""

    def completed(self: TeacherHead, windows: Tensor, change: Tensor) -> Tensor:
        return fill_windows(windows) + change.unflatten(1, (self.frames, self.joints, 2))

    def guesses_with_flags(windows: Tensor) -> Tensor:
        seen = visibility.visible_joints(windows)[..., None].to(windows.dtype)
        return torch.cat([fill_windows(windows), visibility.VISIBLE * seen], dim=-1)

    TeacherHead._completed = completed
    temporal.with_visibility = guesses_with_flags


def told_of_missing_joints(model: PoseNet3D) -> PoseNet3D:
    """A copy whose first layers take a flag for each joint, with weight 0 at first."""
    config = model.config.model_copy(update={"missing_joints": True})
    copy, given = PoseNet3D(config), model.state_dict()
    wanted = copy.state_dict()
    for name, value in given.items():
        if wanted[name].shape == value.shape:
            wanted[name] = value
            continue
        points = torch.arange(wanted[name].shape[1]).view(-1, 3)[:, :2].flatten()
        wanted[name] = torch.zeros_like(wanted[name])
        wanted[name][:, points] = value
    copy.load_state_dict(wanted)
    return copy


def train(before: PoseNet3D, after: PoseNet3D, windows: Any, arguments: argparse.Namespace) -> None:
    """Bring the copy's skeletons of spoilt windows near the network's of the exact ones."""
    trained = [*after.backbone.parameters(), *after.teacher.parameters()]
    descent = torch.optim.Adam(trained, lr=arguments.rate, fused=True)
    falls = torch.optim.lr_scheduler.ExponentialLR(descent, 0.05 ** (1 / arguments.steps))
    for step in range(arguments.steps):
        exact = windows.sample(arguments.seed, "denoising", step, arguments.batch)[:, :-1]
        with torch.no_grad():
            wanted = centre_on_hips(before.teacher_skeleton(exact))
        after.train()
        answer = centre_on_hips(after.teacher_skeleton(spoilt(exact, step, arguments.seed)))
        loss = (answer - wanted).norm(dim=-1).mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        falls.step()
        if (step + 1) % 500 == 0:
            print(f"{step + 1}/{arguments.steps}  distance {loss.item():.4f}", flush=True)
    after.eval()


def spoilt(exact: Tensor, step: int, seed: int) -> Tensor:
    """Windows with a detector's errors in the shares of `SHARES`, and hidden joints."""
    full = detector_noise("openpose")
    twice = full.model_copy(
        update={
            name: 2 * getattr(full, name)
            for name in ("wandering", "white", "dropped", "outliers", "swapped")
        }
    )
    models = {"gentle": detector_noise("gentle"), "openpose": full, "twice openpose": twice}
    counts = [round(share * len(exact)) for share in SHARES.values()]
    parts = exact.split([len(exact) - sum(counts[1:]), *counts[1:]])
    seen = torch.cat(
        [
            part
            if name == "exact"
            else corrupt_windows(part, models[name], seed, name, step).points
            for name, part in zip(SHARES, parts, strict=True)
        ]
    )
    draw = torch.Generator().manual_seed(seed * 1_000_003 + step)
    order = torch.rand(len(seen), 1, seen.shape[2], generator=draw).argsort(-1)
    hidden = order < torch.randint(1, 5, (len(seen), 1, 1), generator=draw)
    hidden &= torch.rand(len(seen), 1, 1, generator=draw) < HIDDEN
    seen = visibility.hide(seen, hidden.expand(seen.shape[:-1]))
    return seen - middle_of_hips(fill_windows(seen))


def figures(model: PoseNet3D, clips: Any) -> list[dict[str, Any]]:
    """P-MPJPE of each head under each condition, mm."""
    kept: dict[tuple[str, float], Any] = {}
    rows = []
    for condition in CONDITIONS:
        noisy = (condition.name, condition.amount) if condition.part == "noise" else ("", 0.0)
        if noisy not in kept:
            noise = noise_of(condition, MODEL)
            kept[noisy] = frames_of(clips, WILD, Input.of(model), EVERY, noise)
        found = measure(condition, model, kept[noisy])
        rows.append({"what": said(condition), "frames": found["frames"], **found["p_mpjpe"]})
    return rows


def said(condition: Condition) -> str:
    """A condition in words."""
    if condition.part == "noise":
        return f"`{MODEL}`, {condition.name}, times {condition.amount:g}"
    if condition.part == "missing":
        count = "" if condition.name in OCCLUDED else f"{condition.amount:g}: "
        return f"missing, {count}{condition.name}"
    return "exact"


def render(results: dict[str, Any]) -> str:
    """The page."""
    return "\n".join(page(results)) + "\n"


def page(results: dict[str, Any]) -> Iterator[str]:
    """Its lines."""
    yield "# A lifter taught to answer for a detector's 2D as for exact 2D: a trial"
    yield ""
    yield (
        f"Command: `{results['command']}`, seed {results['seed']}, commit "
        f"{results['commit'][:12]}; {results['steps']} steps of {results['batch']} windows, "
        f"{results['cpu_seconds'] / 60:.0f} minutes of one thread with the measuring."
    )
    yield ""
    yield (
        f"Training subjects {', '.join(results['subjects'])}, held out of both trainings, CMU-14 "
        f"wild, every {EVERY}th frame. P-MPJPE in mm, teacher / student / mean. *As trained* is "
        "given the guess of `fill_windows` where a joint is missing. What is done is told at the "
        "top of `benchmarks/denoising.py`; it is a trial, not in the library."
    )
    yield ""
    yield "| 2D | as trained | taught | mean, difference |"
    yield "|---|---|---|---|"
    for one, two in zip(*results["tables"].values(), strict=True):
        yield f"| {one['what']} | {heads(one)} | {heads(two)} | {two['mean'] - one['mean']:+.1f} |"


def heads(row: dict[str, Any]) -> str:
    """The figures of the three heads."""
    return " / ".join(f"{row[name]:.1f}" for name in ("teacher", "student", "mean"))


if __name__ == "__main__":
    main()
