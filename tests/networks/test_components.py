"""The built-in networks as plug-ins: their options are checked, their defaults are the paper's."""

import inspect

import pytest

from posenet3d.networks import Student, TeacherHead, TemporalDiscriminator, components
from posenet3d.nn import TemporalBackbone
from posenet3d.plugins import GROUPS, PluginSpec

CONTEXT = {
    "backbones": {"joints": 14, "frames": 3},
    "lifters": {"channels": 8, "joints": 14, "frames": 3, "distance": 10.0},
    "students": {"channels": 8, "frames": 3, "bones": 24, "betas": 10},
    "discriminators": {"joints": 14, "frames": 3},
}
BUILT_IN = {
    "backbones": ("temporal", components.temporal_backbone, TemporalBackbone),
    "lifters": ("teacher", components.teacher_head, TeacherHead),
    "students": ("student", components.student_branch, Student),
    "discriminators": ("temporal", components.temporal_discriminator, TemporalDiscriminator),
}


@pytest.mark.parametrize("group", BUILT_IN)
def test_every_network_is_built_by_its_plug_in_s_name(group):
    name, _, kind = BUILT_IN[group]
    assert isinstance(GROUPS[group].build(PluginSpec(name=name), **CONTEXT[group]), kind)


@pytest.mark.parametrize("group", BUILT_IN)
def test_the_options_and_the_context_are_what_the_function_takes_and_no_more(group):
    _, function, _ = BUILT_IN[group]
    taken = set(inspect.signature(function).parameters)
    assert taken == set(function.Config.model_fields) | set(CONTEXT[group])


@pytest.mark.parametrize("group", BUILT_IN)
def test_the_defaults_of_the_options_are_those_of_the_network(group):
    _, function, kind = BUILT_IN[group]
    parameters = inspect.signature(kind).parameters
    for name, field in function.Config.model_fields.items():
        assert parameters[name].default == field.default
