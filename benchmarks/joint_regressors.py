"""Measure ways to keep a learnt joint regressor convex, on hips planted 5 cm outwards.

    OMP_NUM_THREADS=1 python benchmarks/joint_regressors.py

The mannequin's hips are "annotated" 5 cm outwards, rigidly in the frame of the pelvis. Each way to
parametrise the rows starts at the body's own W and is trained with Adam on the same 32 poses, with
each learning rate; the figures are of other poses. Results go to
`benchmarks/results/joint_regressors.md`.
"""

import argparse
import os
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from posenet3d.body import (
    ConvexJointRegressor,
    LinearBlendBody,
    LinearJointRegressor,
    load_body_model,
    project_straight_through,
    project_to_simplex,
)
from posenet3d.evaluation.provenance import source_commit
from posenet3d.geometry import rotation_about_y, rotvec_to_rotmat, winding_number

HIPS = (1, 2)
OUTWARDS = torch.tensor([[0.05, 0.0, 0.0], [-0.05, 0.0, 0.0]])


class Rows(nn.Module):
    """Rows of W' by a function of a parameter, for the ways that the library does not have."""

    def __init__(self, start: Tensor, rows_of) -> None:
        super().__init__()
        self.theta, self.rows_of = nn.Parameter(start.clone()), rows_of

    def joints(self, body, betas: Tensor, rotations: Tensor, rows: tuple[int, ...]) -> Tensor:
        """The chosen joints."""
        return body.regress(betas, rotations, self.rows_of(self.theta[list(rows)]))


def softmax(floor: float):
    """Softmax of log(W + floor): the floor gives vertices outside W's support some gradient."""
    return lambda own: Rows((own + floor).log(), lambda theta: theta.softmax(-1))


WAYS = {
    "softmax, floor 1e-9": softmax(1e-9),
    "softmax, floor 1e-6": softmax(1e-6),
    "softmax, floor 1e-5": softmax(1e-5),
    "softmax, floor 1e-4": softmax(1e-4),
    "projection, true gradient": lambda own: Rows(own, project_to_simplex),
    "projection, straight through": lambda own: Rows(own, project_straight_through),
    "projection, straight through, dithered (`convex`)": ConvexJointRegressor,
    "linear, Eq. 6 (`linear`; not convex)": LinearJointRegressor,
}
RATES = (1e-3, 1e-2, 1e-1)
MOMENTS = (100, 400)


def main() -> None:
    """Train every way with every rate, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body_model("mannequin")
    rows = []
    for name, way in WAYS.items():
        for rate in RATES:
            torch.manual_seed(arguments.seed)
            rows.append(f"| {name} | {rate:g} | " + " | ".join(trial(way, rate, body)) + " |")
            print(rows[-1], flush=True)
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / "joint_regressors.md"
    page.write_text(render(rows, arguments))


def trial(way, rate: float, body: LinearBlendBody) -> list[str]:
    """The cells of one row of the table."""
    regressor = way(body.joint_regressor)
    train, test = poses(32, 0.5), poses(32, 0.5)
    start = moved(regressor, body, test)
    optimizer = torch.optim.Adam(regressor.parameters(), lr=rate)
    target, began, misses = annotated(body, *train), time.perf_counter(), []
    for step in range(1, MOMENTS[-1] + 1):
        optimizer.zero_grad()
        joints = regressor.joints(body, *train, HIPS)
        (joints - target).square().sum(-1).mean().backward()
        optimizer.step()
        if step in MOMENTS:
            misses.append(miss(regressor, body, test))
    seconds = (time.perf_counter() - began) / MOMENTS[-1]
    turned = poses(16, torch.pi)
    share = outside(regressor, body, turned)
    cells = [f"{1e3 * start:.3f}", *(f"{1e3 * each:.1f}" for each in misses)]
    return [*cells, f"{1e3 * miss(regressor, body, turned):.1f}", f"{share:.0%}",
            f"{1e3 * seconds:.0f}"]  # fmt: skip


def poses(count: int, azimuth: float) -> tuple[Tensor, Tensor]:
    """Random shapes, and joints bent by 0.2 rad an axis; facing up to ``azimuth`` to each side."""
    turns = rotvec_to_rotmat(0.2 * torch.randn(count, 24, 3))
    facing = rotation_about_y(azimuth * (2 * torch.rand(count) - 1))[:, None] @ turns[:, :1]
    return 0.5 * torch.randn(count, 10), torch.cat([facing, turns[:, 1:]], 1)


def own_hips(body: LinearBlendBody, betas: Tensor, rotations: Tensor) -> Tensor:
    """Where the body's own regressor puts them."""
    return body.regress(betas, rotations, body.joint_regressor[list(HIPS)])


def annotated(body: LinearBlendBody, betas: Tensor, rotations: Tensor) -> Tensor:
    """Where they are said to be."""
    return own_hips(body, betas, rotations) + OUTWARDS @ rotations[:, 0].mT


@torch.no_grad()
def moved(regressor, body: LinearBlendBody, case: tuple[Tensor, Tensor]) -> float:
    """How far the hips start from the body's own, metres."""
    joints = regressor.joints(body, *case, HIPS)
    return float((joints - own_hips(body, *case)).norm(dim=-1).mean())


@torch.no_grad()
def miss(regressor, body: LinearBlendBody, case: tuple[Tensor, Tensor]) -> float:
    """How far the hips are from the annotated ones, metres."""
    return float((regressor.joints(body, *case, HIPS) - annotated(body, *case)).norm(dim=-1).mean())


@torch.no_grad()
def outside(regressor, body: LinearBlendBody, case: tuple[Tensor, Tensor]) -> float:
    """The share of hips outside the mesh."""
    joints, meshes = regressor.joints(body, *case, HIPS), body.vertices(*case)
    pairs = zip(joints, meshes, strict=True)
    numbers = torch.stack([winding_number(points, mesh, body.faces) for points, mesh in pairs])
    return float((numbers <= 0.5).float().mean())


def render(rows: list[str], arguments: argparse.Namespace) -> str:
    """The page of results."""
    first, last = MOMENTS
    return "\n".join([
        "# Ways to keep a learnt joint regressor convex",
        "",
        f"Command: `python benchmarks/joint_regressors.py --seed {arguments.seed}`, commit "
        f"{source_commit() or 'unknown'}, {os.cpu_count()} cores, 1 thread, torch "
        f"{torch.__version__}.",
        "",
        "The mannequin's hips, annotated 5 cm outwards in the frame of the pelvis; Adam on 32 "
        "poses that face the camera within 0.5 rad. Distances in mm, means over unseen poses. "
        "*Start*: how far the parametrisation itself moves the hips before any step. *Turned*: "
        "poses that face anywhere. A convex combination cannot follow a rigid shift exactly, as "
        "skin bends with two bones: some millimetres remain.",
        "",
        f"| rows | Adam's rate | start | miss, {first} steps | miss, {last} steps "
        "| miss, turned | hips outside, turned | ms a step |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
