"""Writes files as Human3.6M's release, VideoPose3D and the publishers of its cameras do.

People and cameras are made up; layouts, names, types and units are those of the public code that
writes or reads the files. Joints are numbered here as in that code, on purpose by another list
than the library's.
"""

import json
from pathlib import Path
from typing import NamedTuple

import cdflib.cdfwrite
import numpy as np
from scipy.spatial.transform import Rotation

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.skeletons import layout

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
ACTIONS = ("Directions", "Photo", "Walking")
RECORDINGS = ("Directions", "Directions 1", "Photo", "Photo 1", "Walking", "Walking 1")
FRAMES = 25
MILLIMETRES = 1000.0

# VideoPose3D, common/h36m_dataset.py: what it removes of the 32
REMOVED = (4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31)
KEPT = tuple(joint for joint in range(32) if joint not in REMOVED)
NAMES = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "spine", "thorax", "nose", "head_top", "left_shoulder", "left_elbow", "left_wrist",
    "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
SIDES_17 = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
SIDES_16 = [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]
# 3d-pose-baseline, src/data_utils.py: the stacked hourglass's 16 among the 32
HOURGLASS = (3, 2, 1, 6, 7, 8, 0, 12, 13, 15, 27, 26, 25, 17, 18, 19)


class Standing(NamedTuple):
    """A camera: world to camera is R (X - T), millimetres."""

    rotation: np.ndarray
    position: np.ndarray
    focal: np.ndarray
    centre: np.ndarray
    radial: np.ndarray
    tangential: np.ndarray  # p1, p2 of OpenCV

    def sees(self, world):
        """(pixels, metres in the camera frame) of metres in the world; term by term."""
        at = (world - self.position / MILLIMETRES) @ self.rotation.T
        x, y = at[..., 0] / at[..., 2], at[..., 1] / at[..., 2]
        r2 = x * x + y * y
        (k1, k2, k3), (p1, p2) = self.radial, self.tangential
        factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * y + p2 * x
        u = self.focal[0] * (x * factor + p2 * r2) + self.centre[0]
        v = self.focal[1] * (y * factor + p1 * r2) + self.centre[1]
        return np.stack([u, v], axis=-1), at


def cameras():
    """(subject, camera) to the camera; each subject's stand a little elsewhere."""
    generator = np.random.default_rng(36)
    made = {}
    for number, camera in enumerate(CAMERAS):
        optics = (
            1100 + 100 * generator.random(2),
            500 + 20 * generator.random(2),
            np.array([-0.2, 0.24, -0.006]) * generator.uniform(0.8, 1.2, 3),
            generator.uniform(-0.003, 0.003, 2),
        )
        for subject in (*SUBJECTS, "S2"):
            around = np.pi / 4 + number * np.pi / 2 + generator.normal(0, 0.1)
            position = np.array([5 * np.cos(around), 5 * np.sin(around), 1.5])
            position += generator.normal(0, 0.1, 3)
            ahead = np.array([0.0, 0.0, 0.9]) - position
            ahead /= np.linalg.norm(ahead)
            right = np.cross(ahead, [0, 0, 1])
            right /= np.linalg.norm(right)
            rotation = np.stack([right, np.cross(ahead, right), ahead])
            made[subject, camera] = Standing(rotation, position * MILLIMETRES, *optics)
    return made


def world():
    """(subject, recording) to (frames, 32, 3) metres in the world."""
    clips = synthetic_motion(clips=len(RECORDINGS), seconds=1.0, seed=5, fps=50.0)
    made = {}
    for shift, subject in enumerate(SUBJECTS):
        for recording, clip in zip(RECORDINGS, clips, strict=True):
            joints = clip.joints[3 * shift : 3 * shift + FRAMES]
            joints = joints + np.array([0.1 * shift, -0.1, 0.0])
            joints[..., :2] -= joints[:, :1, :2].mean(axis=0) / 2
            made[subject, recording] = _of_32(joints)
    return made


def _of_32(lsp):
    """The 14 joints among 32, the others made up near them."""
    of = dict(zip(layout("lsp_14").joint_names, np.moveaxis(lsp, 1, 0), strict=True))
    of["pelvis"] = (of["left_hip"] + of["right_hip"]) / 2
    of["thorax"] = of["neck"]
    of["spine"] = (of["pelvis"] + of["thorax"]) / 2
    of["nose"] = (of["thorax"] + of["head_top"]) / 2
    made = np.tile(of["pelvis"][:, None], (1, 32, 1)) + np.arange(32)[:, None] * 0.01
    made[:, KEPT] = np.stack([of[name] for name in NAMES], axis=1)
    return made


def views(standing, places):
    """(subject, recording) to the four cameras' (pixels, metres in the camera frame)."""
    return {
        (subject, recording): [standing[subject, camera].sees(joints) for camera in CAMERAS]
        for (subject, recording), joints in places.items()
    }


def _nested(flat):
    made = {}
    for (subject, recording), value in flat.items():
        made.setdefault(subject, {})[recording] = value
    return made


def write_archives(folder, places, seen):
    """VideoPose3D: ``prepare_data_h36m.py``, without S11's Directions."""
    kept = {key: value for key, value in places.items() if key != ("S11", "Directions")}
    world_32 = {key: joints.astype("float32") for key, joints in kept.items()}
    np.savez_compressed(folder / "data_3d_h36m", positions_3d=_nested(world_32))
    pixels = {key: [xy[:, KEPT].astype("float32") for xy, _ in seen[key]] for key in kept}
    sides = [[np.int64(joint) for joint in side] for side in SIDES_17]  # as its skeleton has them
    metadata = {"num_joints": 17, "keypoints_symmetry": sides}
    positions = _nested(pixels)
    np.savez_compressed(folder / "data_2d_h36m_gt", positions_2d=positions, metadata=metadata)


def write_detections(folder, seen):
    """Detections in 17 joints with frames to spare, and in the stacked hourglass's 16."""
    generator = np.random.default_rng(1)
    kept = {key: value for key, value in seen.items() if key != ("S11", "Directions")}
    found = {key: [_detected(xy[:, KEPT], generator) for xy, _ in kept[key]] for key in kept}
    metadata = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": SIDES_17}
    np.savez_compressed(
        folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz", positions_2d=_nested(found), metadata=metadata
    )
    found = {key: [xy[:, HOURGLASS].astype("float32") for xy, _ in kept[key]] for key in kept}
    metadata = {"num_joints": 16, "keypoints_symmetry": SIDES_16}
    np.savez_compressed(
        folder / "data_2d_h36m_sh_ft_h36m", positions_2d=_nested(found), metadata=metadata
    )


def _detected(pixels, generator):
    more = np.concatenate([pixels, pixels[-1:].repeat(3, axis=0)])
    return (more + generator.normal(0, 2, more.shape)).astype("float32")


def released_name(subject, recording):
    """The release's own name; some subjects have other names for some actions."""
    return recording.replace("Photo", "TakingPhoto") if subject in ("S1", "S9") else recording


def write_release(folder, places, seen, subjects=SUBJECTS):
    """The release's CDF files: 2D, 3D by camera and 3D in the world; with an ``_ALL``."""
    for (subject, recording), joints in places.items():
        if subject not in subjects:
            continue
        features = folder / subject / "MyPoseFeatures"
        name = released_name(subject, recording)
        write_pose(features / "D3_Positions" / f"{name}.cdf", joints * MILLIMETRES)
        for camera, (pixels, at) in zip(CAMERAS, seen[subject, recording], strict=True):
            write_pose(features / "D2_Positions" / f"{name}.{camera}.cdf", pixels)
            path = features / "D3_Positions_mono" / f"{name}.{camera}.cdf"
            write_pose(path, at * MILLIMETRES)
        write_pose(features / "D3_Positions" / "_ALL.cdf", joints[:2])


def write_pose(path, values):
    """One CDF file: variable ``Pose``, one record of (frames, joints * axes), single precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = values.reshape(len(values), -1).astype(np.float32)
    made = cdflib.cdfwrite.CDF(path, cdf_spec={"Compressed": 0}, delete=True)
    made.write_var(
        {
            "Variable": "Pose",
            "Data_Type": cdflib.cdfwrite.CDF.CDF_REAL4,
            "Num_Elements": 1,
            "Rec_Vary": True,
            "Var_Type": "zVariable",
            "Dim_Sizes": list(flat.shape),
            "Compress": 6,
        },
        var_data=flat[None],
    )
    made.close()


def write_metadata_xml(path, standing):
    """The release's ``metadata.xml``, cut down to ``w0``; 11 subjects, some of them unknown."""
    places, optics = [], []
    for camera in CAMERAS:
        for number in range(1, 12):
            at = standing.get((f"S{number}", camera), standing["S2", camera])
            angles = Rotation.from_matrix(at.rotation).as_euler("XYZ")
            places += [*angles, *at.position]
        optics += [*at.focal, *at.centre, *at.radial, *at.tangential]
    text = " ".join(repr(float(number)) for number in places + optics)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<a>\n   <w0>[{text}]</w0>\n</a>\n')


def write_camera_json(path, standing):
    """``camera-parameters.json`` of karfly/human36m-camera-parameters."""
    said = {"intrinsics": {}, "extrinsics": {}}
    for (subject, camera), at in standing.items():
        (fx, fy), (cx, cy) = at.focal, at.centre
        (k1, k2, k3), (p1, p2) = at.radial, at.tangential
        said["intrinsics"][camera] = {
            "calibration_matrix": [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]],
            "distortion": [k1, k2, p1, p2, k3],
        }
        shift = -at.rotation @ at.position
        stands = {"R": at.rotation.tolist(), "t": shift[:, None].tolist()}
        said["extrinsics"].setdefault(subject, {})[camera] = stands
    path.write_text(json.dumps(said, indent=2))


def write_camera_module(path, standing):
    """``common/h36m_dataset.py`` of VideoPose3D, with a line that must not run."""
    optics = []
    for camera in CAMERAS:
        at = standing["S1", camera]
        optics.append(
            {
                "id": camera,
                "center": at.centre.tolist(),
                "focal_length": at.focal.tolist(),
                "radial_distortion": at.radial.tolist(),
                "tangential_distortion": at.tangential[::-1].tolist(),
                "res_w": 1000,
                "res_h": 1002,
                "azimuth": 70,
            }
        )
    places = {subject: [_oriented(standing[subject, c]) for c in CAMERAS] for subject in SUBJECTS}
    places["S2"] = [{}, {}, {}, {}]
    path.write_text(
        "import numpy as np\nraise SystemExit('it was run')\n"
        f"h36m_cameras_intrinsic_params = {optics!r}\n"
        f"h36m_cameras_extrinsic_params = {places!r}\n"
        "class Human36mDataset:\n    pass\n"
    )


def _oriented(at):
    x, y, z, w = Rotation.from_matrix(at.rotation.T).as_quat().tolist()
    return {"orientation": [w, x, y, z], "translation": at.position.tolist()}


def lost_half(path: Path):
    """A download that ended half way."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
