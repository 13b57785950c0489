"""Writes ``joints.mat`` and pictures as the archives of LSP and LSP extended hold them."""

import numpy as np
import scipy.io

ORDER = [
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle", "right wrist",
    "right elbow", "right shoulder", "left shoulder", "left elbow", "left wrist", "neck",
    "head top",
]  # fmt: skip
STANDING = np.array(
    [[40, 190], [41, 140], [42, 95], [58, 95], [59, 140], [60, 190], [25, 95], [28, 70], [35, 40],
     [65, 40], [72, 70], [75, 95], [50, 38], [50, 10]], dtype=float
)  # fmt: skip


def people(count, seed=0):
    """(count, 14, 2) pixels: the standing person, each a little otherwise."""
    return STANDING + np.random.default_rng(seed).normal(scale=3.0, size=(count, 14, 2))


def write(folder, count=2000, occluded=((0, "left wrist"),)):
    """LSP; returns the joints (count, 14, 2)."""
    points = people(count)
    flags = np.zeros((count, 14))
    for picture, joint in occluded:
        flags[picture, ORDER.index(joint)] = 1
    joints = np.concatenate([points, flags[..., None]], axis=-1).transpose(2, 1, 0)
    _save(folder, joints, [f"im{number:04d}.jpg" for number in (1, 2, count)])
    return points


def write_extended(folder, count=30, unlabelled=((1, "left knee"), (2, "head top"))):
    """LSP extended; returns the joints (count, 14, 2)."""
    points = people(count, seed=1)
    labelled = np.ones((count, 14))
    for picture, joint in unlabelled:
        at = ORDER.index(joint)
        labelled[picture, at], points[picture, at] = 0, 0
    joints = np.concatenate([points, labelled[..., None]], axis=-1).transpose(1, 2, 0)
    _save(folder, joints, [f"im{number:05d}.jpg" for number in (1, 2)])
    return points


def _save(folder, joints, pictures):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / "joints.mat", {"joints": joints}, do_compression=True)
    for name in pictures:
        (folder / "images" / name).write_bytes(b"\xff\xd8\xff\xd9")
