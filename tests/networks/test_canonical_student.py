"""The student that reads the teacher's skeleton in the person's own frame."""

import pytest
import torch

from posenet3d.errors import ShapeError
from posenet3d.geometry import orthonormalize, random_rotmat
from posenet3d.networks import CanonicalStudent, NetworkConfig, PoseNet3D
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips, torso_rotation

SMALL = {"name": "temporal", "options": {"channels": 16, "dropout": 0.0}}


def network(student: str = "canonical") -> PoseNet3D:
    torch.manual_seed(0)
    config = NetworkConfig(backbone=SMALL, discriminator=SMALL, student={"name": student})
    model = PoseNet3D(config).eval()
    torch.nn.init.normal_(model.student.pose[-1].weight, std=0.1)
    model.measure_scale(model.teacher_skeleton(windows()))
    return model


def windows() -> torch.Tensor:
    return 0.05 * torch.randn(3, 9, 14, 2, generator=torch.Generator().manual_seed(1))


def skeletons(count: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return centre_on_hips(torch.randn(count, 9, 14, 3, generator=generator, dtype=torch.float64))


def turned(points: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    return points @ rotation.mT


class TestTorsoRotation:
    def test_is_a_rotation_that_turns_with_the_body(self):
        points = skeletons()
        rotation = random_rotmat(generator=torch.Generator().manual_seed(3), dtype=points.dtype)
        trunk = torso_rotation(points)
        identity = torch.eye(3, dtype=points.dtype).expand_as(trunk)
        torch.testing.assert_close(trunk.mT @ trunk, identity, rtol=0, atol=1e-12)
        torch.testing.assert_close(torch.linalg.det(trunk), identity[..., 0, 0])
        again = torso_rotation(turned(points, rotation))
        torch.testing.assert_close(again, rotation @ trunk, rtol=0, atol=1e-10)

    def test_points_from_root_to_neck_and_to_the_left_hip(self):
        points = skeletons()
        own = points @ torso_rotation(points)
        neck, left, right = LSP_14.indices("neck", "left_hip", "right_hip")
        torch.testing.assert_close(own[..., neck, 0], torch.zeros_like(own[..., neck, 0]))
        torch.testing.assert_close(own[..., neck, 2], torch.zeros_like(own[..., neck, 2]))
        assert (own[..., neck, 1] > 0).all()
        assert (own[..., left, 0] > own[..., right, 0]).all()

    def test_has_finite_gradients_where_it_is_undefined(self):
        points = torch.zeros(14, 3, requires_grad=True)
        torso_rotation(points).square().sum().backward()
        assert points.grad.isfinite().all()


class TestCanonicalStudent:
    def test_turns_the_root_alone_when_the_skeleton_turns(self):
        torch.manual_seed(0)
        student = CanonicalStudent(8).double().eval()
        torch.nn.init.normal_(student.pose[-1].weight, std=0.1)
        points = skeletons()
        rotation = random_rotmat(generator=torch.Generator().manual_seed(4), dtype=points.dtype)
        features = torch.zeros(len(points), 8, dtype=points.dtype)
        betas, rotations = student(features, points)
        betas_again, again = student(features, turned(points, rotation))
        to_body = torch.diag(student.body_to_camera.double())
        torch.testing.assert_close(betas_again, betas)
        torch.testing.assert_close(again[:, :, 1:], rotations[:, :, 1:])
        torch.testing.assert_close(
            again[:, :, 0], to_body @ rotation @ to_body @ rotations[:, :, 0], rtol=0, atol=1e-9
        )

    def test_answers_the_rest_pose_facing_as_the_skeleton_does_at_first(self):
        torch.manual_seed(0)
        student = CanonicalStudent(8).eval()
        points = skeletons().float()
        betas, rotations = student(torch.zeros(len(points), 8), points)
        upright = student.body_to_camera[:, None] * torso_rotation(points)
        torch.testing.assert_close(rotations[:, :, 0], upright, rtol=0, atol=0.3)
        identity = torch.eye(3).expand_as(rotations[:, :, 1:])
        torch.testing.assert_close(rotations[:, :, 1:], identity, rtol=0, atol=0.3)
        assert betas.abs().max() < 0.3

    def test_works_for_single_frames(self):
        betas, rotations = CanonicalStudent(8, frames=1).eval()(
            torch.zeros(2, 8), torch.randn(2, 1, 14, 3)
        )
        assert betas.shape == (2, 10)
        assert rotations.shape == (2, 1, 24, 3, 3)


class TestFollow:
    def student(self, frames: int = 9) -> CanonicalStudent:
        torch.manual_seed(0)
        student = CanonicalStudent(8, frames=frames).double().eval()
        for last in (student.pose[-1], student.shape[-1]):
            torch.nn.init.normal_(last.weight, std=0.1)
        return student

    def motion(self, frames: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(5)
        steps = torch.randn(frames, 14, 3, generator=generator, dtype=torch.float64)
        return centre_on_hips(torch.randn(14, 3, generator=generator) + 0.02 * steps.cumsum(0))

    def test_answers_somebody_who_stands_still_as_every_window_does(self):
        student, still = self.student(), self.motion(1).expand(40, 14, 3)
        betas, rotations = student.follow(still)
        each = student(torch.zeros(1, 8, dtype=still.dtype), still[None, :9])
        torch.testing.assert_close(rotations, each.rotations[0, :1].expand_as(rotations))
        torch.testing.assert_close(betas, each.betas.expand_as(betas))

    def test_answers_as_the_middles_of_windows_do_but_for_the_neighbours(self):
        """Whose numbers are averaged with a frame's own before they become rotations."""
        student, motion = self.student(), self.motion(60)
        windows = motion.unfold(0, 9, 1).permute(0, 3, 1, 2)
        none = torch.zeros(52, 8, dtype=motion.dtype)
        numbers = []
        student.pose[-1].register_forward_hook(lambda _, __, found: numbers.append(found))
        middles = student(none, windows).rotations[:, 4]
        before, now, after = (numbers[0].unflatten(0, (52, 9))[:, 4][k : k + 50] for k in range(3))
        own = orthonormalize((now + student._at_rest(now)).unflatten(-1, (24, 3, 3)))
        upright = middles[1:-1, 0] @ own[:, 0].mT
        calm = before / 4 + now / 2 + after / 4
        calm = orthonormalize((calm + student._at_rest(calm)).unflatten(-1, (24, 3, 3)))
        calm[:, 0] = upright @ calm[:, 0]
        torch.testing.assert_close(student.follow(motion).rotations[5:-5], calm)

    def test_turns_with_the_person(self):
        student, motion = self.student(), self.motion(20)
        rotation = random_rotmat(generator=torch.Generator().manual_seed(4), dtype=motion.dtype)
        to_body = torch.diag(student.body_to_camera.double())
        betas, rotations = student.follow(motion)
        betas_again, again = student.follow(turned(motion, rotation))
        torch.testing.assert_close(betas_again, betas)
        torch.testing.assert_close(again[:, 1:], rotations[:, 1:])
        torch.testing.assert_close(
            again[:, 0], to_body @ rotation @ to_body @ rotations[:, 0], rtol=0, atol=1e-9
        )

    def test_gives_the_same_however_it_is_cut(self, monkeypatch):
        student, motion = self.student(), self.motion(50)
        whole = student.follow(motion)
        monkeypatch.setattr("posenet3d.networks.canonical_student._CHUNK", 7)
        torch.testing.assert_close(student.follow(motion), whole)

    @pytest.mark.parametrize("frames", [1, 9])
    @pytest.mark.parametrize("count", [1, 2, 8, 9, 10])
    def test_takes_motions_of_any_length(self, frames, count):
        betas, rotations = self.student(frames).follow(self.motion(count))
        assert rotations.shape == (count, 24, 3, 3)
        assert betas.shape == (max(1, count // frames), 10)
        assert rotations.isfinite().all()


class TestInTheNetwork:
    def test_lift_and_parameters_agree_with_the_skeleton_of_the_teacher(self):
        model = network()
        teacher = model.teacher_skeleton(windows())
        features = model.backbone(windows())
        expected = model.student_skeleton(features, teacher)
        found = model.lift(windows())["student"] * model.metres_per_unit
        torch.testing.assert_close(found, expected.joints.detach())
        torch.testing.assert_close(
            model.parameters_of(windows()).rotations, expected.parameters.rotations.detach()
        )

    def test_the_root_of_the_teacher_does_not_matter(self):
        model = network()
        features, teacher = model.backbone(windows()), model.teacher_skeleton(windows())
        torch.testing.assert_close(
            model.student_skeleton(features, teacher + 3.0).joints,
            model.student_skeleton(features, teacher).joints,
            rtol=0,
            atol=1e-5,
        )

    def test_asks_for_the_teachers_skeletons(self):
        model = network()
        with pytest.raises(ShapeError, match="teacher"):
            model.student_skeleton(model.backbone(windows()))
