"""A network that begins as another one: the same answers, and what may differ."""

import pytest
import torch

from posenet3d.body import load_body_model
from posenet3d.errors import BodyFamilyError, ConfigurationError, StorageError, UnknownNameError
from posenet3d.networks import NetworkConfig, PoseNet3D, network_from, save_model, start_from
from posenet3d.nn import fill_windows, hide

NARROW = {"name": "temporal", "options": {"channels": 16}}
BACKBONE = {"options": {"guess_missing": True}}
TEACHER = {"options": {"moves_joints": True}}
MORE = {"missing_joints": True, "backbone": BACKBONE, "teacher": TEACHER}


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


@pytest.fixture(scope="module")
def before(mannequin):
    torch.manual_seed(0)
    student = {"name": "canonical", "options": {"width": 16}}
    config = {"backbone": NARROW, "discriminator": NARROW, "student": student, "views": "learned"}
    model = PoseNet3D(NetworkConfig.model_validate(config), mannequin)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    model.teacher_skeleton(torch.randn(8, 9, 14, 2))  # moves BatchNorm's statistics
    model.metres_per_unit.fill_(0.7)
    return model.eval()


@pytest.fixture(scope="module")
def folder(before, tmp_path_factory):
    return str(save_model(before, tmp_path_factory.mktemp("runs") / "a"))


@pytest.fixture
def windows():
    torch.manual_seed(1)
    return 0.1 * torch.randn(6, 9, 14, 2)


def begun(folder, body, changes):
    torch.manual_seed(5)
    model = PoseNet3D(NetworkConfig.model_validate(network_from(folder, changes)), body).eval()
    start_from(model, folder)
    return model


@pytest.mark.parametrize(
    "changes",
    [{}, {"missing_joints": True}, {"teacher": TEACHER}, {"missing_joints": True, **MORE}],
    ids=["nothing", "flags", "places", "all"],
)
def test_whatever_it_gains_it_answers_whole_windows_as_before(
    before, folder, mannequin, windows, changes
):
    made = begun(folder, mannequin, changes)
    for head, answer in before.lift(windows).items():
        torch.testing.assert_close(made.lift(windows)[head], answer)
    torch.testing.assert_close(made.discriminator(windows), before.discriminator(windows))


def test_windows_with_gaps_it_answers_as_the_guess_was_answered_before(
    before, folder, mannequin, windows
):
    gaps = hide(windows, torch.rand(6, 9, 14) < 0.3)
    made = begun(folder, mannequin, MORE)
    for head, answer in before.lift(fill_windows(gaps)).items():
        torch.testing.assert_close(made.lift(gaps)[head], answer)


def test_what_it_gains_can_learn(folder, mannequin, windows):
    made = begun(folder, mannequin, MORE).train()
    made.teacher_skeleton(hide(windows, torch.rand(6, 9, 14) < 0.3)).square().sum().backward()
    flags = torch.arange(3 * 14 * 3).view(-1, 3)[:, 2]
    for gained in (
        made.teacher.places.weight.grad,
        made.backbone.entry.linear.weight.grad[:, flags],
    ):
        assert gained.abs().max() > 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"frames": 3}, ["network.frames: expected 9 as in the weights to start from, got 3"]),
        ({"distance": 5.0, "head_top": "vertex"}, ["network.distance", "network.head_top"]),
        ({"backbone": {"options": {"channels": 8}}}, ["expected backbone.entry.linear.weight of"]),
        ({"student": "student"}, ["network.student.name: expected 'canonical'"]),
        (
            {"discriminator": {"options": {"channels": 8}}},
            ["discriminator.logit.weight of (1, 16)"],
        ),
        ({"student": {"options": {"blocks": 3}}}, ["got student", "weights to start from lack"]),
        ({"student": {"options": {"blocks": 1}}}, ["weights to start from, got none"]),
    ],
)
def test_a_network_that_does_not_fit_is_told_every_difference(folder, mannequin, changes, told):
    with pytest.raises(ConfigurationError) as caught:
        begun(folder, mannequin, changes)
    for each in told:
        assert each in str(caught.value)
    assert len(caught.value.faults) >= len(told)


def test_what_a_network_knew_it_cannot_lose(folder, mannequin, tmp_path):
    told = save_model(begun(folder, mannequin, MORE), tmp_path)
    with pytest.raises(ConfigurationError, match="missing_joints: expected True"):
        begun(str(told), mannequin, {"missing_joints": False})
    again = begun(str(told), mannequin, {})
    assert again.config.teacher.options["moves_joints"] is True


def test_another_body_and_weights_that_are_not_there_are_errors(
    before, folder, mannequin, tmp_path
):
    with pytest.raises(UnknownNameError, match="best-wild"):
        network_from("best-wlid", {})
    with pytest.raises(StorageError, match=r"model\.json"):
        network_from("no/such/run", {})
    model = PoseNet3D(NetworkConfig.model_validate(network_from(folder, {})), mannequin)
    path = save_model(before, tmp_path) / "model.json"
    path.write_text(path.read_text().replace("makehuman-cc0", "smpl"))
    with pytest.raises(BodyFamilyError):
        start_from(model, tmp_path)


def test_options_change_one_by_one_unless_another_plug_in_is_named(folder):
    one = network_from(folder, {"backbone": {"options": {"dropout": 0.5}}, "views": "uniform"})
    assert one["backbone"] == {"name": "temporal", "options": {"channels": 16, "dropout": 0.5}}
    assert one["views"] == "uniform"
    other = network_from(folder, {"backbone": {"name": "fully_connected"}})
    assert other["backbone"] == {"name": "fully_connected"}
