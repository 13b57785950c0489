"""From pixels: does the 2D detector find the body that ships with the package, and how well?

    python benchmarks/video.py --detector-python detector/bin/python

No footage with known joints is at hand, so this makes some: the mannequin moves as in the
synthetic training set, is drawn in the colour of skin before an empty room, and filmed by a camera
4 m away. The detector's joints are set against the body's own. Real footage is harder: clothes,
backgrounds, blur, people in each other's way. Writes `video.md` and `video.json` into `--results`;
`--keep` keeps the videos. Needs the extra `video`.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import torch

from posenet3d.body import load_body_model
from posenet3d.data.synthetic.motion import lsp_joints
from posenet3d.data.synthetic.poses import synthetic_poses
from posenet3d.evaluation.provenance import source_commit
from posenet3d.integrations.mediapipe_video import DETECTOR, detect_people
from posenet3d.skeletons import layout
from posenet3d.visualization.mesh_drawing import FRONT, SKIN
from posenet3d.visualization.mesh_image import Window, mesh_image

WIDTH, HEIGHT, FPS = 640, 480, 30
CLIPS = (("walk", 30.0), ("run", -45.0), ("wave", 10.0), ("squat", -20.0))
"""Each clip's activity, and by how many degrees the scene is turned."""

_DISTANCE, _TALL, _SKIN = 4.0, 2.6, (0.87, 0.68, 0.55)
_LIMBS = 12
"""The first joints of the layout lsp_14: those that detectors find; neck and head top are made."""


class Film(NamedTuple):
    """A clip as pictures, and what is known of it."""

    pictures: list[np.ndarray]
    """RGB, a frame each."""
    joints: np.ndarray
    """(frames, 14, 2), layout lsp_14, pixels."""


def main() -> None:
    """Draw each clip, find the person in it, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector-python")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        for activity, turned in CLIPS:
            made = film(activity, turned, given.seconds)
            video = folder / f"{activity}.mp4"
            write_video(video, made.pictures)
            rows.append(measured(activity, video, made, given.detector_python))
            print(rows[-1])
    facts = {"detector": DETECTOR, "commit": source_commit(), "rows": rows}
    (given.results / "video.json").write_text(json.dumps(facts, indent=1) + "\n")
    (given.results / "video.md").write_text(page(facts))


def film(activity: str, turned: float, seconds: float) -> Film:
    """The mannequin at some activity, drawn frame by frame; the camera goes along with it."""
    body = load_body_model("mannequin")
    clip = synthetic_poses(
        clips=1, seconds=seconds, seed=3, fps=float(FPS), activities=[activity], body=body
    )[0]
    with torch.no_grad():
        dtype = body.joint_regressor.dtype
        vertices = body.vertices(
            torch.as_tensor(clip.betas, dtype=dtype), torch.as_tensor(clip.rotations, dtype=dtype)
        )
    surface = vertices.double().numpy() + clip.translation[:, None]
    joints = lsp_joints(clip, body)[..., [1, 2, 0]]  # from the world back into the body's frame
    middle = joints.mean(axis=1)
    middle[:, 1] = joints[..., 1].mean()
    wide = _TALL * WIDTH / HEIGHT / 2
    window = Window(-wide, wide, -_TALL / 2, _TALL / 2)
    pictures = []
    for frame in range(len(surface)):
        seen = _projected(surface[frame] - middle[frame], turned)
        pictures.append(
            _before_a_room(mesh_image(seen, np.asarray(body.faces), FRONT, window, HEIGHT))
        )
    places = np.stack([_projected(joints[k] - middle[k], turned) for k in range(len(joints))])
    pixels = np.stack([places[..., 0] + wide, _TALL / 2 - places[..., 1]], axis=-1)
    return Film(pictures, pixels * HEIGHT / _TALL)


def _projected(points: np.ndarray, turned: float) -> np.ndarray:
    """Points in perspective, at the scale of the distance at which the person is; z as it is."""
    angle = np.radians(turned)
    turn = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    x, y, z = (points @ np.array(turn).T).T
    near = _DISTANCE / (_DISTANCE - z)
    return np.stack([x * near, y * near, z], axis=-1)


def _before_a_room(drawn: np.ndarray) -> np.ndarray:
    room = np.empty((HEIGHT, WIDTH, 3))
    room[:] = np.linspace(205, 170, HEIGHT)[:, None, None]
    room[int(0.8 * HEIGHT) :] = (140, 130, 120)
    cover = drawn[..., 3:] / 255
    person = drawn[..., :3] / np.array(SKIN) * np.array(_SKIN)
    return np.rint(person * cover + room * (1 - cover)).clip(0, 255).astype(np.uint8)


def write_video(path: Path, pictures: list[np.ndarray]) -> None:
    """The pictures as a video, H.264."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "18"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def measured(name: str, video: Path, made: Film, python: str | None) -> dict[str, Any]:
    """How many frames the person is found in, and how far off the joints are."""
    start = time.perf_counter()
    found = detect_people(video, python=python)
    seconds = time.perf_counter() - start
    person = found.people[0].to_layout("lsp_14")
    known = made.joints[person.frame_index]
    off = _off(person.points, known)
    mirrored = _off(person.points[:, list(layout("lsp_14").mirror)], known)
    tall = float(np.ptp(known[..., 1], axis=1).max())
    return {
        "clip": name,
        "frames": found.frames,
        "found": found.frames_with_someone,
        "tall": round(tall),
        "mean": round(float(off.mean()), 2),
        "median": round(float(np.median(off)), 2),
        "p95": round(float(np.percentile(off, 95)), 2),
        "percent": round(100 * float(off.mean()) / tall, 2),
        "sides_swapped": int((mirrored.mean(axis=1) < off.mean(axis=1)).sum()),
        "seconds": round(seconds, 1),
    }


def _off(found: np.ndarray, known: np.ndarray) -> np.ndarray:
    off: np.ndarray = np.linalg.norm(found - known, axis=-1)[:, :_LIMBS]
    return off


def page(facts: dict[str, Any]) -> str:
    """The figures as a page."""
    lines = [
        "# From pixels: 2D joints of a drawn person",
        "",
        f"{facts['detector']}; `python benchmarks/video.py`, seed 3, commit "
        f"{facts['commit']}. The mannequin, {WIDTH} x {HEIGHT} pixels, "
        "before an empty room: easy footage. Pixels off the body's own joints, ankles to shoulders "
        "and wrists; how tall the person is, in pixels; frames in which left and right, swapped, "
        "would fit better; seconds with the start of the detector.",
        "",
        "| clip | found in | tall | mean | median | 95 % | of the height | swapped | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['clip']} | {row['found']} of {row['frames']} | {row['tall']} | {row['mean']} | "
        f"{row['median']} | {row['p95']} | {row['percent']} % | {row['sides_swapped']} | "
        f"{row['seconds']} |"
        for row in facts["rows"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
