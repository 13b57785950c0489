"""Which way is up, from lifted motion alone, against the truth: the angle error in degrees.

    python benchmarks/gravity.py --data $POSENET3D_DATA

Training subjects (`--subjects`) under the training cameras of CMU-14 wild (pitch -5 to 35 degrees,
roll to 30), lifted by shipped weights; the whole clip and pieces of it. What `estimate_up` has of
numbers was measured on the other training subjects. Writes `gravity.md` and `.json` into
`--results`.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from command_line import parsed
from held_out import clips_of, parser_of
from origin import command, commit

from posenet3d.data import camera_rig, normalize, observe
from posenet3d.evaluation.lifting import lift_frames
from posenet3d.inference.balance import trunk_axis, unit
from posenet3d.inference.gravity import estimate_up
from posenet3d.networks import PoseNet3D
from posenet3d.skeletons import LSP_14

RIG = "cmu14-wild"
LENGTHS = (10, 50, 200, 0)
"""Frames of a piece at 50 frames a second; 0 is the clip."""
BASELINES = {
    "image": "the image's up",
    "learned": "the network's learnt mean pitch",
    "trunk": "mean of hips to neck",
    "legs": "mean of ankles to hips",
    "estimate": "`estimate_up`",
}


class Piece(NamedTuple):
    """Some frames of a lifted clip, and what is up in them."""

    joints: np.ndarray
    """(frames, 14, 3) metres, camera frame."""
    up: np.ndarray
    fps: float


def main() -> None:
    """Lift, measure, write."""
    arguments = parse()
    model = PoseNet3D.from_pretrained(arguments.weights)
    clips = clips_of(arguments)
    whole = [piece for clip in clips for piece in lifted(clip, model, arguments.views)]
    learned = model.views.pitch
    results: dict[str, Any] = {
        "command": command(),
        "commit": commit(),
        "seed": "none: the cameras follow from the clips' names",
        "weights": arguments.weights,
        "learned_pitch_degrees": float(np.degrees(float(learned or 0.0))),
        "subjects": arguments.subjects,
        "clips": len(clips),
        "views": len(whole),
        "errors": {
            str(length): errors(list(pieces(whole, length, arguments.most)), float(learned or 0.0))
            for length in LENGTHS
        },
    }
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "gravity.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    path.with_suffix(".md").write_text(render(results))
    print(path.with_suffix(".md").read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--weights", default="best-detected")
    parser.add_argument("--views", type=int, default=8, help="of each clip, at most 8")
    parser.add_argument("--most", type=int, default=400, help="pieces of a length")
    return parsed(parser)


def lifted(clip: Any, model: PoseNet3D, views: int) -> Iterator[Piece]:
    """The clip as the network lifts it from what each camera sees."""
    config = model.config
    for camera in camera_rig(RIG).cameras(clip)[:views]:
        seen = observe(clip, camera).to_layout("lsp_14")
        length = float(model.input_length) or None
        points = normalize(seen.points, config.normalization, config.distance, length=length).points
        heads = lift_frames(model.lift, torch.from_numpy(points), config.frames, 4096, clip.key)
        poses = heads.get("mean", heads["teacher"]).numpy()
        metres = float(model.metres_per_unit) or 0.65
        yield Piece(poses * metres, camera.extrinsics[:, 2], float(clip.fps))


def pieces(whole: list[Piece], length: int, most: int) -> Iterator[Piece]:
    """Pieces of so many frames, evenly taken from all; the clips themselves for 0."""
    cut = [
        Piece(clip.joints[first : first + size], clip.up, clip.fps)
        for clip in whole
        for size in [length or len(clip.joints)]
        for first in range(0, len(clip.joints) - size + 1, size)
    ]
    chosen = np.unique(np.linspace(0, len(cut) - 1, min(most, len(cut))).astype(int))
    yield from (cut[number] for number in chosen)


def errors(found: list[Piece], pitch: float) -> dict[str, Any]:
    """The angle errors of every way to find up."""
    off: dict[str, list[float]] = {name: [] for name in BASELINES}
    sigma = []
    ways = ways_of(pitch)
    for piece in found:
        for name, way in ways.items():
            off[name].append(angle(way(piece), piece.up))
        made = estimate_up(piece.joints, piece.fps, pitch=pitch)
        off["estimate"].append(angle(made.up, piece.up))
        sigma.append(made.uncertainty_degrees)
    ratio = np.asarray(off["estimate"]) / np.asarray(sigma)
    return {
        "pieces": len(found),
        "uncertainty": float(np.median(sigma)),
        "error_over_uncertainty": float(np.sqrt((ratio**2).mean())),
        "off": {
            name: [float(np.median(each)), float(np.percentile(each, 90))]
            for name, each in off.items()
        },
    }


def ways_of(pitch: float) -> Mapping[str, Callable[[Piece], np.ndarray]]:
    """What `estimate_up` is compared with."""
    return {
        "image": lambda piece: np.array([0.0, -1.0, 0.0]),
        "learned": lambda piece: np.array([0.0, -np.cos(pitch), -np.sin(pitch)]),
        "trunk": lambda piece: unit(trunk_axis(piece.joints).mean(axis=0)),
        "legs": lambda piece: unit(leg_axis(piece.joints).mean(axis=0)),
    }


def leg_axis(joints: np.ndarray) -> np.ndarray:
    """From the ankles' middle to the hips', unit vectors."""
    hips, ankles = (
        joints[:, LSP_14.indices(f"right_{part}", f"left_{part}")].mean(axis=1)
        for part in ("hip", "ankle")
    )
    return unit(hips - ankles)


def angle(one: np.ndarray, other: np.ndarray) -> float:
    """The angle between unit vectors, degrees."""
    return float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0))))


def render(results: Mapping[str, Any]) -> str:
    """The page."""
    by_length = results["errors"]
    names = {str(n): f"{n / 50:g} s" if n else "the clip" for n in LENGTHS}
    lines = [
        "# Which way is up, from lifted motion alone",
        "",
        f"Command: `{results['command']}`; commit {results['commit'][:12]}; seed: "
        f"{results['seed']}.",
        "",
        f"The angle between the found and the true direction against gravity, degrees: median / "
        f"90th percentile. Subjects {', '.join(results['subjects'])}: {results['clips']} clips of "
        f"50 frames a second, {results['views']} views of CMU-14 wild's training cameras (pitch "
        f"-5 to 35 degrees, roll to 30), exact 2D, lifted by `{results['weights']}`. **These "
        "weights were trained on the 2D of these subjects**; of what `estimate_up` has of numbers, "
        "gain and lean were measured on the other six training subjects, while features, spreads "
        "and the trunk's lean were chosen with these two in view: no held-out figures. "
        "No test subject was looked at.",
        "",
        f"| way | {' | '.join(names.values())} |",
        "|---" * (1 + len(names)) + "|",
    ]
    for name, title in BASELINES.items():
        cells = (by_length[length]["off"][name] for length in names)
        lines.append(f"| {title} | " + " | ".join(f"{a:.1f} / {b:.1f}" for a, b in cells) + " |")
    told = " | ".join(f"{by_length[length]['uncertainty']:.1f}" for length in names)
    ratio = " | ".join(f"{by_length[length]['error_over_uncertainty']:.2f}" for length in names)
    count = " | ".join(str(by_length[length]["pieces"]) for length in names)
    lines += [
        f"| uncertainty that `estimate_up` tells, median | {told} |",
        f"| error over told uncertainty, root mean square | {ratio} |",
        f"| pieces | {count} |",
        "",
        f"The learnt mean pitch is {results['learned_pitch_degrees']:.1f} degrees. The motions are "
        "of people on their feet; of lying or crawling there is nothing here, see the tests.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
