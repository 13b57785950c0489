r"""
Semantic joint adaptation moves a hip
=====================================

A body model's hip lies deep in the pelvis; annotators mark it nearer to the skin. A student whose
joints cannot move twists the body to close the gap. *Semantic joint adaptation* (SJA, Sect. 3.3.1
of PoseNet3D) learns the joints instead. The paper tries two ways:

.. math::

   J' = A J + b \quad \text{(linear, Eq. 6)}, \qquad
   J' = W' V, \;\; W' \ge 0, \;\; W' \mathbf{1} = \mathbf{1} \quad \text{(convex)}.

This page plants the hips of the mannequin 5 cm outwards and lets both learn where they are.
"""

# %%
# Annotated hips, 5 cm from the body's own
# ----------------------------------------
#
# Sixteen poses for learning. Everybody faces the camera, more or less, as people in a data set do.

# sphinx_gallery_thumbnail_number = 3
import numpy as np
import torch

from posenet3d.body import ConvexJointRegressor, LinearJointRegressor, load_body_model
from posenet3d.geometry import rotation_about_y, rotvec_to_rotmat, winding_number

body = load_body_model("mannequin")
HIPS = (body.joint_names.index("left_hip"), body.joint_names.index("right_hip"))
OUTWARDS = torch.tensor([[0.05, 0.0, 0.0], [-0.05, 0.0, 0.0]])


def poses(count: int, azimuth: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random shapes and poses, turned by up to ``azimuth`` to either side."""
    generator = torch.Generator().manual_seed(seed)
    rotations = rotvec_to_rotmat(0.2 * torch.randn(count, 24, 3, generator=generator))
    turns = azimuth * (2 * torch.rand(count, generator=generator) - 1)
    facing = rotation_about_y(turns)[:, None] @ rotations[:, :1]
    betas = 0.5 * torch.randn(count, 10, generator=generator)
    return betas, torch.cat([facing, rotations[:, 1:]], 1)


def annotated(betas: torch.Tensor, rotations: torch.Tensor) -> torch.Tensor:
    """The hips 5 cm outwards of the body's, in the frame of the pelvis."""
    own = body.regress(betas, rotations, body.joint_regressor[list(HIPS)])
    return own + OUTWARDS @ rotations[:, 0].mT


train = poses(16, azimuth=0.5, seed=0)
alike, turned = poses(16, azimuth=0.5, seed=1), poses(16, azimuth=torch.pi, seed=2)

# %%
# Both learn
# ----------
#
# No mesh is made here: ``regress`` computes the joints of any linear regressor from a small table
# (:doc:`/bodies`), which is why this takes seconds.

target = annotated(*train)


def learn(regressor, steps: int = 200):
    """Trains a regressor's hips, and gives its mean distance to the annotations after each step."""
    optimizer, misses = torch.optim.Adam(regressor.parameters(), lr=1e-2), []
    for _ in range(steps):
        optimizer.zero_grad()
        apart = regressor.joints(body, *train, HIPS) - target
        apart.square().sum(-1).mean().backward()
        optimizer.step()
        misses.append(1e3 * apart.detach().norm(dim=-1).mean())
    return misses


convex = ConvexJointRegressor(body.joint_regressor)
linear = LinearJointRegressor(body.joint_regressor)
curves = {"linear": learn(linear), "convex": learn(convex)}
regressors = {"linear": linear, "convex": convex}

import matplotlib.pyplot as plt

from posenet3d.visualization.figures import BLUE, VERMILION

figure, axes = plt.subplots(figsize=(5.5, 2.6))
for (name, misses), colour in zip(curves.items(), (VERMILION, BLUE), strict=True):
    axes.plot(misses, color=colour, label=name)
axes.set(xlabel="step", ylabel="mm from the annotated hips", ylim=(0, None))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure.tight_layout()

# %%
# Both overshoot at first, as the rate is high. Linear wins, on the poses it learnt from. A convex
# combination cannot follow the annotation to the last millimetre, because skin near the hip moves
# with two bones.
#
# Other poses tell them apart
# ---------------------------


@torch.no_grad()
def verdict(name: str, case: tuple[torch.Tensor, torch.Tensor]) -> str:
    """The mean distance to the annotated hips, and how many hips are outside the body."""
    joints, meshes = regressors[name].joints(body, *case, HIPS), body.vertices(*case)
    apart = 1e3 * (joints - annotated(*case)).norm(dim=-1).mean()
    pairs = zip(joints, meshes, strict=True)
    numbers = torch.stack([winding_number(hips, mesh, body.faces) for hips, mesh in pairs])
    return f"{apart:4.0f} mm, {int((numbers < 0.5).sum())} of {numbers.numel()} outside"


for title, case in {"learnt": train, "alike": alike, "turned": turned}.items():
    print(f"{title:7s}", *(f"{name}: {verdict(name, case)};" for name in regressors))

# %%
# ``J' = A J + b`` knows the camera's axes and not the body's: someone who turns round takes the
# hips along, the shift stays. And nothing ties A to the body at all, so that it fits sixteen poses
# by heart. That is the paper's Fig. 2. Weights on the skin turn with the skin.

from posenet3d.visualization.bodies import draw_joints, inside_mesh
from posenet3d.visualization.mesh_drawing import FRONT, LEFT, draw_mesh, frame_points

FACES = body.faces.numpy()


@torch.no_grad()
def strayed(name: str) -> torch.Tensor:
    """How many joints of each turned pose are outside the body."""
    pairs = zip(regressors[name].joints(body, *turned), body.vertices(*turned), strict=True)
    return torch.stack([(winding_number(j, v, body.faces) < 0.5).sum() for j, v in pairs])


worst = int(strayed("linear").argmax())
mesh = body.vertices(turned[0][worst], turned[1][worst]).numpy()
middle, reach = 0.5 * (mesh.max(0) + mesh.min(0)), 0.5 * (mesh.max(0) - mesh.min(0)).max()
window = np.stack([middle - reach, middle + reach])
figure, panels = plt.subplots(1, 4, figsize=(9.2, 2.7))
for pair, name in zip(panels.reshape(2, 2), regressors, strict=True):
    with torch.no_grad():
        joints = regressors[name].joints(body, *turned)[worst].numpy()
    for axes, view, side in zip(pair, (FRONT, LEFT), ("", ", a quarter turn on"), strict=True):
        draw_mesh(axes, mesh, FACES, view)
        draw_joints(axes, joints, ~inside_mesh(joints, mesh, FACES), view)
        frame_points(axes, window, view)
        axes.set_title(f"{name}{side}", fontsize=9)
figure.tight_layout()

# %%
# Where the weights went
# ----------------------
#
# The paper's Fig. 3: from around the joint towards the surface on the outside, to vertices which
# had no weight before. :func:`posenet3d.visualization.regressor_weights` writes it to a file.

import tempfile
from pathlib import Path

from posenet3d.visualization import regressor_weights

left_hip = HIPS[0]
rows = {
    "before": body.joint_regressor[left_hip].numpy(),
    "after SJA": convex.weight[left_hip].detach().numpy(),
}
picture = Path(tempfile.mkdtemp()) / "weights.png"
regressor_weights(body.template.numpy(), FACES, rows, picture)
figure = plt.figure(figsize=(7, 4.7))
axes = figure.add_axes((0, 0, 1, 1))
axes.imshow(plt.imread(picture))
axes.axis("off")

gained = rows["after SJA"][rows["before"] == 0].sum()
print(
    f"weight on vertices that had none: {gained:.0%}; sum of the row: {rows['after SJA'].sum():.6f}"
)

# %%
# In training
# -----------
#
# ``convex`` is the default; ``network.joint_regressor.name="linear"`` (or ``"fixed"``) makes the
# ablations of the paper.
