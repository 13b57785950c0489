"""Missing joints from end to end: the answer, the losses, the game, a run, an evaluation."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.data import NOISE, TrainingSet, corrupt
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ConfigurationError, DataError, PluginLoadError
from posenet3d.evaluation import evaluate
from posenet3d.networks import NetworkConfig, PoseNet3D
from posenet3d.nn import hide, visible_joints
from posenet3d.training import Forward, ForwardSettings, Trainer, TrainerConfig, objectives
from posenet3d.training.adversary import FORMS
from posenet3d.training.stage_run import StageRun

SETTINGS = ForwardSettings(form=FORMS["standard"])
NARROW = {"name": "temporal", "options": {"channels": 8}}


def network(**changes: Any) -> PoseNet3D:
    torch.manual_seed(0)
    told = {"backbone": NARROW, "discriminator": NARROW, "missing_joints": True}
    config = NetworkConfig.model_validate({**told, **changes})
    made = PoseNet3D(config)
    made.metres_per_unit.fill_(0.5)
    for part in (made.teacher, made.student):
        for parameter in part.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
    return made.eval()


@pytest.fixture(scope="module")
def told() -> PoseNet3D:
    return network()


@pytest.fixture
def hidden() -> torch.Tensor:
    torch.manual_seed(3)
    return torch.rand(4, 10, 14) < 0.2


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.0, 0.2, 0.8, 1.0]), far=st.floats(-9, 9))
def test_where_a_hidden_joint_is_changes_no_answer(told, seed, share, far):
    random = torch.Generator().manual_seed(seed)
    windows = torch.randn(3, 9, 14, 2, generator=random) / 10
    mask = torch.rand(3, 9, 14, generator=random) < share
    moved = torch.where(mask[..., None], far, windows)
    answers, others = (told.lift(hide(each, mask)) for each in (windows, moved))
    assert set(answers) == {"teacher", "student", "mean"}
    for head, answer in answers.items():
        assert answer.isfinite().all()
        assert torch.equal(answer, others[head])


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)))
def test_windows_do_not_see_each_other_s_missing_joints(told, order):
    torch.manual_seed(1)
    windows = hide(torch.randn(4, 9, 14, 2) / 10, torch.rand(4, 9, 14) < 0.3)
    for head, answer in told.lift(windows).items():
        torch.testing.assert_close(told.lift(windows[list(order)])[head], answer[list(order)])


def test_what_is_seen_is_answered_on_its_line_of_sight(told, batch, hidden):
    """X = (x z, y z, z) where x is known; elsewhere an answer of the network's own."""
    windows = hide(batch, hidden)[:, :-1]
    skeletons = told.teacher_skeleton(windows)
    image = skeletons[..., :2] / skeletons[..., 2:]
    seen = visible_joints(windows)
    torch.testing.assert_close(image[seen], windows[seen])
    assert (image - batch[:, :-1])[~seen].abs().min() > 0


def test_a_network_that_is_not_told_is_as_it_was():
    plain = network(missing_joints=False)
    assert not any("places" in name for name in plain.state_dict())
    assert plain.backbone.entry.linear.in_features == 3 * 14 * 2
    forward = Forward(plain, torch.zeros(2, 10, 14, 2), SETTINGS)
    assert forward.fakes("teacher") is forward.teacher_reprojection
    assert forward.seen(forward.now) is forward.now


def test_reprojections_miss_joints_exactly_as_the_batch_does(told, batch, hidden):
    forward = Forward(told, hide(batch, hidden), SETTINGS)
    masks = ~visible_joints(forward.fakes("teacher"))
    assert torch.equal(masks, hidden[:, :-1].roll(2, dims=0))
    assert forward.teacher_reprojection.isfinite().all()


def test_reprojections_of_windows_in_full_view_miss_nothing(told, batch):
    forward = Forward(told, batch, SETTINGS)
    assert torch.equal(forward.fakes("student"), forward.student_reprojection)


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_processes_deals_out_the_same_masks(told, count):
    torch.manual_seed(0)
    windows = hide(torch.randn(8, 10, 14, 2) / 10, torch.rand(8, 10, 14) < 0.3)
    views = torch.eye(3).expand(8, 3, 3)
    whole = Forward(told, windows, SETTINGS, {"teacher": views}).fakes("teacher")
    for rank in range(count):
        part = Forward(told, windows[rank::count], SETTINGS, {"teacher": views[rank::count]})
        torch.testing.assert_close(part.fakes("teacher"), whole[rank::count], equal_nan=True)


@pytest.mark.parametrize(
    "name",
    ["self_supervision", "temporal_consistency", "bone_length", "bone_proportions", "cycle_2d",
     "teacher_adversarial", "student_adversarial", "knowledge_distillation",
     "student_reprojection"],
)  # fmt: skip
def test_every_loss_and_gradient_is_finite_where_joints_are_missing(batch, hidden, name):
    model = network().train()
    getattr(objectives, name)(Forward(model, hide(batch, hidden), SETTINGS)).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("name", ["cycle_2d", "student_reprojection"])
def test_images_are_compared_with_what_was_seen_and_nothing_else(batch, hidden, name):
    """Hiding every joint leaves nothing to compare with."""
    model = network()
    everything = torch.ones_like(hidden)
    loss = getattr(objectives, name)(Forward(model, hide(batch, everything), SETTINGS))
    assert loss.detach() == 0
    assert getattr(objectives, name)(Forward(model, batch, SETTINGS)).detach() > 0


def test_where_a_missing_joint_is_learns_from_the_relifted_image(batch, hidden):
    model = network()
    objectives.self_supervision(Forward(model, hide(batch, hidden), SETTINGS)).backward()
    assert model.teacher.places.weight.grad.abs().max() > 0


def outcome_of(make: Callable[..., Trainer], clips: Any, changes: dict[str, Any]) -> Any:
    run = make(changes, data=clips)
    report = run.fit()
    assert all(np.isfinite(list(stage.end.values())).all() for stage in report.stages)
    return run.model.state_dict()


def test_a_run_on_a_detector_s_output_trains_all_stages_and_is_repeated_bit_by_bit(trainer, clips):
    seen = TrainingSet({name: corrupt(each, "openpose", 5) for name, each in clips.items()})
    assert np.isnan(np.concatenate([s.points for s in seen.sequences.values()])).any()
    changes = {"network.missing_joints": True, "detector_noise": "gentle"}
    first, again = (outcome_of(trainer, seen, changes) for _ in range(2))
    assert all(torch.equal(value, again[name]) for name, value in first.items())


def test_noise_of_a_detector_is_new_in_each_step_and_centred_on_its_own_hips(tiny, clips):
    noise = NOISE["openpose"].model_copy(update={"dropped": 0.0, "swapped": 0.0})
    config = tiny({"detector_noise": noise.model_dump(), "input_noise": 0.0})
    run = Trainer(config, train_data=clips, device="cpu", progress=False)
    stage_run = object.__new__(StageRun)
    stage_run.config, stage_run.engine, stage_run.stage = config, run.engine, config.stages[0]
    windows, made = torch.rand(4, 10, 14, 2), []
    for step in (0, 1):
        made.append(stage_run._detected(windows, config.detector_noise, step))
        assert made[-1][:, :, 2:4].mean(2).abs().max() < 1e-6
    assert not torch.equal(*made)


def test_learnt_spreads_of_the_views_are_in_the_records(trainer):
    run = trainer({"network.views": "learned_spread"})
    end = run.fit().stages[0].end
    assert end["camera_pitch_spread_degrees"] == pytest.approx(3.0, abs=2.0)
    assert end["camera_roll_spread_degrees"] != 3.0


def test_noise_that_drops_joints_needs_a_network_that_is_told():
    with pytest.raises(ConfigurationError, match="missing_joints"):
        TrainerConfig.preset("quick", detector_noise="openpose")
    with pytest.raises(ConfigurationError, match="did you mean 'openpose'"):
        TrainerConfig.preset("quick", detector_noise="openpse")


def test_data_with_gaps_needs_a_network_that_is_told(trainer, clips):
    seen = {name: corrupt(each, "openpose", 5) for name, each in clips.items()}
    with pytest.raises(DataError, match="NaN"):
        trainer(data=TrainingSet(seen))


def test_a_parts_plug_in_that_cannot_be_told_is_named():
    with pytest.raises(PluginLoadError, match="missing_joints"):
        network(backbone={"name": "fully_connected", "options": {"channels": 8}}, frames=1)


def test_an_evaluation_takes_missing_joints_if_the_network_does(told):
    clips = synthetic_motion(clips=1, seconds=0.6)
    detector = partial(corrupt, model="openpose", seed=0)
    report = evaluate(told.lift, clips, samples=0, detector=detector)
    exact = evaluate(told.lift, clips, samples=0)
    assert report.heads["teacher"].p_mpjpe != exact.heads["teacher"].p_mpjpe
    with pytest.raises(DataError, match="missing joints"):
        evaluate(network(missing_joints=False).lift, clips, samples=0, detector=detector)
