"""What each run's configuration shares with the base preset, and what it differs in."""

import pytest

from posenet3d.errors import ConfigurationError, UnknownNameError
from posenet3d.reproduction import RUNS, configuration, find_run
from posenet3d.reproduction.runs import STAGES
from posenet3d.training import TrainerConfig


def configs(base="quick", **options):
    options = {"seed": 1, "budget": 1.0, "changes": {}} | options
    return {run.name: configuration(run, base, **options) for run in RUNS}


def windows_of(config):
    return sum(stage.steps * (stage.batch_size or config.batch_size) for stage in config.stages)


@pytest.mark.parametrize("base", ["quick", "best", "paper"])
def test_every_run_has_a_configuration_and_its_own_name_and_seed(base):
    for name, config in configs(base).items():
        assert (config.name, config.seed) == (name, 1)
        assert TrainerConfig.parse(config.model_dump(mode="json")) == config


def test_the_runs_are_what_their_names_say():
    made = configs()
    assert made["posenet3d"].stages == TrainerConfig.preset("quick").stages
    assert made["chen2019"].network.frames == made["one-frame"].network.frames == 1
    assert made["chen2019"].network.views.name == "uniform"
    assert made["chen2019-exact-views"].network.views == made["posenet3d"].network.views
    assert made["no-sja"].network.joint_regressor.name == "fixed"
    assert made["linear-sja"].network.joint_regressor.name == "linear"
    assert [stage.name for stage in made["no-sja"].stages] == ["distillation", "sja"]
    assert [stage.name for stage in made["baseline-1"].stages] == ["student"]
    assert [stage.name for stage in made["baseline-2"].stages] == ["student", "sja"]


def test_what_is_compared_has_one_width_and_sees_as_many_windows():
    made = configs()
    base = made["posenet3d"]
    by_stage = {each.name: each.steps * (each.batch_size or 256) for each in base.stages}
    to_the_student = sum(by_stage[name] for name in ("teacher", "distillation", "sja"))
    assert windows_of(made["chen2019"]) == by_stage["teacher"] + by_stage["joint"]
    assert windows_of(made["baseline-1"]) == windows_of(made["baseline-2"]) == to_the_student
    for config in made.values():
        assert config.network.backbone.options["channels"] == 256
    weights = base.stages[1].losses
    for name in ("baseline-1", "baseline-2"):
        for stage in made[name].stages:
            for loss in ("pose_regularizer", "shape_regularizer"):
                assert stage.losses[loss] == weights[loss]


def test_a_budget_scales_every_stage_and_changes_come_last():
    half = configs(budget=0.5, changes={"stages.0.optimizer.lr": 0.25})
    whole = configs()
    for name, config in half.items():
        assert windows_of(config) == pytest.approx(windows_of(whole[name]) / 2, rel=1e-3)
        assert config.stages[0].optimizer.lr == 0.25


def test_a_budget_scales_epochs_too_and_leaves_one_of_them_at_least():
    half, tiny = (configs("paper", budget=budget)["chen2019"] for budget in (0.5, 1e-9))
    assert [stage.epochs for stage in half.stages] == [150]  # as long as two stages of 150
    assert [stage.epochs for stage in tiny.stages] == [1]


def test_what_a_run_starts_from_comes_before_it_and_saw_the_same_2d():
    order = [run.name for run in RUNS]
    for run in RUNS:
        if run.teacher_of is not None:
            assert order.index(run.teacher_of) < order.index(run.name)
            assert find_run(run.teacher_of).seen == run.seen


def test_every_stage_that_is_measured_is_one_of_the_run_s():
    for name, config in configs().items():
        stages = [stage.name for stage in config.stages]
        assert set(STAGES[find_run(name).kind]) <= set(stages)


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_is_no_factor_is_refused(budget):
    with pytest.raises(ConfigurationError, match="budget"):
        configuration(RUNS[0], "quick", budget=budget)


def test_a_preset_without_the_four_stages_cannot_be_the_base():
    with pytest.raises(ConfigurationError, match="four stages"):
        configuration(RUNS[0], "chen2019")


def test_a_change_that_does_not_fit_a_run_is_told_with_the_run():
    change = {"stages.sja.batch_size": 4}
    assert configuration(find_run("posenet3d"), "quick", changes=change).stages[2].batch_size == 4
    with pytest.raises(ConfigurationError, match=r"- chen2019:stages\.sja\.batch_size: Unknown"):
        configuration(find_run("chen2019"), "quick", changes=change)


def test_a_wrong_run_gets_a_hint():
    with pytest.raises(UnknownNameError, match="did you mean 'one-frame'"):
        find_run("one_frame")


@pytest.mark.parametrize("run", ["baseline-1", "baseline-2"])
def test_a_student_without_a_teacher_reads_the_2d(run):
    assert configuration(find_run("posenet3d"), "best").network.student.name == "canonical"
    assert configuration(find_run(run), "best").network.student.name == "student"
    quick = TrainerConfig.preset("quick").network.student
    assert configuration(find_run(run), "quick").network.student == quick
