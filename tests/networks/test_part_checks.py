"""A network's parts are held to their promises before anything is trained."""

import pytest
import torch
from torch import nn

from posenet3d.errors import ConfigurationError
from posenet3d.networks import (
    BodyParameters,
    NetworkConfig,
    PoseNet3D,
    Student,
    TeacherHead,
    TemporalDiscriminator,
    check_parts,
)
from posenet3d.nn import TemporalBackbone
from posenet3d.views import UniformViews

SMALL = {"name": "temporal", "options": {"channels": 16}}


def network(**options) -> PoseNet3D:
    return PoseNet3D(NetworkConfig(**{"backbone": SMALL, "discriminator": SMALL, **options}))


class Changed(nn.Module):
    """A part whose answer is changed; all else is the part's own."""

    def __init__(self, part, change):
        super().__init__()
        self.part, self.change = part, change

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.part, name)

    def forward(self, *given):
        return self.change(self.part(*given))


def backbone():
    return TemporalBackbone(channels=16)


def teacher():
    return TeacherHead(16)


def student():
    return Student(16)


def judge():
    return TemporalDiscriminator(channels=16)


WRONG = [
    ("backbone", backbone, lambda x: x[:, :7], r"features \(5, 16\).*got \(5, 7\)"),
    ("backbone", backbone, lambda x: x.double(), "got .*float64"),
    ("backbone", backbone, lambda x: (x,), "got tuple"),
    ("backbone", backbone, lambda x: x * torch.nan, "finite features"),
    ("backbone", backbone, lambda x: 1 / 0, "failed: ZeroDivisionError"),
    ("teacher", teacher, lambda x: x[:, :, :13], r"skeletons \(5, 9, 14, 3\)"),
    ("teacher", teacher, lambda x: x[..., :2], r"got \(5, 9, 14, 2\)"),
    ("student", student, tuple, "expected BodyParameters, got tuple"),
    ("student", student, lambda x: BodyParameters(x.betas[:, 1:], x.rotations), r"betas \(5, 10\)"),
    ("student", student, lambda x: BodyParameters(x.betas, -x.rotations), "expected rotations"),
    ("discriminator", judge, lambda x: x[:, None], r"logits \(5,\).*got \(5, 1\)"),
    ("discriminator", judge, lambda x: x.mean(), r"got \(\)"),
    ("discriminator", judge, lambda x: x[::2], r"got \(3,\)"),
    ("views", UniformViews, lambda x: x[:1], r"rotations \(5, 3, 3\)"),
    ("views", UniformViews, lambda x: 3 * x, "expected rotations"),
]


@pytest.mark.parametrize(("part", "make", "change", "fault"), WRONG)
def test_a_part_that_answers_wrongly_is_named_with_what_it_gave(part, make, change, fault):
    model = network()
    setattr(model, part, Changed(make(), change))
    with pytest.raises(ConfigurationError, match=rf"network\.{part} .*Changed.*{fault}"):
        check_parts(model)


class Views(UniformViews):
    pitch = 0.1


class Head(TeacherHead):
    def mirrored_parameters(self):
        return (nn.Parameter(torch.zeros(1)),)


class Regressor(nn.Module):
    def joints(self, body, betas, rotations, rows=None):
        return body.joints(betas, rotations)


@pytest.mark.parametrize(
    ("part", "made", "fault"),
    [
        ("backbone", nn.Flatten(), "expected a number 'channels', got None"),
        ("views", Views(), "expected a pitch .*got float"),
        ("teacher", Head(16), "parameters of its own"),
        ("joint_regressor", Regressor(), r"joints \(5, 9, 14, 3\).*got \(5, 9, 24, 3\)"),
    ],
)
def test_what_a_part_says_of_itself_is_looked_at_too(part, made, fault):
    model = network()
    setattr(model, part, made)
    with pytest.raises(ConfigurationError, match=rf"network\.{part} .*{fault}"):
        check_parts(model)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"missing_joints": True},
        {"frames": 3, "student": "canonical", "views": "learned_spread"},
        {"frames": 1, "discriminator": "frame_and_difference", "joint_regressor": "linear"},
    ],
)
def test_a_trial_leaves_network_and_random_numbers_as_they_were(options):
    model = network(**options).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    drawn = torch.get_rng_state()
    check_parts(model)
    assert model.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
