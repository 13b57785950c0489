r"""
Random reprojection as the discriminator sees it
================================================

The teacher lifts a window of 2D skeletons, turns the result about its root by a random rotation
:math:`Q`, and projects it again (Eq. 1 of PoseNet3D):

.. math::

   Y = Q\,(X - X_r) + (0, 0, c)^\top, \qquad y = (Y_x / Y_z,\; Y_y / Y_z).

The discriminator is shown :math:`y` beside real 2D, and says which is which. So everything hangs on
the *views* that are drawn: if they show a correctly lifted body as no camera ever would, the
discriminator punishes the correct answer. This page takes the true 3D skeleton, so that nothing is
wrong but the views, and looks at it through two ways of drawing them.
"""

# %%
# One window, as a camera saw it
# ------------------------------
#
# Nine frames of someone walking, true 3D, in the frame of a camera which looks down by 12.7° as
# Human3.6M's cameras do on average. The unit is the head-to-root length; the root is the middle of
# the hips.

import math

import numpy as np
import torch

from posenet3d.data import Camera
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.evaluation.sequences import camera_frame
from posenet3d.geometry import rotation_about_x, rotation_about_y
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips

PITCH = math.radians(12.7)
FRAMES, EVERY = 9, 3


def level_camera(azimuth: float) -> torch.Tensor:
    """World (z up) to the frame of a level camera (x right, y down, z forward)."""
    level = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return rotation_about_y(torch.tensor(azimuth)) @ level


def skeleton_in_camera(azimuth: float, clip) -> torch.Tensor:
    """Nine frames of a clip in a camera that looks down on it: (9, 14, 3), hips at the origin."""
    turn = rotation_about_x(torch.tensor(PITCH)) @ level_camera(azimuth)
    extrinsics = np.concatenate([turn.numpy(), np.array([[0.0], [0.0], [5.0]])], axis=1)
    joints = camera_frame(clip, Camera(extrinsics, focal=2.3))[40 : 40 + EVERY * FRAMES : EVERY]
    centred = centre_on_hips(torch.tensor(joints).float())
    return centred / centred[:, LSP_14.index("head_top")].norm(dim=-1).mean()


walk = synthetic_motion(clips=1, seconds=2.0, seed=4, activities=["walk"])[0]
window = skeleton_in_camera(math.radians(30), walk)
print(window.shape)

# %%
# Two ways to turn it
# -------------------
#
# ``uniform``, the paper's: an azimuth about the *camera's* y axis, then some elevation.
# ``gravity``: an azimuth about the *vertical of the world*, which in the frame of a camera pitched
# by :math:`\theta` points along :math:`(0, -\cos\theta, -\sin\theta)`: level the camera, turn,
# pitch it again. Elevation is left at zero for now, so that only the axis differs.

from posenet3d.geometry import reproject
from posenet3d.views import turn_about_gravity

azimuths = torch.tensor([0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0])
about_camera = rotation_about_y(torch.deg2rad(azimuths))
about_gravity = turn_about_gravity(
    torch.tensor(PITCH), torch.deg2rad(azimuths), torch.zeros(len(azimuths))
)


def seen(rotations: torch.Tensor) -> torch.Tensor:
    """The 2D windows after each rotation, one rotation a window (views, 9, 14, 2)."""
    windows = window.expand(len(rotations), -1, -1, -1)
    _, image = reproject(windows, middle_of_hips(windows), rotations[:, None])
    return centre_on_hips(image)


import matplotlib.pyplot as plt

from posenet3d.visualization.figures import BLUE, GREEN, INK, VERMILION
from posenet3d.visualization.stick_figures import SIDE_COLOURS, side_of_bone

UP = torch.tensor([0.0, -math.cos(PITCH), -math.sin(PITCH)])


def draw_window(axes, image: torch.Tensor) -> None:
    """Nine frames over each other, the last one strongest: what the discriminator is shown."""
    for number, frame in enumerate(image):
        last = number == len(image) - 1
        for bone in LSP_14.bones:
            ends = frame[list(bone)]
            colour = SIDE_COLOURS[side_of_bone(LSP_14, bone)]
            axes.plot(ends[:, 0], ends[:, 1], color=colour, alpha=1.0 if last else 0.13,
                      linewidth=1.8, solid_capstyle="round")  # fmt: skip
    axes.set(xlim=(-0.1, 0.1), ylim=(0.15, -0.15), aspect="equal")
    axes.axis("off")


def draw_up(axes, rotation: torch.Tensor) -> None:
    """The world's vertical as this view shows it, dashed, and the picture's own in grey."""
    up = rotation @ UP
    axes.plot([0, 0], [0.14, -0.14], color="#DDDDDD", linewidth=1, zorder=0)
    along = torch.stack([-0.14 * up, 0.14 * up])
    axes.plot(along[:, 0], along[:, 1], color=GREEN, linewidth=1.2, linestyle=(0, (4, 2)), zorder=0)


def compare(rows: dict[str, torch.Tensor], titles: list[str]) -> None:
    """A row a way of turning, a column a view."""
    figure, grid = plt.subplots(len(rows), len(titles), figsize=(9.2, 2.1 * len(rows) + 0.3))
    for axes_row, (name, rotations) in zip(grid, rows.items(), strict=True):
        for axes, rotation, image in zip(axes_row, rotations, seen(rotations), strict=True):
            draw_up(axes, rotation)
            draw_window(axes, image)
        axes_row[0].text(-0.115, 0, name, rotation=90, ha="right", va="center", color=INK)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=10, color=INK)
    figure.subplots_adjust(0.05, 0.01, 0.99, 0.92, wspace=0.02, hspace=0.02)


compare(
    {"uniform": about_camera, "gravity": about_gravity},
    [f"{int(azimuth)}°" for azimuth in azimuths],
)

# %%
# The dashed line is the vertical of the world as each view shows it. Turned about the camera's axis
# the walker **leans**: to the left at 90°, to the right at 270°, and at 180° away from the upright
# in depth, as if the camera looked up from the floor. Turned about gravity the walker stays
# upright, and every one of these pictures could have been taken by a camera of the same rig.
#
# How much it leans
# -----------------
#
# The lean in the picture is at most :math:`\theta`; in space, between the true vertical and the
# turned one, it grows up to :math:`2\theta = 25.4^\circ`, at half a turn.


def lean_in_picture(rotations: torch.Tensor) -> torch.Tensor:
    """The angle between the vertical as a view shows it and the picture's own, degrees."""
    up = rotations @ UP
    return torch.rad2deg(torch.atan2(up[:, 0], -up[:, 1]))


def tilt_in_space(rotations: torch.Tensor) -> torch.Tensor:
    """The angle between the vertical after the turn and before it, degrees."""
    return torch.rad2deg(torch.acos((rotations @ UP @ UP).clamp(-1, 1)))


turns = torch.linspace(-180, 180, 181)
camera_turns = rotation_about_y(torch.deg2rad(turns))
gravity_turns = turn_about_gravity(torch.tensor(PITCH), torch.deg2rad(turns), torch.zeros(181))

figure, panels = plt.subplots(1, 2, figsize=(9, 3), sharex=True, sharey=True)
for axes, measure in zip(panels, (lean_in_picture, tilt_in_space), strict=True):
    axes.plot(turns, measure(camera_turns), color=VERMILION, label="uniform")
    axes.plot(turns, measure(gravity_turns), color=BLUE, label="gravity")
    axes.set(xlabel="azimuth of the drawn view (degrees)", xticks=range(-180, 181, 90))
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set(title="lean in the picture", ylabel="degrees")
panels[1].set(title="tilt in space")
panels[0].legend(frameon=False)
figure.tight_layout()

# %%
# As the samplers draw them
# -------------------------
#
# With their random elevations (±20° and ±3°), one rotation a window. This is what the discriminator
# is given, with a true body inside. It compares these with real 2D, in which people stand on
# floors.

from posenet3d.views import GravityViews, UniformViews

torch.manual_seed(1)
compare(
    {"uniform": UniformViews()(7), "gravity": GravityViews(pitch_degrees=12.7)(7)},
    [f"draw {number}" for number in range(1, 8)],
)

# %%
# What follows from it
# --------------------
#
# * With ``uniform`` a perfect lifter is caught now and then for a lean that the *drawing* put
#   there. It can hide some of that by bending the depth it predicts. In trials on real motion
#   capture (256 channels, 300 to 500 steps, flat: 126 mm) ``gravity`` with the true pitch came to
#   92 mm; of five runs with ``uniform`` four learnt the depth mirror, and the fifth came to 107 mm.
# * The pitch need not be known. ``learned`` starts at 0° and lets the game find it:
#   :doc:`/auto_examples/plot_depth_appears` watches that happen.
# * The preset ``paper`` keeps ``uniform``, because the paper has it; ``quick`` takes ``learned``.
#
# The view samplers are plug-ins (:doc:`/plugins`): a class of a few lines can draw yours.
