"""The forward pass of one batch: every intermediate once, and only if something asks for it.

Each property is one arrow of the paper's Figure 1. A stage's objectives ask for what they need;
what they do not ask for is never computed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, TypeVar, overload

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from posenet3d.geometry import least_squares_scale, reproject
from posenet3d.networks import PoseNet3D, StudentSkeleton
from posenet3d.nn import hide, visible_joints
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips
from posenet3d.training.adversary import FORMS, AdversarialForm
from posenet3d.training.config import TrainerConfig
from posenet3d.training.stage import Branch, StageConfig
from posenet3d.typing import Rotations, Scalar, Windows2D, Windows3D

MM_PER_METRE = 1000.0

Value = TypeVar("Value")


class once(cached_property[Value]):  # noqa: N801 (it reads as property does)
    """A property that is computed when it is first asked for, and kept.

    :class:`functools.cached_property` without the lock that Python 3.11's takes: the compiler
    cannot enter one, and would cut a step into some twenty graphs.
    """

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> "once[Value]": ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Value: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self.func(instance)
        instance.__dict__[self.func.__name__] = value
        return value


@dataclass(frozen=True)
class ForwardSettings:
    """What of the configuration the forward pass depends on.

    Attributes:
        form: the adversarial loss.
        distillation_unit: the unit of length in L_S.
        kd_scale: how the teacher is brought to the body's size.
        regularize_root: whether Eq. 8 counts the root.
        balance_distillation: whether L_S is divided by (mm per unit)².

    Example:
        >>> config = TrainerConfig.preset("quick")
        >>> ForwardSettings.of(config, config.stages[3]).balance_distillation
        True
    """

    form: AdversarialForm
    distillation_unit: Literal["mm", "head_to_root"] = "mm"
    kd_scale: Literal["measured", "window"] = "measured"
    regularize_root: bool = True
    balance_distillation: bool = False

    @classmethod
    def of(cls, config: TrainerConfig, stage: StageConfig) -> "ForwardSettings":
        """What a stage of a run depends on."""
        return cls(
            form=FORMS[config.adversarial.form],
            distillation_unit=config.distillation_unit,
            kd_scale=config.kd_scale,
            regularize_root=config.regularize_root,
            balance_distillation=stage.balance_distillation,
        )


class Forward:
    """Everything that one batch gives rise to; what an objective is a function of.

    Args:
        model: the network.
        batch: windows with the frame that follows (batch, T + 1, 14, 2), normalised.
        settings: the choices that the losses depend on.
        views: rotations (batch, 3, 3) that turn a branch's skeletons; the model's view sampler
            draws those of a branch that is missing here.
        exact: the batch before it was spoilt; by default the batch is not.
        before: gives the skeletons that exact windows ask for (batch, T, 14, 3), centred on the
            hips; by default the network as it is.
    """

    def __init__(
        self,
        model: PoseNet3D,
        batch: Windows2D,
        settings: ForwardSettings,
        views: Mapping[Branch, Rotations] = MappingProxyType({}),
        *,
        exact: Windows2D | None = None,
        before: Callable[[Windows2D], Windows3D] | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self.views = views
        self.now: Windows2D = batch[:, :-1]
        """The windows x(t) (batch, T, 14, 2)."""
        self.later: Windows2D = batch[:, 1:]
        """The windows a frame later, x(t + 1)."""
        self.exact: Windows2D = self.now if exact is None else exact[:, :-1]
        """The windows x(t) before they were spoilt; x(t) itself in a stage that spoils none."""
        self._before = before

    @once
    def features(self) -> Float[Tensor, "batch channels"]:
        """The backbone's features of x(t)."""
        features: Tensor = self.model.backbone(self.now)
        return features

    @once
    def teacher_joints(self) -> Windows3D:
        """X, the teacher's skeletons of x(t): camera frame, head-to-root units."""
        joints: Tensor = self.model.teacher(self.features, self.now)
        return joints

    @once
    def later_teacher_joints(self) -> Windows3D:
        """X(t + 1), the teacher's skeletons of the windows a frame later."""
        return self.model.teacher_skeleton(self.later)

    @once
    def wanted_joints(self) -> Windows3D:
        """The teacher's skeletons of the exact windows when the stage began, hips at the origin."""
        if self._before is not None:
            return self._before(self.exact)
        return centre_on_hips(self.model.teacher_skeleton(self.exact)).detach()

    @once
    def known_joints(self) -> Bool[Tensor, "batch frames joints"] | None:
        """Which joints the exact windows have; ``None`` for a network that takes no others."""
        return visible_joints(self.exact) if self.model.config.missing_joints else None

    @once
    def teacher_turned(self) -> Windows3D:
        """Y = Q (X − X_r) + C, the teacher's skeletons from a random view (Eq. 1)."""
        return self._teacher_view[0]

    @once
    def teacher_reprojection(self) -> Windows2D:
        """y, the 2D image of Y, centred on its own hips as real input is."""
        return self._teacher_view[1]

    @once
    def relifted(self) -> Windows3D:
        """Y~ = G_T(y), the teacher's skeletons of its own reprojection (Eq. 2)."""
        return self.model.teacher_skeleton(self._masked(self.teacher_reprojection))

    @once
    def turned_back(self) -> Windows2D:
        """The 2D image of Y~ turned back by the inverse of Q, about the hips: x again, ideally."""
        return self._from(self._rotation("teacher").mT, self.relifted)[1]

    @once
    def student(self) -> StudentSkeleton:
        """The student's skeletons in metres, camera frame, hips at the origin; its parameters."""
        teacher = self.teacher_joints if self.model.student_sees_teacher else None
        return self.model.student_skeleton(self.features, teacher)

    @once
    def student_reprojection(self) -> Windows2D:
        """The 2D image of the student's skeletons from a random view of its own."""
        return self._seen(self.student.joints / self.model.metres_per_unit, "student")[1]

    @once
    def student_image(self) -> Windows2D:
        """The 2D image of the student's skeletons from the camera itself, roots at depth c."""
        skeletons = self.student.joints / self.model.metres_per_unit
        return self._from(torch.eye(3).to(skeletons).expand(len(skeletons), 3, 3), skeletons)[1]

    @once
    def image_in_distillation(self) -> Scalar:
        """What the unit of L_S spans, at depth c, to a unit of the image."""
        in_mm = self.settings.distillation_unit == "mm"
        unit = self.mm_per_unit if in_mm else torch.ones_like(self.mm_per_unit)
        return self.model.config.distance * unit

    @once
    def mm_per_unit(self) -> Scalar:
        """Millimetres of the body to one head-to-root unit."""
        return self.model.metres_per_unit * MM_PER_METRE

    @once
    def student_in_distillation(self) -> Windows3D:
        """The student's skeletons in the unit of L_S."""
        if self.settings.distillation_unit == "mm":
            return self.student.joints * MM_PER_METRE
        return self.student.joints / self.model.metres_per_unit

    @once
    def teacher_in_distillation(self) -> Windows3D:
        """The teacher's skeletons in the unit of L_S, hips at the origin."""
        teacher = centre_on_hips(self.teacher_joints)
        if self.settings.kd_scale == "window":
            return teacher * self._fitted_scale(teacher)[:, None, None, None]
        return teacher * self.mm_per_unit if self.settings.distillation_unit == "mm" else teacher

    @once
    def distillation_factor(self) -> Scalar:
        """What L_S is multiplied by: 1, or 1 / (mm per unit)² where it is balanced."""
        in_mm = self.settings.distillation_unit == "mm"
        if in_mm and self.settings.balance_distillation:
            return 1 / self.mm_per_unit.square()
        return torch.ones_like(self.mm_per_unit)

    def judge(self, windows: Windows2D) -> Float[Tensor, " logits"]:
        """The discriminator's logits of 2D windows: one each, or as many as it has judges."""
        logits: Tensor = self.model.discriminator(windows)
        return logits

    def reprojection(self, branch: Branch) -> Windows2D:
        """The reprojections y of a branch (batch, T, 14, 2)."""
        return self.teacher_reprojection if branch == "teacher" else self.student_reprojection

    def fakes(self, branch: Branch) -> Windows2D:
        """What the discriminator is to take for real: a branch's reprojections.

        With the frame that follows, (batch, T + 1, 14, 2), where the discriminator looks at it
        too; seen from the same view.
        """
        if not self.model.judges_following:
            return self._masked(self.reprojection(branch))
        both = torch.cat([self.reprojection(branch), self._following(branch)], dim=1)
        return self._masked(both)

    def seen(self, image: Windows2D) -> Windows2D:
        """What an image of x(t) is compared with: x, and the image itself where x is missing."""
        if not self.model.config.missing_joints:
            return self.now
        return torch.where(visible_joints(self.now)[..., None], self.now, image)

    def _masked(self, image: Windows2D) -> Windows2D:
        """An image in which joints are missing as in real windows: as in another one of the batch.

        The masks of the batch are dealt out anew, half the batch further on, so that a mask says
        nothing about whether a window is real, and joints that were missing in the window itself
        are mostly seen in its image: there re-lifting and the discriminator judge the answers.
        """
        if not self.model.config.missing_joints:
            return image
        frames = torch.cat([self.now, self.later[:, -1:]], dim=1)[:, : image.shape[1]]
        return hide(image, ~visible_joints(frames).roll(len(image) // 2, dims=0))

    def _following(self, branch: Branch) -> Windows2D:
        """The reprojection of the frame that follows the window."""
        if branch == "teacher":
            skeletons = self.later_teacher_joints
        else:
            features: Tensor = self.model.backbone(self.later)
            teacher = self.later_teacher_joints if self.model.student_sees_teacher else None
            student = self.model.student_skeleton(features, teacher)
            skeletons = student.joints / self.model.metres_per_unit
        return self._seen(skeletons[:, -1:], branch)[1]

    @once
    def _teacher_view(self) -> tuple[Windows3D, Windows2D]:
        return self._seen(self.teacher_joints, "teacher")

    def _seen(self, skeletons: Windows3D, branch: Branch) -> tuple[Windows3D, Windows2D]:
        """Skeletons turned by one random rotation a window, and their 2D image about the hips."""
        return self._from(self._rotation(branch), skeletons)

    def _rotation(self, branch: Branch) -> Rotations:
        """Q of a branch, the same whoever asks."""
        if branch not in self.views:
            drawn: Tensor = self.model.views(len(self.now))
            self.views = {**self.views, branch: drawn}
        return self.views[branch]

    def _from(self, rotation: Rotations, skeletons: Windows3D) -> tuple[Windows3D, Windows2D]:
        """Skeletons turned about their roots, and their 2D image about the hips."""
        turned, image = reproject(
            skeletons, middle_of_hips(skeletons), rotation[:, None], self.model.config.distance
        )
        return turned, centre_on_hips(image)

    def _fitted_scale(self, teacher: Windows3D) -> Float[Tensor, " batch"]:
        student = self.student_in_distillation.detach()
        return least_squares_scale(teacher.detach().flatten(1, 2), student.flatten(1, 2))
