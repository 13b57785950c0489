"""The built-in networks as plug-ins: their options are checked, their defaults are the paper's."""

import inspect

import pytest

from posenet3d.networks import (
    FrameAndDifferenceDiscriminator,
    Student,
    TeacherHead,
    TemporalDiscriminator,
    components,
)
from posenet3d.nn import FullyConnectedBackbone, TemporalBackbone
from posenet3d.plugins import GROUPS, PluginSpec

CONTEXT = {
    "backbones": {"joints": 14, "frames": 3},
    "lifters": {"channels": 8, "joints": 14, "frames": 3, "distance": 10.0},
    "students": {"channels": 8, "frames": 3, "bones": 24, "betas": 10},
    "discriminators": {"joints": 14, "frames": 3},
}
BUILT_IN = [
    ("backbones", "temporal", components.temporal_backbone, TemporalBackbone),
    (
        "backbones",
        "fully_connected",
        components.fully_connected_backbone,
        FullyConnectedBackbone,
    ),
    ("lifters", "teacher", components.teacher_head, TeacherHead),
    ("students", "student", components.student_branch, Student),
    ("discriminators", "temporal", components.temporal_discriminator, TemporalDiscriminator),
    (
        "discriminators",
        "frame_and_difference",
        components.frame_and_difference_discriminator,
        FrameAndDifferenceDiscriminator,
    ),
]
each_built_in = pytest.mark.parametrize(
    ("group", "name", "function", "kind"), BUILT_IN, ids=[name for _, name, _, _ in BUILT_IN]
)


@each_built_in
def test_every_network_is_built_by_its_plug_in_s_name(group, name, function, kind):
    assert isinstance(GROUPS[group].build(PluginSpec(name=name), **CONTEXT[group]), kind)


@each_built_in
def test_the_options_and_the_context_are_what_the_function_takes_and_no_more(
    group, name, function, kind
):
    taken = set(inspect.signature(function).parameters) - {"missing_joints"}
    assert taken == set(function.Config.model_fields) | set(CONTEXT[group])


@pytest.mark.parametrize("group", ["backbones", "lifters", "discriminators"])
def test_the_paper_s_parts_can_be_told_of_missing_joints(group):
    spec = PluginSpec(name="teacher" if group == "lifters" else "temporal")
    plain, told = (
        GROUPS[group].build(spec, **CONTEXT[group], **more)
        for more in ({}, {"missing_joints": True})
    )
    numbers = [sum(p.numel() for p in part.parameters()) for part in (plain, told)]
    assert numbers[0] < numbers[1]


@each_built_in
def test_the_defaults_of_the_options_are_those_of_the_network(group, name, function, kind):
    parameters = inspect.signature(kind).parameters
    for option, field in function.Config.model_fields.items():
        assert parameters[option].default == field.default
