r"""
Depth appears while a teacher learns
====================================

A lifter is given nothing but 2D skeletons. Here is one that starts flat, and the depth that appears
in it within some hundred steps, though nobody ever shows it a third coordinate.

The teacher is asked one question again and again: *if you turned your 3D skeleton and looked at it
from elsewhere, would that 2D picture pass for a real one?* A cardboard cut-out does not: turned by
90° it becomes a line. The discriminator, which has seen thousands of real 2D skeletons, notices,
and the only way out is depth.

This is stage 1 of :doc:`/paper_in_code` with everything made small: windows of one frame, 128
channels, synthetic people instead of motion capture.
"""

# %%
# The data: synthetic people, seen by cameras
# -------------------------------------------
#
# Thirty people walk, run, reach, squat and sit for three seconds each. Four cameras film each of
# them, from a little above as real cameras do, and from here on **only what the cameras saw is
# left**: :class:`~posenet3d.data.TrainingSet` has no place for a third coordinate.

from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion

train = film(synthetic_motion(clips=30, seconds=3.0, seed=0), "cmu14")
print(train)

# %%
# Six other people, with their true 3D, are set aside to measure with. Errors are in millimetres,
# after the best similarity of each frame (P-MPJPE, see :doc:`/evaluation`).

import torch

from posenet3d.evaluation import flat_depth, p_mpjpe
from posenet3d.evaluation.sequences import sequences_of

people = synthetic_motion(clips=6, seconds=3.0, seed=1)
test = [view for person in people for view in sequences_of(person, "cmu14")]
seen = torch.cat([torch.tensor(view.points[::10]) for view in test]).float()
truth = torch.cat([torch.tensor(view.truth[::10]) for view in test]).float()

flat_error = float(p_mpjpe(flat_depth(seen), truth).mean())
print(f"{len(seen)} test skeletons; equal depths for all joints: {flat_error:.0f} mm")

# %%
# The teacher stage, made small
# -----------------------------
#
# The preset ``quick`` is plain data, so a smaller run is the same data with a few numbers changed.
# :meth:`Trainer.records <posenet3d.training.Trainer.records>` trains and hands over each line of
# the metrics as it is made; between two lines the network is ours to look at.

from posenet3d.training import Trainer, TrainerConfig


def small_config(*, guard: bool, steps: int) -> TrainerConfig:
    """The teacher stage of ``quick`` with one frame and 128 channels."""
    config = TrainerConfig.preset("quick", seed=6, batch_size=256, log_every=10).override(
        {
            "network.frames": 1,
            "network.backbone.options.channels": 128,
            "network.discriminator.options.channels": 128,
            "stages.teacher.steps": steps,
            "stages.teacher.optimizer": {"lr": 3e-4, "betas": (0.5, 0.9)},
            "stages.teacher.discriminator_optimizer": {"lr": 4e-4, "betas": (0.5, 0.9)},
            "mirror_guard.enabled": guard,
        }
    )
    return config.model_copy(update={"name": "tiny", "stages": config.stages[:1]})


def train_and_watch(config: TrainerConfig) -> tuple[Trainer, dict[str, list[float]], dict]:
    """Train; at each record keep the test error, the evidence, the pitch and the skeletons."""
    trainer = Trainer(config, train_data=train, progress=False)
    curves: dict[str, list[float]] = {"step": [], "error": [], "evidence": [], "pitch": []}
    lifted = {0: trainer.model.lift(seen[:, None])["teacher"][:, 0]}
    for record in trainer.records():
        if "mirror_evidence" not in record.values:  # a validation point's figures
            continue
        lifted[record.step] = trainer.model.lift(seen[:, None])["teacher"][:, 0]
        curves["step"].append(record.step)
        curves["error"].append(float(p_mpjpe(lifted[record.step], truth).mean()))
        curves["evidence"].append(record.values["mirror_evidence"])
        curves["pitch"].append(record.values["camera_pitch_degrees"])
    return trainer, curves, lifted


trainer, curves, lifted = train_and_watch(small_config(guard=True, steps=600))
print(
    f"after {curves['step'][-1]} steps: {curves['error'][-1]:.0f} mm, "
    f"{curves['error'][-1] / flat_error:.2f} of flat"
)

# %%
# From flat to deep
# -----------------
#
# The same three test skeletons from the side, a place where no camera stood; the camera is on the
# left of each picture and looks to the right. Pale: the truth. At step 0 all joints have one depth,
# and the skeleton is a line.

import matplotlib.pyplot as plt

from posenet3d.evaluation.metrics import frame_scaled
from posenet3d.skeletons import LSP_14
from posenet3d.visualization.figures import BLUE, GREEN, GREY, INK, PALE, PURPLE
from posenet3d.visualization.stick_figures import SIDE_COLOURS, side_of_bone


def draw_side(axes, skeleton, *, pale: bool = False) -> None:
    """A skeleton from the side: depth runs to the right, the picture's y axis downwards."""
    for bone in LSP_14.bones:
        ends = skeleton[list(bone)]
        colour = "#CFCFCF" if pale else SIDE_COLOURS[side_of_bone(LSP_14, bone)]
        axes.plot(ends[:, 2], ends[:, 1], color=colour, linewidth=6 if pale else 2,
                  solid_capstyle="round", zorder=1 if pale else 2)  # fmt: skip


def side_views(lifted: dict, steps: list[int], chosen: list[int]) -> None:
    """A row a skeleton, a column a step; predictions scaled to the truth, never turned."""
    figure, grid = plt.subplots(len(chosen), len(steps), figsize=(9, 2.3 * len(chosen)))
    for row, person in zip(grid, chosen, strict=True):
        for axes, step in zip(row, steps, strict=True):
            answer, true = frame_scaled(lifted[step][person], truth[person])
            draw_side(axes, true, pale=True)
            draw_side(axes, answer)
            axes.set(xlim=(-720, 720), ylim=(950, -850), aspect="equal")
            axes.axis("off")
    for axes, step in zip(grid[0], steps, strict=True):
        axes.set_title(f"step {step}", fontsize=11, color=INK)
    figure.tight_layout()


guarded = trainer.report().mirror_turns
side_views(lifted, [0, 20, 50, 100, 600], [40, 200, 320])

# %%
# The bit that 2D cannot hold
# ---------------------------
#
# Turn a skeleton inside out along the line of sight (negate its depth) and it shows, from a distant
# camera, the same set of 2D views. No discriminator can tell the two apart, so which one a lifter
# learns is a toss of a coin at the start. What settles it is anatomy: **knees bend forwards, elbows
# backwards**. The *evidence* is how far the knees are bent forwards, less how far the elbows are,
# on average over the batches: positive for the right way round.
#
# The :class:`~posenet3d.training.MirrorGuardConfig` guard looks at it from step 60 on, and turns
# the lifter round (it negates the output layer) where the evidence is negative. The same run, same
# seed, without the guard:

_, unguarded, lifted_unguarded = train_and_watch(small_config(guard=False, steps=200))
print(f"the guard turned the lifter round {guarded} time(s)")
print(f"at the end: {curves['error'][-1]:.0f} mm with it, {unguarded['error'][-1]:.0f} mm without")

figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(8, 7), sharex=True)
top.plot(curves["step"], curves["error"], color=BLUE, label="with the guard")
top.plot(unguarded["step"], unguarded["error"], color=PURPLE, label="without it")
top.axhline(flat_error, color=GREY, linestyle=(0, (4, 3)))
top.text(600, flat_error + 3, "flat: all joints at one depth", color=GREY, ha="right", fontsize=9)
top.set_ylabel("P-MPJPE on test people (mm)")
top.legend(frameon=False, loc="upper right")
middle.plot(curves["step"], curves["evidence"], color=BLUE)
middle.plot(unguarded["step"], unguarded["evidence"], color=PURPLE)
middle.axhline(0, color=GREY, linewidth=0.8)
middle.axvline(60, color=PALE, linewidth=6, zorder=0)
middle.text(66, -0.3, "the guard's first look", color=GREY, fontsize=9)
middle.set_ylabel("evidence of anatomy\n(head-to-root lengths)")
bottom.plot(curves["step"], curves["pitch"], color=GREEN, label="learnt, with the guard")
bottom.plot(unguarded["step"], unguarded["pitch"], color=PURPLE, label="learnt, without it")
bottom.axhline(12.7, color=GREY, linestyle=(0, (4, 3)))
bottom.text(600, 14.2, "the cameras' mean pitch, 12.7°", color=GREY, ha="right", fontsize=9)
bottom.set(xlabel="step", ylabel="camera pitch (degrees)", xlim=(0, 600))
bottom.legend(frameon=False, loc="lower right")
for axes in (top, middle, bottom):
    axes.spines[["top", "right"]].set_visible(False)
figure.align_ylabels()
figure.tight_layout()

# %%
# The error need not fall evenly. On its way the depth may overshoot for a while, front and back too
# far apart but the right way round, until the discriminator has learnt to notice.
#
# The lowest panel is a by-product. The preset ``quick`` does not know how far the cameras look
# down; it *learns* that angle, because only turns about the true vertical make a body look like
# other bodies (:doc:`/auto_examples/plot_random_reprojection`). A mirrored lifter finds the angle
# with the opposite sign.
#
# What a mirrored teacher believes, from the side, at the last step without the guard. From the
# front it is as good as the other one:

side_views(lifted_unguarded, [0, 20, 50, 100, 200], [40, 200, 320])

# %%
# What to take home
# -----------------
#
# * 2D alone teaches depth, if someone asks how the skeleton looks from elsewhere.
# * 2D alone leaves one bit open, and a lifter in the wrong half is worse than flat. Figures that
#   forgive reflections hide it; :func:`~posenet3d.evaluation.p_mpjpe` does not forgive them unless
#   told to.
# * Some hundred steps on synthetic people are a toy. ``posenet3d train --preset quick`` goes on
#   from here: nine frames, the student, its body: see :doc:`/start`.
