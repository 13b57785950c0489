"""The fast path of lifting against the network's own parts, window by window."""

import copy

import numpy as np
import pytest
import torch

from posenet3d.inference import Estimator
from posenet3d.inference.lifting import WindowLifter
from posenet3d.inference.sequence import lift_sequence
from posenet3d.inference.windows import anchoring_of
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import (
    BodyParameters,
    CanonicalStudent,
    NetworkConfig,
    PoseNet3D,
    TeacherHead,
)
from posenet3d.nn import TemporalBackbone, fill_windows
from posenet3d.skeletons.anatomy import centre_on_hips

SMALL = {"name": "temporal", "options": {"channels": 16}}
NETWORKS = {
    "paper": {},
    "canonical": {"student": {"name": "canonical"}},
    "missing": {"missing_joints": True},
    "moving": {"teacher": {"name": "teacher", "options": {"moves_joints": True}}},
    "missing_and_moving": {
        "missing_joints": True,
        "teacher": {"name": "teacher", "options": {"moves_joints": True}},
    },
    "fully_connected": {"backbone": {"name": "fully_connected", "options": {"channels": 16}}},
}


def network(name: str) -> PoseNet3D:
    torch.manual_seed(0)
    options = {"backbone": SMALL, "discriminator": SMALL, **NETWORKS[name]}
    model = PoseNet3D(NetworkConfig(**options)).eval()
    for each in model.modules():
        if isinstance(each, torch.nn.BatchNorm1d):
            each.running_mean.normal_(std=0.1)
            each.running_var.uniform_(0.5, 2.0)
    model.measure_scale(model.teacher_skeleton(torch.randn(4, 9, 14, 2)))
    return model


def points(gaps: bool) -> torch.Tensor:
    found = 0.1 * torch.randn(30, 14, 2, generator=torch.Generator().manual_seed(1))
    if gaps:
        found[3:6, 2] = torch.nan
        found[20, :5] = torch.nan
    return found


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_lifter_answers_as_the_networks_parts_do_for_each_window(name, gaps):
    model, seen = network(name), points(gaps)
    answer = WindowLifter(model).lift(seen)
    windows = torch.stack([seen[first : first + 9] for first in range(22)])
    told = windows if model.config.missing_joints else fill_windows(windows)
    features = model.backbone(told)
    teacher = centre_on_hips(model.teacher(features, told))
    betas, rotations = model.student(*((features, teacher)[: 1 + model.student_sees_teacher]))
    torch.testing.assert_close(answer.teacher, teacher, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(answer.betas, betas, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(answer.rotations, rotations, rtol=1e-4, atol=1e-4)


def test_without_the_body_the_student_is_not_asked():
    answer = WindowLifter(network("paper")).lift(points(gaps=False), body=False)
    assert answer.betas is None
    assert answer.rotations is None


def test_a_lifter_knows_when_its_network_has_changed():
    model = network("paper")
    lifter = WindowLifter(model)
    model.load_state_dict(network("paper").state_dict())
    assert lifter.is_current()
    other = network("paper").state_dict()
    other["backbone.entry.norm.running_mean"] += 1.0
    model.load_state_dict(other)
    assert not lifter.is_current()


def step_of_the_fused_adam(model: PoseNet3D) -> None:
    """As a training takes it; it raises no tensor's version."""
    head = model.teacher.offsets.requires_grad_(True)
    descent = torch.optim.Adam(head.parameters(), lr=0.1, fused=True)
    model.teacher_skeleton(points(gaps=False)[None, :9]).square().sum().backward()
    descent.step()
    model.requires_grad_(False).zero_grad()


def test_a_lifter_knows_of_a_step_of_the_fused_adam():
    model = network("paper").requires_grad_(False)
    lifter = WindowLifter(model)
    step_of_the_fused_adam(model)
    assert not lifter.is_current()


def test_a_lifter_knows_of_a_step_of_descent_that_raises_no_version():
    model = network("paper").requires_grad_(False)
    lifter = WindowLifter(model)
    model.backbone.entry.linear.weight.data += 1e-4
    assert not lifter.is_current()


def test_a_lifter_knows_of_a_part_that_was_replaced():
    model = network("paper")
    lifter = WindowLifter(model)
    model.teacher = copy.deepcopy(model.teacher)
    assert not lifter.is_current()


def test_a_lifter_knows_of_a_change_of_type():
    model = network("paper")
    lifter = WindowLifter(model)
    model.double()
    assert not lifter.is_current()


def test_an_estimator_lifts_with_weights_that_the_fused_adam_changed_since(walk):
    estimator = Estimator(network("paper"))
    before = estimator.predict(walk).branches["teacher"]
    step_of_the_fused_adam(estimator.model)
    after = estimator.predict(walk).branches["teacher"]
    assert not np.allclose(after, before)
    np.testing.assert_array_equal(
        after, Estimator(estimator.model).predict(walk).branches["teacher"]
    )


def test_an_estimator_lifts_with_weights_that_were_changed_since(walk):
    estimator = Estimator(network("paper"))
    before = estimator.predict(walk).branches["teacher"]
    with torch.no_grad():
        estimator.model.teacher.offsets.bias.add_(torch.linspace(0.0, 3.0, 9 * 14))
    after = estimator.predict(walk).branches["teacher"]
    fresh = Estimator(estimator.model).predict(walk).branches["teacher"]
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_array_equal(after, fresh)


@pytest.mark.parametrize("size", [1, 7, 512])
def test_the_size_of_batches_changes_nothing(estimator, walk, size):
    lifted, whole = estimator.predict(walk, batch_size=size), estimator.predict(walk)
    np.testing.assert_allclose(lifted.joints3d, whole.joints3d, atol=2e-5)
    np.testing.assert_allclose(lifted.body.rotations, whole.body.rotations, atol=1e-4)


def test_the_body_follows_no_gap(estimator, walk):
    """Frames on both sides of a gap are lifted as if the others were not there."""
    half = len(walk) // 2
    index = np.arange(len(walk)) + 100 * (np.arange(len(walk)) >= half)
    broken = KeypointSequence(walk.points, layout=walk.layout, fps=walk.fps, frame_index=index)
    lifter, anchors = WindowLifter(estimator.model), anchoring_of(broken, estimator.model)
    both = lift_sequence(lifter, broken, anchors, "average", 512)
    betas, alone = lifter.follow(both.teacher[:half])
    torch.testing.assert_close(both.rotations[:half], alone, rtol=1e-5, atol=1e-6)
    others = lifter.follow(both.teacher[half:])[0]
    torch.testing.assert_close(both.betas, torch.cat([betas, others]).mean(0))


class Wider(TeacherHead):
    def forward(self, features, windows):
        return super().forward(features, windows) * torch.tensor([2.0, 1.0, 1.0])


class WiderInBothForms(Wider):
    def slide(self, features, points):
        return 3.0 * super().slide(features, points)


class WiderInDepths(WiderInBothForms):
    def slide_depths(self, features):
        return 3.0 * super().slide_depths(features)


class Louder(TemporalBackbone):
    def forward(self, windows):
        return 2.0 * super().forward(windows)


class Rounder(CanonicalStudent):
    def forward(self, features, skeletons):
        betas, rotations = super().forward(features, skeletons)
        return BodyParameters(betas + 1.0, rotations)


@torch.no_grad()
def test_a_part_that_overrides_forward_alone_is_asked_by_it():
    model, seen = network("canonical"), points(gaps=False)
    model.backbone.__class__, model.teacher.__class__ = Louder, Wider
    model.student.__class__ = Rounder
    windows = torch.stack([seen[first : first + 9] for first in range(22)])
    teacher = centre_on_hips(model.teacher(model.backbone(windows), windows))
    lifter = WindowLifter(model)
    torch.testing.assert_close(lifter.lift(seen).teacher, teacher, atol=1e-4, rtol=1e-4)
    assert not lifter.follows


@torch.no_grad()
def test_a_part_whose_fast_form_is_its_own_is_asked_by_that():
    model, seen = network("paper"), points(gaps=False)
    plain = WindowLifter(model).lift(seen).teacher
    model.teacher.__class__ = WiderInBothForms
    fast = WindowLifter(model).lift(seen).teacher
    torch.testing.assert_close(fast, 3.0 * plain, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_forward_put_on_a_part_itself_is_asked():
    model, seen = network("paper"), points(gaps=False)
    plain = WindowLifter(model).lift(seen).teacher
    forward = model.teacher.forward
    model.teacher.forward = lambda features, windows: -forward(features, windows)
    torch.testing.assert_close(WindowLifter(model).lift(seen).teacher, -plain, atol=1e-4, rtol=1e-4)


class ByPoints(WindowLifter):
    """Lifts to skeletons, never to depths alone."""

    keeps_rays = False


def seen_by(model: PoseNet3D, walk: KeypointSequence, gap: bool, missing: bool):
    """The walk, with a gap in time or joints that are not seen in some frames; and its anchors."""
    points = walk.points.copy()
    if missing:
        points[3:6, 2] = np.nan
    index = np.arange(len(walk)) + 100 * gap * (np.arange(len(walk)) >= 13)
    told = KeypointSequence(points, layout=walk.layout, fps=walk.fps, frame_index=index)
    return told, anchoring_of(told, model)


@pytest.mark.parametrize("size", [4, 512])
@pytest.mark.parametrize(("gap", "missing"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("stitch", ["average", "centre"])
@pytest.mark.parametrize("name", ["canonical", "missing", "fully_connected"])
def test_lifting_by_depths_is_lifting_by_points(name, stitch, gap, missing, size, walk):
    """Also where some batches miss joints and go by points among others that go by depths."""
    model = network(name)
    if not (name == "canonical" and stitch == "average"):
        model.metres_per_unit.fill_(torch.nan)  # as before a student is trained
    told = seen_by(model, walk, gap, missing)
    lifter, plain = WindowLifter(model), ByPoints(model)
    assert lifter.keeps_rays
    fast, slow = (lift_sequence(each, *told, stitch, size) for each in (lifter, plain))
    torch.testing.assert_close(fast.teacher, slow.teacher, rtol=1e-5, atol=1e-5)
    assert (fast.rotations is None) == (slow.rotations is None)


@pytest.mark.parametrize("kind", [Wider, WiderInBothForms])
def test_depths_of_a_teacher_with_its_own_forward_or_slide_are_not_asked(kind, walk):
    model = network("canonical")
    told = seen_by(model, walk, gap=False, missing=False)
    model.teacher.__class__ = kind
    assert not WindowLifter(model).keeps_rays
    fast, slow = (lift_sequence(of(model), *told, "average", 8) for of in (WindowLifter, ByPoints))
    torch.testing.assert_close(fast.teacher, slow.teacher)


def test_depths_of_a_teacher_with_its_own_form_of_them_are_asked():
    model = network("canonical")
    plain = WindowLifter(model).depths(points(gaps=False))
    model.teacher.__class__ = WiderInDepths
    assert WindowLifter(model).keeps_rays
    torch.testing.assert_close(WindowLifter(model).depths(points(gaps=False)), 3.0 * plain)


@pytest.mark.parametrize("name", ["moving", "missing_and_moving"])
def test_a_teacher_that_moves_joints_keeps_no_rays(name):
    assert not WindowLifter(network(name)).keeps_rays
