r"""
From a detector's keypoints to motion
=====================================

The way that your own footage takes: keypoints with errors and gaps are read, repaired, lifted with
the pretrained weights, and looked at from two sides. Here the footage is synthetic, so that the
truth is known and every step can be measured.
"""

# %%
# Synthetic footage
# -----------------
#
# Somebody squats for four seconds. A camera looks down on the scene by 12° from 4.5 m away.

import numpy as np

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.keypoints import KeypointSequence

clip = synthetic_motion(clips=1, seconds=4.0, seed=0, activities=["squat"])[0]

pitch, focal, size = np.radians(12.0), 1600.0, (1920, 1080)
right = np.array([-1.0, 0.0, 0.0])  # the world is z up
forward = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
axes_of_camera = np.stack([right, np.cross(forward, right), forward])  # x right, y down, z forward
place = clip.joints.mean((0, 1)) - 4.5 * forward
truth = (clip.joints - place) @ axes_of_camera.T
pixels = focal * truth[..., :2] / truth[..., 2:] + np.array(size) / 2
exact = KeypointSequence(pixels, layout="lsp_14", fps=clip.fps, image_size=size, source="squat")
print(exact)

# %%
# A detector's errors
# -------------------
#
# :func:`posenet3d.data.corrupt` has the errors of detectors: joints tremble, wander, are somewhere
# else or missing, limbs are exchanged; ``gentle`` is a detector tuned to its footage. The result
# goes through a file, as yours would.

import tempfile
from pathlib import Path

import posenet3d as p3d
from posenet3d.data import corrupt
from posenet3d.keypoints import write_csv

file = Path(tempfile.mkdtemp()) / "squat.csv"
write_csv(file, corrupt(exact, "gentle", seed=3))
seen = p3d.load_keypoints(file)
missing = np.isnan(seen.points[..., 0])
print(f"{missing.sum()} of {missing.size} joints are missing")

# %%
# Repair
# ------
#
# Nothing is changed that was not asked for, and each step says what it did
# (:doc:`/gaps_and_noise`).

from posenet3d.keypoints.repair import repair

mended, log = repair(seen, min_confidence=0.2, longest_gap=0.2, smooth="one_euro")
print(log)

# %%
# Lift and measure
# ----------------
#
# Four times: what nobody has, what the detector gave, what the repair made of that, and what a
# detector gives that meets footage of any kind. The error is P-MPJPE against the truth, in
# millimetres (:doc:`/evaluation`); flat depth, of exact 2D, stands beside.

import torch

from posenet3d.evaluation import flat_depth, p_mpjpe

estimator = p3d.Estimator.from_pretrained()
lifted = {
    "exact": estimator.predict(exact),
    "detected": estimator.predict(seen),
    "mended": estimator.predict(mended, invented=log.steps[1].mask),
    "any kind": estimator.predict(corrupt(exact, "openpose", seed=3)),
}


def error(joints: np.ndarray) -> float:
    """The mean P-MPJPE against the truth, mm."""
    return float(p_mpjpe(torch.tensor(1000 * joints).double(), torch.tensor(1000 * truth)).mean())


hips = exact.points[:, list(p3d.layout("lsp_14").indices("right_hip", "left_hip"))].mean(1)
flat = flat_depth(torch.tensor((exact.points - hips[:, None]) / 1000))
for name, each in lifted.items():
    print(f"{name:9s} {error(each.joints3d):5.1f} mm")
print(f"flat      {error(flat.numpy()):5.1f} mm")

# %%
# The 2D decides. The repair changes the error by little: it makes motion calmer and gaps whole, and
# what wanders slowly stays (:doc:`/gaps_and_noise` has figures).

# %%
# Front and side
# --------------
#
# From the front every answer looks right. The side tells: the camera stands on the left there. The
# pale skeleton is the truth, scaled and turned onto the answer as the error is measured.

import matplotlib.pyplot as plt

from posenet3d.evaluation.metrics import aligned
from posenet3d.skeletons import LSP_14
from posenet3d.visualization.stick_figures import draw_sticks

moments = np.linspace(10, len(exact) - 10, 6).astype(int)
answer = lifted["mended"].joints3d
true = aligned(torch.tensor(truth), torch.tensor(answer).double()).numpy()


def sticks(axes, joints: np.ndarray, columns: list[int], alpha: float = 1.0) -> None:
    """A skeleton, seen along one of the camera's axes."""
    draw_sticks(axes, joints[:, columns], LSP_14, width=2.0 if alpha == 1 else 4.0)
    if alpha < 1:
        for line in axes.lines + list(axes.collections):
            line.set(alpha=alpha, color="#9A9A9A")


figure, grid = plt.subplots(3, len(moments), figsize=(9, 6.4))
for column, frame in zip(grid.T, moments, strict=True):
    draw_sticks(column[0], seen.points[frame], LSP_14)
    middle = hips[frame]
    column[0].set(xlim=middle[0] + [-220, 220], ylim=middle[1] + [360, -280])
    for axes, columns in ((column[1], [0, 1]), (column[2], [2, 1])):
        sticks(axes, true[frame], columns, alpha=0.35)
        sticks(axes, answer[frame], columns)
        axes.set(xlim=(-0.55, 0.55), ylim=(0.9, -0.7))
    column[0].set_title(f"{frame / exact.fps:.1f} s", fontsize=10)
    for axes in column:
        axes.set(aspect="equal", xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
for axes, name in zip(grid[:, 0], ("detected 2D", "front", "side"), strict=True):
    axes.set_ylabel(name)
figure.tight_layout()

# %%
# What is known, and what is not
# ------------------------------
#
# The pose is measured above. The size of the person, the distance and the camera's focal length are
# not in 2D; gravity is estimated from how the person keeps their balance. Here we know it:

from posenet3d.inference import up_of_tilt

result = lifted["mended"]
off = np.degrees(np.arccos(np.clip(result.up @ up_of_tilt(pitch_degrees=12.0), -1, 1)))
print(f"up: {result.up_from}, {off:.0f}° off")
print(f"focal length: assumed {result.camera.focal:.0f} pixels, truly {focal:.0f}")
print(f"scale known: {result.metric}")
guesses = result.invented.mean()
print(f"joints whose place in the image is a guess: {guesses:.1%}")

# %%
# From here ``result.save("squat.glb")`` and the like write files for other programs: see
# :doc:`/auto_examples/plot_motion_to_files`.
