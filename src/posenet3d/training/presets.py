"""The presets: the paper's four stages (Sect. 3.5) with the paper's numbers, and smaller ones."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from posenet3d.errors import UnknownNameError

TEACHER_PARTS = ("backbone", "teacher", "views")
"""What stage 1 trains: the paper's backbone and teacher branch, and a view sampler that learns."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


def four_stages(
    *,
    lengths: Mapping[str, Mapping[str, Any]],
    teacher_weights: tuple[float, float, float] = (2.0, 1.0, 2.0),
    student_weights: tuple[float, float] = (30.0, 10.0),
    student_in_joint: float = 2.0,
    teacher_settings: Mapping[str, Any] = NOTHING,
    distillation_settings: Mapping[str, Any] = NOTHING,
    sja_settings: Mapping[str, Any] = NOTHING,
    joint_settings: Mapping[str, Any] = NOTHING,
) -> list[dict[str, Any]]:
    """The four stages of Sect. 3.5 as plain values.

    Args:
        lengths: ``steps`` or ``epochs`` of each stage by name.
        teacher_weights: weights of L_mss, L_tc and L_bl.
        student_weights: lambda_R and lambda_beta of L_S.
        student_in_joint: lambda_S, the weight of L_S in the last stage.
        teacher_settings: further fields of the first stage.
        distillation_settings: of the second.
        sja_settings: of the third.
        joint_settings: of the last.

    Returns:
        Values for :class:`~posenet3d.training.StageConfig`.
    """
    mss, tc, bl = teacher_weights
    on_teacher = {
        "self_supervision": mss,
        "temporal_consistency": tc,
        "bone_length": bl,
        "teacher_adversarial": 1.0,
    }
    on_student = dict(
        zip(
            ("knowledge_distillation", "pose_regularizer", "shape_regularizer"),
            (1.0, *student_weights),
            strict=True,
        )
    )
    in_joint = {name: student_in_joint * weight for name, weight in on_student.items()}
    stages: list[dict[str, Any]] = [
        {
            "name": "teacher",
            "train": TEACHER_PARTS,
            "losses": on_teacher,
            "discriminators": {"discriminator": ("teacher",)},
            "mirror_guard": True,
            **teacher_settings,
        },
        {
            "name": "distillation",
            "train": ("student",),
            "losses": on_student,
            "measure_scale": True,
            **distillation_settings,
        },
        {
            "name": "sja",
            "train": ("student", "joint_regressor"),
            "losses": on_student,
            **sja_settings,
        },
        {
            "name": "joint",
            "train": (*TEACHER_PARTS, "student", "joint_regressor"),
            "losses": {**on_teacher, **in_joint, "student_adversarial": 1.0},
            "discriminators": {"discriminator": ("teacher", "student")},
            "balance_distillation": True,
            **joint_settings,
        },
    ]
    return [{**stage, **lengths[stage["name"]]} for stage in stages]


def paper() -> dict[str, Any]:
    """The paper's numbers (Sect. 4.1), for a GPU; what it leaves open is stated.

    Views are drawn uniformly about the camera's axes, and no guard watches for the depth mirror:
    the paper has neither gravity nor anatomy. 150 epochs are taken as for each stage.
    """
    epochs = {"epochs": 150}
    return {
        "name": "paper",
        "batch_size": 6000,
        "mirror_guard": {"enabled": False},
        "adversarial": {"form": "standard", "every": 1, "max_accuracy": 1.0},
        "stages": four_stages(
            lengths=dict.fromkeys(("teacher", "distillation", "sja", "joint"), epochs),
        ),
    }


def quick() -> dict[str, Any]:
    """Small widths and few steps: minutes on two CPU cores, the right way round.

    Beside the sizes it differs from ``paper`` in what converged in so few steps on held-out
    training subjects. Most of it was tried with one seed and several changes at a time, so the
    whole was chosen rather than each part:

    * learnt views with the anatomical guard, and no dropout;
    * a tenth of the weight on the teacher's consistency losses: they sum over nine frames, the
      game does not;
    * the discriminator's input brought to unit size, and Adam with a first moment of 0.5;
    * the body's head top at the crown, and a hundred times the weight on the shape: with the
      paper's the shape grew to fifteen standard deviations to reach the teacher's head;
    * ten times the weight on the pose: joints that no landmark holds turn less. (200
      cost nothing, 1000 cost 2 mm; 300 itself was not tried alone.)
    """
    small = {"name": "temporal", "options": {"channels": 256, "dropout": 0.0}}
    moments = (0.5, 0.9)
    return {
        "name": "quick",
        "batch_size": 256,
        "network": {
            "backbone": small,
            "teacher": {"name": "teacher", "options": {"dropout": 0.0}},
            "student": {"name": "student", "options": {"blocks": 2, "dropout": 0.0}},
            "discriminator": {
                "name": "temporal",
                "options": {"channels": 256, "input_gain": 10.0},
            },
            "views": {"name": "learned", "options": {"elevation_degrees": 3.0}},
            "head_top": "vertex",
        },
        "stages": four_stages(
            lengths={
                "teacher": {"steps": 3500},
                "distillation": {"steps": 2000},
                "sja": {"steps": 600},
                "joint": {"steps": 600},
            },
            teacher_weights=(0.2, 0.1, 0.2),
            student_weights=(300.0, 1000.0),
            teacher_settings={
                "optimizer": {"lr": 3e-4, "betas": moments, "decay": 0.3},
                "discriminator_optimizer": {"lr": 4e-4, "betas": moments, "decay": 0.3},
            },
            distillation_settings={
                "batch_size": 128,
                "optimizer": {"lr": 1e-3, "decay": 0.1},
            },
            sja_settings={"batch_size": 128, "optimizer": {"lr": 5e-4, "decay": 0.2}},
            joint_settings={
                "optimizer": {"lr": 3e-4, "betas": moments, "decay": 0.1},
                "discriminator_optimizer": {"lr": 3e-4, "betas": moments, "decay": 0.1},
            },
        ),
    }


def best() -> dict[str, Any]:
    """``quick`` with two additions that lift held-out people better than it does.

    * Bone proportions for the teacher (``bone_proportions``): that people share them settles most
      of what the game leaves open, ``benchmarks/results/teacher_trials.md``. In trials of one seed
      weights from 1 to 5 helped the more the larger they were; at 15 the discriminator won.
    * A student that reads the teacher's skeleton in the trunk's own frame (``canonical``), four
      times the learning rate for SJA: ``benchmarks/results/student_trials.md``.
    """
    values = quick()
    values["network"]["student"] = {"name": "canonical"}
    for stage in values["stages"]:
        if "teacher" in stage["train"]:
            stage["losses"] = {**stage["losses"], "bone_proportions": 5.0}
        if stage["name"] == "sja":
            stage["optimizer"] = {**stage["optimizer"], "lr": 2e-3}
    return {**values, "name": "best"}


def chen2019() -> dict[str, Any]:
    """The single-frame baseline: Chen et al. 2019, "Geometric Self-Supervision".

    One frame (T = 1) goes through a fully connected residual lifter of four blocks of 1024: three
    in the backbone, one in the teacher branch. Two discriminators, of single frames and of the
    difference between two, learn each by its own loss; ``teacher_adversarial`` is the mean over
    both, so its weight of 2 gives each the weight of 1. Self-consistency in 3D and in 2D has the
    weights that the public reimplementation ``lyuheng/unsupervised_3d_pose`` has (0.001 and 10;
    it takes means over joints where the formulas, and this library, have squared norms).

    Data, batch, optimiser, epochs and the standard form of the game are those of ``paper``, so
    that the two differ in the method. Chen et al.'s domain adapter, which takes in 2D from other
    data sets, is left out, as PoseNet3D's comparison leaves it out. There is no student.
    """
    judges = {"name": "frame_and_difference", "options": {"blocks": 3}}
    return {
        "name": "chen2019",
        "batch_size": 6000,
        "network": {
            "frames": 1,
            "backbone": {"name": "fully_connected", "options": {"blocks": 3}},
            "discriminator": judges,
            "views": {"name": "uniform", "options": {"elevation_degrees": 20.0}},
        },
        "mirror_guard": {"enabled": False},
        "adversarial": {"form": "standard", "every": 1, "max_accuracy": 1.0},
        "stages": [
            {
                "name": "teacher",
                "epochs": 150,
                "train": TEACHER_PARTS,
                "losses": {
                    "self_supervision": 0.001,
                    "cycle_2d": 10.0,
                    "teacher_adversarial": 2.0,
                },
                "discriminators": {"discriminator": ("teacher",)},
                "mirror_guard": True,
            }
        ],
    }


def reprojection_only() -> dict[str, Any]:
    """Baseline 1 of the paper's Table 4: the student alone, from the 2D error of its image.

    No teacher and no discriminator: backbone and student minimise the squared 2D distance between
    the input and the projection of their skeletons, roots at depth c, beside the regularisers with
    the paper's weights. The teacher branch is never trained: of what ``lift`` gives, only
    ``student`` means something. One head-to-root unit is the resting body's own.
    """
    return {
        "name": "reprojection_only",
        "batch_size": 6000,
        "mirror_guard": {"enabled": False},
        "stages": [
            _by_reprojection(
                "student", ("backbone", "student"), measure_scale=True, scale_from="body"
            )
        ],
    }


def reprojection_only_sja() -> dict[str, Any]:
    """Baseline 2 of the paper's Table 4: ``reprojection_only``, then a stage with SJA on top."""
    first, *_ = reprojection_only()["stages"]
    with_sja = _by_reprojection("sja", ("backbone", "student", "joint_regressor"))
    return {**reprojection_only(), "name": "reprojection_only_sja", "stages": [first, with_sja]}


def _by_reprojection(name: str, parts: tuple[str, ...], **settings: Any) -> dict[str, Any]:
    """A stage of the reprojection baselines as plain values."""
    losses = {"student_reprojection": 1.0, "pose_regularizer": 30.0, "shape_regularizer": 10.0}
    return {"name": name, "epochs": 150, "train": parts, "losses": losses, **settings}


def detected() -> dict[str, Any]:
    """Trained weights taught to answer for a detector's 2D as they answer for exact 2D.

    One stage (``denoising``) from ``best-wild``, or other weights of exact 2D. Most windows are
    spoilt by the model of a detector's errors (:mod:`posenet3d.data.detector_noise`), in some
    joints are hidden throughout; what is asked for is the skeleton that the lifter gave the exact
    windows before. So the network is told which joints are missing, with a guess for each, and its
    head moves joints that are seen, too. The student is left as it is: that of ``best`` reads the
    teacher's skeleton alone. How shares, steps and rate were chosen:
    ``benchmarks/results/denoising.md``.
    """
    return {
        "name": "detected",
        "start_from": "best-wild",
        "batch_size": 256,
        "network": {
            "missing_joints": True,
            "backbone": {"options": {"guess_missing": True}},
            "teacher": {"options": {"moves_joints": True}},
        },
        "validation": {"every": None},
        "stages": [
            {
                "name": "denoising",
                "steps": 6000,
                "train": ("backbone", "teacher"),
                "losses": {"denoising": 1.0},
                "spoilt": {
                    "errors": [
                        {"noise": "gentle", "share": 0.25},
                        {"noise": "openpose", "share": 0.2},
                        {"noise": "openpose", "times": 2.0, "share": 0.1},
                    ],
                    "hidden": 0.35,
                    "most_hidden": 4,
                },
                "optimizer": {"lr": 3e-4, "decay": 0.05, "warmup": 200},
            }
        ],
    }


PRESETS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "paper": paper,
    "quick": quick,
    "best": best,
    "detected": detected,
    "chen2019": chen2019,
    "reprojection_only": reprojection_only,
    "reprojection_only_sja": reprojection_only_sja,
}
"""Every preset by name."""


def preset_values(name: str) -> dict[str, Any]:
    """The plain values of the preset called ``name``.

    Raises:
        UnknownNameError: if there is no such preset; it suggests the nearest.

    Example:
        >>> preset_values("paper")["batch_size"]
        6000
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]()
