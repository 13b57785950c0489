"""A made-up dancer in the layout of AIST++'s annotations: folders, pickles, cameras and lists."""

import json
import pickle
from functools import cache

import numpy as np
from scipy.spatial.transform import Rotation

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.skeletons import convert, layout

TRAIN, VAL, TEST = (f"gBR_sBM_cAll_d{dancer}_mBR0_ch01" for dancer in ("04", "05", "06"))
IGNORED = "gLO_sFM_cAll_d06_mLO2_ch21"
SIZE = [1920, 1080]
DISTORTIONS = [-0.1, 0.02, 0.0, 0.0, 0.0]


@cache
def world(frames=12, seed=0):
    """(frames, 17, 3) of COCO, centimetres; z up, as nothing but the cameras says."""
    (clip,) = synthetic_motion(clips=1, seconds=frames / 60 + 0.1, fps=60.0, seed=seed)
    joints = convert(clip.joints[:frames], clip.layout, "coco_17").points
    there = layout(clip.layout)
    head, neck = (clip.joints[:frames, there.index(name)] for name in ("head_top", "neck"))
    across = clip.joints[:frames, there.index("left_shoulder")]
    across = across - clip.joints[:frames, there.index("right_shoulder")]
    for name, side in (("nose", 0), ("left_eye", 0.1), ("right_eye", -0.1), ("left_ear", 0.2)):
        joints[:, layout("coco_17").index(name)] = neck + 0.6 * (head - neck) + side * across
    joints[:, layout("coco_17").index("right_ear")] = neck + 0.6 * (head - neck) - 0.2 * across
    return 100 * joints


def cameras():
    """Nine cameras around the origin as a ``setting`` file has them."""
    made = []
    for number in range(9):
        turn = Rotation.from_euler("zx", [40 * number, 90 - 10], degrees=True)  # z up to y down
        made.append(
            {
                "name": f"c{number + 1:02}",
                "size": SIZE,
                "matrix": [[1500.0 + number, 0.0, 960.0], [0.0, 1500.0, 540.0], [0.0, 0.0, 1.0]],
                "rotation": turn.as_rotvec().tolist(),
                "translation": [0.0, 90.0, 500.0],
                "distortions": DISTORTIONS,
            }
        )
    return made


def camera_frame(camera, joints):
    """(…, 3) metres, by scipy."""
    turn = Rotation.from_rotvec(camera["rotation"])
    placed = turn.apply(joints.reshape(-1, 3)) + camera["translation"]
    return placed.reshape(joints.shape) / 100


def pixels(camera, joints, distorted=True):
    """(…, 2) pixels as OpenCV's model has them."""
    x, y, z = np.moveaxis(camera_frame(camera, joints), -1, 0)
    x, y = x / z, y / z
    if distorted:
        square = x**2 + y**2
        bend = 1 + camera["distortions"][0] * square + camera["distortions"][1] * square**2
        x, y = bend * x, bend * y
    (fx, _, cx), (_, fy, cy), _ = camera["matrix"]
    return np.stack([fx * x + cx, fy * y + cy], axis=-1)


def keypoints2d(joints):
    """A pickle's content, types and shapes as AIST++'s own script writes them."""
    found = [
        np.concatenate([pixels(camera, joints), np.full((*joints.shape[:2], 1), 0.9)], axis=-1)
        for camera in cameras()
    ]
    frames = len(joints)
    return {
        "keypoints2d": np.array(found, dtype=np.float32),
        "det_scores": np.ones((9, frames), dtype=np.float32),
        "timestamps": np.arange(frames) * 16667,
    }


def keypoints3d(joints):
    raw = joints.copy()
    raw[0, 0] = np.nan  # where too few views saw a joint
    return {"keypoints3d": raw, "keypoints3d_optim": joints}


def write_pickle(path, content, protocol=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def write_folder(root, frames=12, protocol=4):
    """The annotations of four sequences, one of them on the list of those to ignore."""
    sequences = (TRAIN, VAL, TEST, IGNORED)
    for seed, name in enumerate(sequences):
        joints = world(frames, seed)
        write_pickle(root / "keypoints2d" / f"{name}.pkl", keypoints2d(joints), protocol)
        write_pickle(root / "keypoints3d" / f"{name}.pkl", keypoints3d(joints), protocol)
    for folder in ("cameras", "splits"):
        (root / folder).mkdir()
    (root / "cameras" / "setting1.json").write_text(json.dumps(cameras()))
    mapping = "".join(f"{name} setting1\n" for name in sequences)
    (root / "cameras" / "mapping.txt").write_text(mapping)
    (root / "splits" / "pose_train.txt").write_text(TRAIN)
    (root / "splits" / "pose_val.txt").write_text(VAL)
    (root / "splits" / "pose_test.txt").write_text(f"{TEST}\n{IGNORED}")
    (root / "ignore_list.txt").write_text(f"{IGNORED}\n")
    return root
