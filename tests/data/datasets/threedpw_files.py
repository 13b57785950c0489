"""Writes sequence files as 3DPW's owners did: pickles of Python 2 with NumPy arrays.

People and camera are made up; keys, nesting, types and units are those of the dataset's readme and
of the public code that reads the files.
"""

import pickle
from functools import cache

import numpy as np

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.skeletons import layout

LENS = np.array([[1961.0, 0.0, 540.0], [0.0, 1969.0, 960.0], [0.0, 0.0, 1.0]])
SMPL = [
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar",
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist", "left_hand", "right_hand",
]  # fmt: skip
COCO = [
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
]  # fmt: skip


@cache
def motion():
    return synthetic_motion(clips=1, seconds=2.0, seed=5, fps=30.0)[0].joints


def joints(frames, names, seed=0):
    """(frames, names, 3), metres in the world, z up."""
    body = motion()[seed % 20 :][:frames]
    at = dict(zip(layout("lsp_14").joint_names, np.moveaxis(body, 1, 0), strict=True))
    at["pelvis"] = (at["left_hip"] + at["right_hip"]) / 2 + (0, 0, 0.05)
    for name, share in (("spine1", 0.25), ("spine2", 0.5), ("spine3", 0.75)):
        at[name] = at["pelvis"] + share * (at["neck"] - at["pelvis"])
    at["head"] = at["neck"] + 0.6 * (at["head_top"] - at["neck"])
    at["nose"] = at["head"] + (0, -0.1, 0)
    for side, x in (("left", 0.03), ("right", -0.03)):
        at[f"{side}_eye"] = at["head"] + (x, -0.08, 0.03)
        at[f"{side}_ear"] = at["head"] + (2 * x, 0, 0.01)
        at[f"{side}_collar"] = (at["neck"] + at[f"{side}_shoulder"]) / 2
        at[f"{side}_hand"] = at[f"{side}_wrist"] + (0, 0, -0.08)
        at[f"{side}_foot"] = at[f"{side}_ankle"] + (0, -0.1, -0.05)
    return np.stack([at[name] for name in names], axis=1)


def camera_poses(frames):
    """World to camera of a phone that walks past the person and turns."""
    poses = np.tile(np.eye(4), (frames, 1, 1))
    for frame, angle in enumerate(np.linspace(0.1, 0.5, frames)):
        sin, cos = np.sin(angle), np.cos(angle)
        turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
        poses[frame, :3, :3] = turn @ np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
        poses[frame, :3, 3] = (0.02 * frame, 1.0, 5.0)
    return poses


def before(poses, world):
    """The points in each frame's camera, frame by frame."""
    return np.stack(
        [body @ pose[:3, :3].T + pose[:3, 3] for pose, body in zip(poses, world, strict=True)]
    )


def pixels(points):
    seen = points @ LENS.T
    return seen[..., :2] / seen[..., 2:]


def sequence(name, frames=30, people=2):
    """The dictionary of one file: person 0 lacks joints in places, person 1 is never lost."""
    poses = camera_poses(frames)
    detected, world, valid = [], [], []
    for person in range(people):
        seen = pixels(before(poses, joints(frames, COCO, person)))
        confidence = np.full((frames, 18), 0.8)
        known = np.ones(frames, dtype=int)
        if person == 0:
            confidence[3, COCO.index("left_wrist")] = 0.0
            confidence[5] = 0.0
            known[7:9] = 0
        points = np.concatenate([seen, confidence[..., None]], axis=-1)
        points[confidence == 0] = 0.0
        detected.append(points.swapaxes(1, 2).copy())
        world.append(joints(frames, SMPL, person).reshape(frames, 72))
        valid.append(known)
    return {
        "sequence": name,
        "betas": [np.zeros(10) for _ in range(people)],
        "poses": [np.zeros((frames, 72)) for _ in range(people)],
        "trans": [np.zeros((frames, 3)) for _ in range(people)],
        "poses_60Hz": [np.zeros((2 * frames, 72)) for _ in range(people)],
        "trans_60Hz": [np.zeros((2 * frames, 3)) for _ in range(people)],
        "betas_clothed": [np.zeros(10) for _ in range(people)],
        "v_template_clothed": [np.zeros((50, 3)) for _ in range(people)],
        "genders": ["m", "f"][:people],
        "texture_maps": [np.zeros((4, 4, 3), dtype=np.uint8) for _ in range(people)],
        "poses2d": detected,
        "jointPositions": world,
        "img_frame_ids": np.arange(0, 2 * frames, 2),
        "cam_poses": poses,
        "campose_valid": valid,
        "cam_intrinsics": LENS,
    }


def write(folder, names=(("train", "courtyard_a_00"), ("test", "downtown_b_00")), **options):
    """Sequence files; returns the dictionaries by their folder and name."""
    made = {}
    for split, name in names:
        path = folder / "sequenceFiles" / split / f"{name}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        made[split, name] = sequence(name, **options)
        dump(path, made[split, name])
    return made


def dump(path, content):
    with open(path, "wb") as file:
        _AsPython2(file, 2).dump(content)


class _AsPython2(pickle._Pickler):
    """Texts and NumPy's bytes as Python 2's strings, NumPy's parts under their old names."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, content):
        self.write(b"T" + len(content).to_bytes(4, "little") + content)

    def save_text(self, text):
        self.save_bytes(text.encode("latin-1"))

    def save_global(self, obj, name=None):
        if obj.__module__.startswith("numpy._core"):
            self.write(b"cnumpy.core.multiarray\n" + obj.__name__.encode() + b"\n")
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_text
