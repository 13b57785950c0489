"""Is ElePose's adapter right? Its losses at the true poses, which its training does not know.

    python benchmarks/peers/elepose_check.py --peers DIR --data $POSENET3D_DATA --run RUN

RUN is the folder of a run of `peers.py`, for its trained flow. The true depths, the same negated,
and flat ones are given to the adapter in place of its lifter's, at several elevations: with the
signs and scales right, the flow likes the true depths best, at minus the pitch of the cameras, and
about as well as real poses. Then the prior on bone lengths: with the lengths that its adapter is
told, and with its own of Human3.6M, as `train.py` has them. Training clips alone; writes
`results/peers_elepose.json` and `.md`.
"""

import argparse
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from film import film, relative_lengths, rooted, training_clips, with_pelvis

from posenet3d.evaluation.provenance import source_commit

ELEVATIONS = (-25, -13, 0, 13, 25)
EVERY = 50
MERGED = ((0,), (1,), (2,), (3,), (4,), (5,), (6, 7), (8, 9), *((n,) for n in range(10, 16)))
"""Its 16 bones in the order of ours: spine, and neck with head, are two of its own each."""


def main() -> None:
    """Measure, and write results and page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    results = Path(__file__).resolve().parents[1] / "results"
    parser.add_argument("--results", type=Path, default=results)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    told = measure(arguments)
    path = arguments.results / "peers_elepose.json"
    path.write_text(json.dumps(told, indent=1) + "\n")
    path.with_suffix(".md").write_text(page(told))
    print(page(told))


def measure(arguments: argparse.Namespace) -> dict:
    """All figures."""
    checkout = arguments.peers / "ElePose"
    sys.path.insert(0, str(checkout))
    from elepose import BONES, Adapter

    job = json.loads((arguments.run / "job.json").read_text())
    clips = training_clips(arguments.data, job["hold_out"])
    views = film(clips, job["protocol"], with_truth=True)
    lengths = relative_lengths(clips, BONES)
    settings = job["settings"] | {"relative_lengths": lengths}
    blind = [replace(view, joints=None) for view in views]
    peer = Adapter(blind, settings, job["steps"], job["seed"])
    peer.flow.load_state_dict(torch.load(arguments.run / "state.pt")["peer"]["parts"]["flow"])
    points = torch.from_numpy(np.concatenate([peer.normalised(v.points) for v in views])).float()
    truth = np.concatenate([with_pelvis(rooted(view.joints))[::EVERY] for view in views])
    some = np.concatenate([peer.normalised(v.points)[::EVERY] for v in views])
    depth = torch.from_numpy(truth[..., 2] / np.linalg.norm(truth[:, 14], axis=-1).mean()).float()
    with torch.no_grad():
        return {
            "command": "python benchmarks/peers/elepose_check.py --peers DIR "
            f"--data $POSENET3D_DATA --run {arguments.run.name}",
            "commit": source_commit(),
            "poses": len(some),
            "real": float(peer.surprise(points[::EVERY])),
            "gaussian": gaussian(points, settings["bases"]),
            "seen": seen(peer, torch.from_numpy(some).float(), depth),
            "lengths": {"told": lengths, "its own": its_own(checkout)},
            "prior": priors(truth, {"told": lengths, "its own": its_own(checkout)}, BONES),
        }


def gaussian(points: torch.Tensor, bases: int) -> float:
    """What a Gaussian along the same principal axes would have, less the same constant."""
    variances = torch.linalg.eigvalsh(torch.cov(points.double().T)).flip(0)[:bases]
    return float(0.5 * bases + 0.5 * variances.log().sum())


def seen(peer, points: torch.Tensor, depth: torch.Tensor) -> dict[str, list[float]]:
    """The flow's mean negative log-likelihood of reprojections, by depths and elevation."""
    made = {}
    for name, given in {"true": depth, "negated": -depth, "flat": 0 * depth}.items():
        poses = peer.skeleton(points, given + peer.settings.depth)
        made[name] = []
        for degrees in ELEVATIONS:
            torch.manual_seed(0)
            angles = torch.full((len(points), 1), float(np.deg2rad(degrees)))
            made[name].append(float(peer.surprise(peer.project(peer.views(angles) @ poses))))
    return made


def its_own(checkout: Path) -> list[float]:
    """Relative lengths as `train.py` has them, in the order of our bones, their mean 1."""
    code = (checkout / "train.py").read_text()
    found = re.search(r"bone_relations_mean = torch\.Tensor\(\[([^\]]*)\]", code)
    numbers = [float(word) for word in found.group(1).split(",")]
    merged = np.array([sum(numbers[n] for n in bones) for bones in MERGED])
    return (merged / merged.mean()).tolist()


def priors(truth: np.ndarray, lengths: dict, bones) -> dict[str, float]:
    """Its prior's mean loss of the true poses, with each list of lengths."""
    ends = np.array(bones)
    found = np.linalg.norm(truth[:, ends[:, 0]] - truth[:, ends[:, 1]], axis=-1)
    relative = found / found.mean(axis=1, keepdims=True)
    return {
        name: float(((relative - np.array(told)) ** 2).sum(axis=1).mean())
        for name, told in lengths.items()
    }


def page(told: dict) -> str:
    """The page."""
    from elepose import BONES

    from posenet3d.skeletons import LSP_14

    names = ["middle of the hips", *(name.replace("_", " ") for name in LSP_14.joint_names)]
    lines = [
        "# ElePose: its losses at the true poses",
        "",
        f"Command: `{told['command']}`; commit {told['commit'][:12]}; {told['poses']:,} poses of "
        "the training clips.",
        "",
        f"The flow's mean negative log-likelihood of real poses is {told['real']:.1f}; a Gaussian "
        f"along the same axes would have {told['gaussian']:.1f}. Of reprojections, by the depths "
        "that stand in for the lifter's, and the elevation:",
        "",
        f"| depths | {' | '.join(f'{degrees}°' for degrees in ELEVATIONS)} |",
        "|---" * (len(ELEVATIONS) + 1) + "|",
        *(
            f"| {name} | {' | '.join(f'{value:.1f}' for value in row)} |"
            for name, row in told["seen"].items()
        ),
        "",
        "CMU-14's cameras look down by 12.7°. Lower is likelier.",
        "",
        f"Its prior's loss of the true poses: {told['prior']['told']:.2f} with the lengths that "
        f"the adapter is told, {told['prior']['its own']:.2f} with its own of Human3.6M; its "
        "weight is 50.",
        "",
        "| bone | told | its own |",
        "|---|---|---|",
    ]
    for (start, end), ours, its in zip(BONES, *told["lengths"].values(), strict=True):
        lines.append(f"| {names[start]} – {names[end]} | {ours:.3f} | {its:.3f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
