"""A validation point sees the same windows and views each time, and leaves no trace."""

import copy
import sys
from pathlib import Path

import pytest
import torch

from posenet3d.data import TrainingSet
from posenet3d.networks import PoseNet3D
from posenet3d.training import TrainerConfig
from posenet3d.training.validation import Validation
from posenet3d.training.validation_config import ValidationConfig

TEACHER, DISTILLATION, _, JOINT = range(4)


@pytest.fixture
def config(tiny) -> TrainerConfig:
    return tiny({"validation": {"windows": 16}})


@pytest.fixture
def windows(clips):
    return TrainingSet(clips).windows(9)


@pytest.fixture
def validation(model: PoseNet3D, config: TrainerConfig, windows) -> Validation:
    return Validation(model, config, windows)


def everything(model: PoseNet3D) -> list[torch.Tensor]:
    return [torch.get_rng_state(), *(each.clone() for each in model.state_dict().values())]


def test_a_point_leaves_weights_statistics_modes_gradients_and_random_state_alone(
    validation: Validation, model: PoseNet3D, config: TrainerConfig
) -> None:
    model.teacher.eval()
    modes = [each.training for each in model.modules()]
    before = everything(model)
    validation.point(config.stages[JOINT], 3)
    assert all(map(torch.equal, everything(model), before))
    assert [each.training for each in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())


def test_points_are_repeatable_whatever_the_random_state_and_the_modes_are(
    validation: Validation, model: PoseNet3D, config: TrainerConfig, windows
) -> None:
    stage = config.stages[JOINT]
    first = validation.point(stage, 3)
    torch.manual_seed(99)
    model.eval()
    again = Validation(model, config, windows).point(stage, 3)
    assert first.record == again.record
    assert first.score == again.score


@pytest.mark.parametrize(
    ("stage", "figure"),
    [(TEACHER, "limb_asymmetry"), (DISTILLATION, "student_distance"), (JOINT, "limb_asymmetry")],
)
def test_the_score_is_the_figure_of_what_learns(
    validation: Validation, config: TrainerConfig, stage: int, figure: str
) -> None:
    point = validation.point(config.stages[stage], 3)
    values = point.record.values
    assert point.score == values["validation/score"] == values[f"validation/{figure}"]


@pytest.mark.parametrize(
    ("stage", "figure"),
    [
        (TEACHER, "teacher_distance"),
        (DISTILLATION, "student_distance"),
        (JOINT, "teacher_distance"),
    ],
)
def test_a_teacher_that_is_told_to_be_symmetric_is_not_scored_by_its_symmetry(
    validation: Validation, config: TrainerConfig, stage: int, figure: str
) -> None:
    losses = {**config.stages[stage].losses, "bone_proportions": 5.0}
    told = config.stages[stage].model_copy(update={"losses": losses})
    values = validation.point(told, 3).record.values
    assert values["validation/score"] == values[f"validation/{figure}"]
    assert values["validation/limb_asymmetry"] != values["validation/score"]


def test_figures_are_there_where_they_mean_something(
    validation: Validation, model: PoseNet3D, config: TrainerConfig
) -> None:
    def names(stage: int) -> set[str]:
        values = validation.point(config.stages[stage], 3).record.values
        return {name.removeprefix("validation/") for name in values}

    consistency = {"self_supervision", "temporal_consistency", "bone_length", "limb_asymmetry"}
    teacher = {*consistency, "teacher_distance", "discriminator_accuracy", "score"}
    assert names(JOINT) == {*teacher, "student_distance", "knowledge_distillation"}
    assert names(DISTILLATION) == names(JOINT) - {"discriminator_accuracy"}
    model.metres_per_unit.zero_()
    assert names(TEACHER) == teacher


def test_a_critic_has_no_accuracy(model: PoseNet3D, tiny, windows) -> None:
    config = tiny({"validation": {"windows": 16}, "adversarial.form": "wasserstein"})
    point = Validation(model, config, windows).point(config.stages[JOINT], 3)
    assert "validation/discriminator_accuracy" not in point.record.values


def test_the_distance_sees_skeletons_that_look_wrong_from_elsewhere(
    model: PoseNet3D, config: TrainerConfig, windows
) -> None:
    worse = copy.deepcopy(model)
    spread = torch.linspace(-3, 3, len(worse.teacher.offsets.bias))
    worse.teacher.offsets.bias.data += spread
    validation = Validation(model, config, windows)
    good, bad = (
        validation.point(config.stages[TEACHER], 0, model=each).record.values
        for each in (model, worse)
    )
    assert good["validation/teacher_distance"] < bad["validation/teacher_distance"]


def test_a_depth_mirrored_lifter_has_the_same_score(model: PoseNet3D, tiny, windows) -> None:
    """What the score cannot see; the mirror guard can. A distant camera makes it exact."""
    config = tiny({"validation": {"windows": 64}, "network.distance": 1e4})
    network = PoseNet3D(config.network)
    network.teacher.load_state_dict(model.teacher.state_dict())
    mirrored = copy.deepcopy(network)
    for parameter in mirrored.teacher.mirrored_parameters():
        parameter.data.neg_()
    stage = config.stages[TEACHER]
    validation = Validation(network, config, windows)
    one, other = (validation.point(stage, 0, model=each).score for each in (network, mirrored))
    assert one > 0
    assert other == pytest.approx(one, rel=1e-3)


def test_windows_and_real_windows_are_drawn_from_streams_of_their_own(
    validation: Validation, windows, config: TrainerConfig
) -> None:
    assert validation.batch.shape == (16, 10, 14, 2)
    assert validation.real.shape == (16, 9, 14, 2)
    assert not torch.equal(validation.batch[:, :-1], validation.real)
    first_step = windows.sample(config.seed, config.stages[0].name, 0, 16)
    assert not torch.equal(validation.batch, first_step)


def test_a_picture_lies_in_the_run_folder(
    validation: Validation, config: TrainerConfig, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    point = validation.point(config.stages[JOINT], 3)
    before = everything(point.model)
    path = validation.picture(point, tmp_path)
    assert path == tmp_path / "pictures" / "joint-000003.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert all(map(torch.equal, everything(point.model), before))


def test_without_matplotlib_pictures_are_skipped_and_that_is_told_once(
    validation: Validation,
    config: TrainerConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    point = validation.point(config.stages[TEACHER], 3)
    assert validation.picture(point, tmp_path) is None
    assert validation.picture(point, tmp_path) is None
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 1
    assert "pip install 'posenet3d[viz]'" in told[0]


def test_pictures_can_be_left_out(model: PoseNet3D, tiny, windows, tmp_path: Path) -> None:
    config = tiny({"validation": {"windows": 16, "picture": False}})
    validation = Validation(model, config, windows)
    assert validation.picture(validation.point(config.stages[0], 3), tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_points_are_every_k_steps_and_at_a_stages_end() -> None:
    config = ValidationConfig(every=4)
    assert [step for step in range(1, 11) if config.is_due(step, 10)] == [4, 8, 10]
    assert not any(ValidationConfig(every=None).is_due(step, 10) for step in range(1, 11))
