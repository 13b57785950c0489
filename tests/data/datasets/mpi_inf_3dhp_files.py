"""Writes files as MPI-INF-3DHP's release does: MATLAB 5 for training, MATLAB 7.3 for test.

People and cameras are made up; names, types, nesting and units are those of the dataset's READMEs
and of the public code that reads the files. Joints are listed here as in ``mpii_get_joint_set.m``,
on purpose by another list than the library's.
"""

from functools import cache

import h5py
import numpy as np
import scipy.io

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.skeletons import layout

CAMERAS = 14
FOCAL, MIDDLE = 1500.0, 1024.0
UNIVERSAL = 0.93
ALL_28 = [
    "spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top", "left_clavicle",
    "left_shoulder", "left_elbow", "left_wrist", "left_hand", "right_clavicle", "right_shoulder",
    "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee", "left_ankle",
    "left_foot", "left_toe", "right_hip", "right_knee", "right_ankle", "right_foot", "right_toe",
]  # fmt: skip
RELEVANT = [8, 6, 15, 16, 17, 10, 11, 12, 24, 25, 26, 19, 20, 21, 5, 4, 7]  # MATLAB's, from 1
HEAD_73 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(116)


@cache
def motion():
    return synthetic_motion(clips=1, seconds=2.0, seed=7, fps=50.0)[0].joints


def people(frames, seed=0):
    """(frames, 28, 3) in metres before a camera: x right, y down, z away from it."""
    joints = motion()[seed % 50 :][:frames]
    at = dict(zip(layout("lsp_14").joint_names, np.moveaxis(joints, 1, 0), strict=True))
    at["pelvis"] = (at["left_hip"] + at["right_hip"]) / 2 + (0, 0, 0.05)
    for name, share in (("spine", 0.2), ("spine2", 0.4), ("spine3", 0.6), ("spine4", 0.8)):
        at[name] = at["pelvis"] + share * (at["neck"] - at["pelvis"])
    at["head"] = (at["neck"] + at["head_top"]) / 2
    for side in ("left", "right"):
        at[f"{side}_clavicle"] = (at["neck"] + at[f"{side}_shoulder"]) / 2
        at[f"{side}_hand"] = at[f"{side}_wrist"] + (0, 0, -0.08)
        at[f"{side}_foot"] = at[f"{side}_ankle"] + (0, 0.1, -0.05)
        at[f"{side}_toe"] = at[f"{side}_ankle"] + (0, 0.2, -0.05)
    world = np.stack([at[name] for name in ALL_28], axis=1)  # z up
    return world @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) + (0, 1, 4.0)


def turned(body, angle):
    """As another camera sees the person: turned about the line that is down in the image."""
    middle = body.mean(axis=(0, 1))
    sin, cos = np.sin(angle), np.cos(angle)
    return (body - middle) @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) + middle


def pixels(body):
    return FOCAL * body[..., :2] / body[..., 2:] + MIDDLE


def universal(body):
    root = body[:, ALL_28.index("pelvis")][:, None]
    return root + UNIVERSAL * (body - root)


def write_training(folder, recordings=("S1/Seq1",), frames=30, **saving):
    """``annot.mat`` of some recordings; returns each one's (cameras, frames, 28, 3) in metres."""
    made = {}
    for seed, name in enumerate(recordings):
        body = people(frames, seed=seed)
        views = np.stack([turned(body, 0.4 * camera) for camera in range(CAMERAS)])
        millimetres = 1000 * views
        cells = {
            "annot2": [pixels(view).reshape(frames, 56) for view in views],
            "annot3": [view.reshape(frames, 84) for view in millimetres],
            "univ_annot3": [1000 * universal(view).reshape(frames, 84) for view in views],
        }
        path = folder / name / "annot.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {"frames": np.arange(frames)[:, None], "cameras": np.arange(CAMERAS)[None]}
        if saving.get("v73"):
            write_v73(path, plain, cells)
        else:
            packed = {key: _cell(parts) for key, parts in cells.items()}
            scipy.io.savemat(path, packed | plain, do_compression=True)
        (path.parent / "camera.calibration").write_text("Skeletool Camera Calibration File V1.0\n")
        made[name] = views
    return made


def write_test(folder, frames=40, videos=range(1, 7), every=4):
    """``annot_data.mat`` of the test videos; returns each one's (frames, 17, 3) in metres."""
    made = {}
    for video in videos:
        body = people(frames, seed=100 + video)[:, np.array(RELEVANT) - 1]
        whole = people(frames, seed=100 + video)
        valid = (np.arange(frames) % (every if video < 5 else 1) == 0).astype(float)
        scaled = universal(whole)[:, np.array(RELEVANT) - 1]
        path = folder / "mpi_inf_3dhp_test_set" / f"TS{video}" / "annot_data.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_v73(
            path,
            {
                "annot2": _matlab(pixels(body)),
                "annot3": _matlab(1000 * body),
                "univ_annot3": _matlab(1000 * scaled),
                "valid_frame": valid[None],
                "activity_annotation": np.ones((1, frames)),
                "bb_crop": np.zeros((34, frames)),
            },
        )
        made[f"TS{video}"] = scaled
    return made


def write_v73(path, variables, cells=None):
    """As MATLAB's ``save -v7.3``: a head of 512 bytes, axes reversed, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            file.create_dataset(name, data=np.asarray(value, dtype=float).T, compression="gzip")
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        for name, parts in (cells or {}).items():
            places = file.create_dataset(name, (1, len(parts)), dtype=h5py.ref_dtype)
            places.attrs["MATLAB_class"] = np.bytes_("cell")
            for at, part in enumerate(parts):
                stored = f"#refs#/{name}_{chr(ord('z') - at)}"
                file[stored] = np.asarray(part).T
                places[0, at] = file[stored].ref
    with open(path, "r+b") as file:
        file.write(HEAD_73 + bytes(8) + b"\x00\x02IM")


def _matlab(body):
    """(frames, joints, axes) as MATLAB's (axes, joints, 1, frames)."""
    return np.moveaxis(body, 0, -1).swapaxes(0, 1)[:, :, None]


def _cell(parts):
    made = np.empty((len(parts), 1), dtype=object)
    for at, part in enumerate(parts):
        made[at, 0] = part
    return made
