"""Real 2D from OpenPose, lifted: a sheet of pictures to look at, and what 2D alone can tell.

    python benchmarks/openpose_clip.py --data $POSENET3D_DATA --model runs/best

The clip has 100 frames of one person who balances, at 60 Hz, and no 3D: joints that OpenPose does
not find are missing. The sheet shows some frames (`--frames`): the 2D, then teacher, student and
the student's body, from the camera and from two sides. Writes `openpose_clip.md`, `.json` and
`.png` into `--results`.
"""

import argparse
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from detector_noise import FPS, read_clip
from openpose_sheet import Look, draw_sheet
from torch import Tensor

from posenet3d.data.normalization import Normalized, normalize
from posenet3d.evaluation import flat_depth
from posenet3d.evaluation.metrics import bone_lengths
from posenet3d.evaluation.provenance import source_commit
from posenet3d.evaluation.sequences import centred_windows
from posenet3d.geometry import reproject
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import load_model
from posenet3d.nn import fill_windows
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips, mirror_evidence
from posenet3d.training.validation.asymmetry import limb_asymmetry

DRAWN = ("teacher", "student")
FLAT = "flat depth"
FIGURES = {
    "asymmetry": "left and right limbs differ, %",
    "bone_spread": "limbs change their length, %",
    "trembling": "trembles, %",
    "reprojection": "off the 2D, %",
    "reprojection_pixels": "off the 2D, pixels",
    "right_way_round": "frames that bend the right way, %",
}
"""The figures, and what their columns are called."""


class Lifted(NamedTuple):
    """What a network makes of the clip, frame by frame."""

    heads: Mapping[str, Tensor]
    """Skeletons by head (frames, 14, 3), head-to-root units, centred on the hips."""
    meshes: np.ndarray | None
    """The student's body in the frames that are shown (shown, V, 3), y up, centred likewise."""
    faces: np.ndarray | None


def main() -> None:
    """Lift the clip, draw the sheet, write the figures."""
    arguments = parse()
    clip = read_clip(arguments.data / "openpose_body25b")
    model = load_model(arguments.model)
    seen = normalized(clip, model)
    shown = np.linspace(0, len(clip) - 1, 2 * arguments.frames + 1).astype(int)[1::2]
    lifted = lift(model, torch.from_numpy(seen.points).float(), shown)
    results = {
        "command": command(arguments),
        "commit": source_commit() or "unknown",
        "model": arguments.name or arguments.model.name,
        "missing_joints": model.config.missing_joints,
        "frames": len(clip),
        "missing": float(np.isnan(clip.points[..., 0]).mean()),
        "figures": figures_of(lifted, seen, model),
    }
    if arguments.beside is not None:
        results["beside"] = beside(arguments.beside, clip, shown)
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "openpose_clip.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    draw_sheet(looks(clip, lifted, shown), lifted.faces, path.with_suffix(".png"))
    path.with_suffix(".md").write_text(render(results))
    print(path.with_suffix(".md").read_text())


def figures_of(lifted: Lifted, seen: Normalized, model: Any) -> dict[str, dict[str, float]]:
    """The figures by head."""
    return {
        head: figures(poses, seen, model.config.distance) for head, poses in lifted.heads.items()
    }


def beside(place: Path, clip: KeypointSequence, shown: np.ndarray) -> dict[str, Any]:
    """What is said of another network, which is not drawn."""
    model = load_model(place)
    seen = normalized(clip, model)
    lifted = lift(model, torch.from_numpy(seen.points).float(), shown)
    return {"model": place.name, "figures": figures_of(lifted, seen, model)}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a finished run's folder")
    parser.add_argument("--beside", type=Path, help="another run's folder, for its figures alone")
    parser.add_argument("--name", help="what the page calls it; by default the folder's name")
    parser.add_argument("--data", type=Path, default=os.environ.get("POSENET3D_DATA"))
    parser.add_argument("--frames", type=int, default=8, help="frames on the sheet")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with openpose_body25b/ by --data or POSENET3D_DATA")
    arguments.data = Path(arguments.data)
    return arguments


def normalized(clip: KeypointSequence, model: Any) -> Normalized:
    """The clip as the network is given it; joints that are missing stay so."""
    mode = model.config.normalization
    if mode == "dataset":
        raise SystemExit("expected a network that scales each sequence by itself: pixels are not")
    return normalize(clip.points, mode, model.config.distance, name="the clip", gaps=True)


@torch.no_grad()
def lift(model: Any, points: Tensor, shown: np.ndarray) -> Lifted:
    """Every frame by every head, and the student's body in some."""
    windows = centred_windows(points, model.receptive_field)
    filled = fill_windows(windows)
    given = windows if model.config.missing_joints else filled
    middle = model.receptive_field // 2
    heads = {head: poses[:, middle] for head, poses in model.lift(given).items()}
    heads[FLAT] = centre_on_hips(flat_depth(filled[:, middle], distance=model.config.distance))
    if not model.has_student:
        return Lifted(heads, None, None)
    betas, rotations = model.parameters_of(given[shown])
    body = (betas, rotations[:, middle])
    hips = middle_of_hips(model.joint_regressor.joints(model.body, *body, model.rows))
    meshes = (model.body.vertices(*body) - hips) / model.metres_per_unit
    return Lifted(heads, meshes.numpy(), model.body.faces.numpy())


def figures(poses: Tensor, seen: Normalized, distance: float) -> dict[str, float]:
    """What can be said of skeletons (frames, 14, 3) without true ones."""
    lengths = bone_lengths(poses)
    known = torch.from_numpy(np.isfinite(seen.points).all(-1))
    off = torch.linalg.vector_norm(
        image_of(poses, distance) - torch.from_numpy(seen.points).to(poses), dim=-1
    )
    pixels = off / torch.from_numpy(seen.scale).to(poses)[:, None]
    return {
        "asymmetry": 100 * float(limb_asymmetry(poses)),
        "trembling": 100 * float(torch.linalg.vector_norm(poses.diff(n=2, dim=0), dim=-1).mean()),
        "bone_spread": 100 * float((lengths.std(0, correction=0) / lengths.mean(0)).mean()),
        "reprojection": 100 * distance * float(off[known].mean()),
        "reprojection_pixels": float(pixels[known].mean()),
        "right_way_round": 100 * float((mirror_evidence(poses) > 0).float().mean()),
    }


def image_of(poses: Tensor, distance: float) -> Tensor:
    """Where a camera sees root-centred skeletons whose root stands at depth c."""
    still = torch.eye(3).to(poses)
    return centre_on_hips(reproject(poses, middle_of_hips(poses), still, distance)[1])


def looks(clip: KeypointSequence, lifted: Lifted, shown: np.ndarray) -> list[Look]:
    """The frames to draw."""
    heads = {
        head: poses.numpy()
        for head, poses in lifted.heads.items()
        if head in ("teacher", "student")
    }
    return [
        Look(
            f"frame {frame}",
            clip.points[frame],
            {head: poses[frame] for head, poses in heads.items()},
            None if lifted.meshes is None else lifted.meshes[number],
        )
        for number, frame in enumerate(shown)
    ]


def render(results: Mapping[str, Any]) -> str:
    """The page."""
    told = "told of them" if results["missing_joints"] else "given a guess for them"
    other = results.get("beside", {"figures": {}})
    lines = [
        "# Real OpenPose keypoints, lifted",
        "",
        f"Command: `{results['command']}`; commit {results['commit'][:12]}.",
        "",
        f"The clip: {results['frames']} frames of one person who balances, {FPS:g} Hz, BODY_25B "
        f"made to `lsp_14`; {100 * results['missing']:.1f} % of the joints are missing, and the "
        f"network `{results['model']}` is {told}. Nobody knows the 3D; what can be said without:",
        "",
        f"| head | {' | '.join(FIGURES.values())} |",
        "|---" * (1 + len(FIGURES)) + "|",
        *(row(head, each) for head, each in results["figures"].items()),
        *(
            row(f"`{other['model']}`: {head}", each)
            for head, each in other["figures"].items()
            if head != FLAT
        ),
        "",
        "Limbs: upper and lower arms and legs. Left and right differ by |l − r| / (l + r), in the "
        "mean over frames; a limb's length changes by its standard deviation over time, in parts "
        "of its mean. A real body has 0 in both. Trembling: the mean length of the second "
        "differences over frames, which are true where the person speeds up, in parts of the "
        "head-to-root length. Off the 2D: the mean distance of the skeleton's image, its root at "
        "depth c, from OpenPose's joints, in parts of the mean head-to-root length; a teacher that "
        "leaves joints on their rays shows only its shift to the root at depth c. The last column "
        "counts frames in which knees bend more forwards than elbows do (`mirror_evidence`); flat "
        "depth has no forwards.",
        "",
        "The sheet: OpenPose's joints, then each answer as the camera sees it (without "
        "perspective) and from 60° to either side, about the image's vertical.",
        "",
        "![The clip's 2D and what the network makes of it](openpose_clip.png)",
    ]
    return "\n".join(lines) + "\n"


def row(head: str, figures: Mapping[str, float]) -> str:
    """A row of the table."""
    return f"| {head} | {' | '.join(f'{figures[name]:.1f}' for name in FIGURES)} |"


def command(arguments: argparse.Namespace) -> str:
    """The command line without folders that are of one machine."""
    words = ["python", "benchmarks/openpose_clip.py", "--model", arguments.model.name]
    words += [] if arguments.beside is None else ["--beside", arguments.beside.name]
    return shlex.join([*words, "--frames", str(arguments.frames)])


if __name__ == "__main__":
    main()
