"""Made-up keypoint files that the pages' snippets read: synthetic people, filmed.

Nothing here is of a real person, and no file is needed.
"""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import numpy as np

from posenet3d.cli import main
from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import convert

WIDTH, HEIGHT, FPS = 1920, 1080, 30.0


@cache
def filmed(activity: str = "walk", seconds: float = 2.0, seed: int = 0) -> KeypointSequence:
    """One person in pixels, ``lsp_14``, as the first of the ``cmu14-wild`` cameras sees them."""
    clips = synthetic_motion(clips=1, seconds=seconds, seed=seed, fps=FPS, activities=[activity])
    seen = next(iter(film(clips, "cmu14-wild").sequences.values()))
    pixels = seen.points * WIDTH / 2 + (WIDTH / 2, HEIGHT / 2)
    return KeypointSequence(pixels, layout="lsp_14", fps=FPS, image_size=(WIDTH, HEIGHT),
                            source=activity)  # fmt: skip


def body_25b(person: KeypointSequence) -> np.ndarray:
    """x, y and confidence (frames, 25, 3) as OpenPose has them: 0, 0, 0 is unknown."""
    made = convert(person.points, "lsp_14", "body_25b")
    known = np.isfinite(made.points).all(-1, keepdims=True)
    return np.concatenate([np.where(known, made.points, 0.0), 0.9 * known], -1)


def openpose_folder(folder: str | Path, *people: KeypointSequence) -> None:
    """A folder of a JSON file a frame, as OpenPose writes it with its model BODY_25B."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    joints = [body_25b(person) for person in people]
    for frame in range(max(map(len, joints))):
        found = [
            {"person_id": [-1], "pose_keypoints_2d": each[frame].round(3).ravel().tolist()}
            for each in joints
            if frame < len(each)
        ]
        text = json.dumps({"version": 1.3, "people": found})
        Path(folder, f"cam_{frame:012d}_keypoints.json").write_text(text)


def posenet3d(*words: str) -> None:
    """The command line in this process: what it says, errors first, and its exit code if not 0."""
    said, errors, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(said), redirect_stderr(errors):
        try:
            main(words)
        except SystemExit as end:
            code = end.code
    print(*filter(None, [errors.getvalue().strip(), said.getvalue().strip()]), sep="\n")
    if code:
        print(f"exit code {code}")
