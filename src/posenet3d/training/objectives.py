"""The paper's loss table, and what came after it: one line a term, of the forward pass.

These are the built-in plug-ins of ``posenet3d.losses``. A stage names them with their weights;
the formulas are the pure functions of :mod:`posenet3d.losses`.
"""

from collections.abc import Callable

from posenet3d import losses
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.training.forward import Forward
from posenet3d.training.stage import BRANCHES, Branch
from posenet3d.typing import Scalar

Objective = Callable[[Forward], Scalar]
"""A loss as a stage names it."""


def self_supervision(forward: Forward) -> Scalar:
    """L_mss, Eq. 2: the re-lifted skeleton against the turned one."""
    return losses.self_supervision(forward.teacher_turned, forward.relifted)


def cycle_2d(forward: Forward) -> Scalar:
    """L_2D of Chen et al. 2019: the re-lifted skeleton, turned back and projected, against x."""
    return losses.reprojection_error(forward.turned_back, forward.seen(forward.turned_back))


def temporal_consistency(forward: Forward) -> Scalar:
    """L_tc, Eq. 3: common frames of neighbouring windows."""
    return losses.temporal_consistency(forward.teacher_joints, forward.later_teacher_joints)


def bone_length(forward: Forward) -> Scalar:
    """L_bl, Eq. 4: the variance of bone lengths over a window."""
    return losses.bone_length_variance(forward.teacher_joints, forward.model.bones)


def bone_proportions(forward: Forward) -> Scalar:
    """The teacher's bones against the proportions that the batch has in common.

    With several processes each compares with its own share of the batch.
    """
    model = forward.model
    return losses.bone_proportions(forward.teacher_joints, model.bones, model.mirrored_bones)


def teacher_adversarial(forward: Forward) -> Scalar:
    """L_D^T, Eq. 5, for the lifter: its reprojections should pass for real."""
    return forward.settings.form.generator(forward.judge(forward.fakes("teacher")))


def student_adversarial(forward: Forward) -> Scalar:
    """L_D^S, Eq. 5, for the student: its reprojections should pass for real."""
    return forward.settings.form.generator(forward.judge(forward.fakes("student")))


def knowledge_distillation(forward: Forward) -> Scalar:
    """L_KD, Eq. 7: the student's skeleton against the teacher's."""
    distance = losses.knowledge_distillation(
        forward.teacher_in_distillation, forward.student_in_distillation
    )
    return forward.distillation_factor * distance


def student_reprojection(forward: Forward) -> Scalar:
    """The reprojection baselines' loss: the image of the student's skeletons against x.

    In the unit of L_S, by which an image at depth c is as large as what it shows there; so the
    regularisers mean what they mean beside L_KD.
    """
    error = losses.reprojection_error(forward.student_image, forward.seen(forward.student_image))
    return forward.distillation_factor * forward.image_in_distillation.square() * error


def pose_regularizer(forward: Forward) -> Scalar:
    """L_theta, Eq. 8: rotations near the identity."""
    deviation = losses.pose_regularizer(
        forward.student.parameters.rotations, regularize_root=forward.settings.regularize_root
    )
    return forward.distillation_factor * deviation


def shape_regularizer(forward: Forward) -> Scalar:
    """L_beta: a shape near the mean body."""
    return forward.distillation_factor * losses.shape_regularizer(forward.student.parameters.betas)


def denoising(forward: Forward) -> Scalar:
    """The teacher's skeletons of spoilt windows against those that it gave the exact ones.

    The teacher as it was when the stage began; a stage that names this has ``spoilt`` windows.
    Joints that are missing in the exact windows do not count.
    """
    return losses.joint_distance(
        centre_on_hips(forward.teacher_joints), forward.wanted_joints, forward.known_joints
    )


_SEEN: dict[Objective, tuple[Branch, ...]] = {
    self_supervision: ("teacher",),
    cycle_2d: ("teacher",),
    temporal_consistency: (),
    bone_length: (),
    bone_proportions: (),
    teacher_adversarial: ("teacher",),
    student_adversarial: ("student",),
    knowledge_distillation: (),
    student_reprojection: (),
    pose_regularizer: (),
    shape_regularizer: (),
    denoising: (),
}


def branches_seen(objective: Objective) -> tuple[Branch, ...]:
    """The branches whose skeletons an objective looks at from a random view.

    A stranger's objective may look at both.

    Example:
        >>> branches_seen(bone_length), branches_seen(lambda forward: forward.mm_per_unit)
        ((), ('teacher', 'student'))
    """
    return _SEEN.get(objective, BRANCHES)


def is_built_in(objective: Objective) -> bool:
    """Whether an objective is the library's own.

    Example:
        >>> is_built_in(bone_length), is_built_in(lambda forward: forward.mm_per_unit)
        (True, False)
    """
    return objective in _SEEN
