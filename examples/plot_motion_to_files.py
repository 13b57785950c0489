r"""
One motion, many files
======================

A lifted motion is written for an animator, for a biomechanist, for a statistician and for a
browser. Each file is read back here by nothing but NumPy and the standard library, to see what is
in it: frames, units, axes, and what is *not* known.
"""

# %%
# A motion
# --------
#
# A made-up walk, lifted with the weights that ship (:doc:`/auto_examples/plot_keypoints_to_motion`
# has the same in small steps).

import numpy as np

import posenet3d as p3d
from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion

walk = synthetic_motion(clips=1, seconds=2.0, seed=2, activities=["walk"])
seen = next(iter(film(walk, "cmu14-wild").sequences.values()))
lifted = p3d.Estimator.from_pretrained().predict(seen, height_m=1.75)
print(lifted)

# %%
# As a picture
# ------------
#
# Four moments from left to right. Nothing but ``save`` is needed for this.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

folder = Path(tempfile.mkdtemp())
lifted.save(folder / "walk.png", moments=4)
sheet = plt.imread(folder / "walk.png")
figure = plt.figure(figsize=(sheet.shape[1] / 160, sheet.shape[0] / 160))
axes = figure.add_axes((0, 0, 1, 1))
axes.imshow(sheet)
_ = axes.axis("off")

# %%
# For an animator
# ---------------
#
# GLB has the mesh, its skeleton and the motion in one file, and says what the numbers mean; BVH has
# the skeleton and the motion, and no place to say anything.

import json
import struct

lifted.save(folder / "walk.glb")
lifted.save(folder / "walk.bvh")
content = (folder / "walk.glb").read_bytes()
document = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])
for name, fact in document["asset"]["extras"].items():
    print(f"{name}: {str(fact)[:90]}")
print(*(folder / "walk.bvh").read_text().splitlines()[:5], sep="\n")

# %%
# For measuring
# -------------
#
# TRC is what OpenSim reads, CSV everything else: a row a joint and frame, and ``#`` lines that say
# axes, scale, and where the vertical comes from.

lifted.save(folder / "walk.trc", unit="mm")
lifted.save(folder / "walk.csv")
print(*(folder / "walk.trc").read_text().splitlines()[1:3], sep="\n")
print(*(folder / "walk.csv").read_text().splitlines()[:5], "...", sep="\n")

# %%
# How far do the knees bend? Angles need neither scale nor gravity nor a floor, which one camera
# does not see. Pale: the truth, which is known here, as the walk is made up.

import csv

from posenet3d.skeletons import LSP_14


def knee(joints: np.ndarray, side: str) -> np.ndarray:
    """Degrees from straight."""
    hip, bend, ankle = LSP_14.indices(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    thigh, shank = joints[:, bend] - joints[:, hip], joints[:, ankle] - joints[:, bend]
    lengths = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shank, axis=-1)
    return np.degrees(np.arccos((thigh * shank).sum(-1) / lengths))


lines = (folder / "walk.csv").read_text().splitlines()
rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
joints = np.array([[float(row[axis]) for axis in ("x_m", "y_m", "z_m")] for row in rows])
joints = joints.reshape(-1, 14, 3)
seconds = [float(row["time_s"]) for row in rows[::14]]

figure, axes = plt.subplots(figsize=(7, 2.8))
for side, colour in (("left", "#0072B2"), ("right", "#D55E00")):
    axes.plot(seconds, knee(walk[0].joints, side), color=colour, alpha=0.25, linewidth=5)
    axes.plot(seconds, knee(joints, side), color=colour, label=f"{side} knee")
axes.set(xlabel="s", ylabel="bent by (degrees)", ylim=(0, 90))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, loc="upper center", ncols=2)
figure.tight_layout()

# %%
# For later
# ---------
#
# ``.npz`` holds everything, exactly, and is what ``posenet3d export`` and ``posenet3d view`` start
# from. It is an AMASS file besides, so the SMPL-X add-on for Blender takes it.

from posenet3d.reconstruction import load_reconstruction

lifted.save(folder / "walk.npz")
again = load_reconstruction(folder / "walk.npz")
print(again, bool((again.joints3d == lifted.joints3d).all()))
with np.load(folder / "walk.npz") as arrays:
    print(arrays["poses"].shape, float(arrays["mocap_frame_rate"]), str(arrays["amass_note"])[:60])

# %%
# And how large they are:

for path in sorted(folder.iterdir()):
    print(f"{path.name:9s} {path.stat().st_size / 1000:6.0f} kB")
