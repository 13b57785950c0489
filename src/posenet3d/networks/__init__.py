"""The paper's networks: lifter (teacher), student, discriminator, and their assembly."""

from posenet3d.networks.canonical_student import CanonicalStudent, FollowedBody
from posenet3d.networks.card import ModelCard
from posenet3d.networks.config import NetworkConfig
from posenet3d.networks.discriminator import (
    FrameAndDifferenceDiscriminator,
    TemporalDiscriminator,
)
from posenet3d.networks.lifter import Lifter, TeacherHead
from posenet3d.networks.part_checks import check_parts
from posenet3d.networks.posenet3d import (
    PARTS,
    PoseNet3D,
    StudentSkeleton,
    evaluating,
    limb_length,
)
from posenet3d.networks.pretrained import (
    DEFAULT_WEIGHTS,
    model_card,
    pretrained_folder,
    pretrained_names,
)
from posenet3d.networks.start import network_from, start_from
from posenet3d.networks.student import BodyParameters, Student
from posenet3d.networks.weights import load_model, save_model

__all__ = [
    "DEFAULT_WEIGHTS",
    "PARTS",
    "BodyParameters",
    "CanonicalStudent",
    "FollowedBody",
    "FrameAndDifferenceDiscriminator",
    "Lifter",
    "ModelCard",
    "NetworkConfig",
    "PoseNet3D",
    "Student",
    "StudentSkeleton",
    "TeacherHead",
    "TemporalDiscriminator",
    "check_parts",
    "evaluating",
    "limb_length",
    "load_model",
    "model_card",
    "network_from",
    "pretrained_folder",
    "pretrained_names",
    "save_model",
    "start_from",
]
