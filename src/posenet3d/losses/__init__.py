"""The paper's loss terms as pure functions: tensors in, one scalar out.

Every term sums over joints and frames and takes the mean over the batch, as Eq. 2, 3, 4, 7 and 8
of PoseNet3D are printed; ``joint_distance``, which is not of the paper, is a mean over all. Weights
and schedules live in ``training``; nothing here knows of them.
"""

from posenet3d.losses.adversarial import (
    DiscriminatorAccuracy,
    discriminator_accuracy,
    gradient_penalty,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    standard_discriminator_loss,
    standard_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)
from posenet3d.losses.consistency import (
    bone_length_variance,
    self_supervision,
    temporal_consistency,
)
from posenet3d.losses.denoising import joint_distance
from posenet3d.losses.distillation import (
    knowledge_distillation,
    pose_regularizer,
    shape_regularizer,
)
from posenet3d.losses.projection import reprojection_error
from posenet3d.losses.proportions import bone_proportions, mirrored_bones

__all__ = [
    "DiscriminatorAccuracy",
    "bone_length_variance",
    "bone_proportions",
    "discriminator_accuracy",
    "gradient_penalty",
    "joint_distance",
    "knowledge_distillation",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "mirrored_bones",
    "pose_regularizer",
    "reprojection_error",
    "self_supervision",
    "shape_regularizer",
    "standard_discriminator_loss",
    "standard_generator_loss",
    "temporal_consistency",
    "wasserstein_discriminator_loss",
    "wasserstein_generator_loss",
]
