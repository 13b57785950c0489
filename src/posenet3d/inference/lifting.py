"""A network's answer for windows: the teacher's skeletons and the student's body, in one pass."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.inference.fingerprint import Fingerprint
from posenet3d.networks import PoseNet3D
from posenet3d.nn import fill_windows, fold_norms, pack_linears
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.typing import Windows2D, Windows3D


class WindowAnswer(NamedTuple):
    """What a network says of windows.

    Attributes:
        teacher: skeletons (batch, T, 14, 3), camera frame, head-to-root units, about the hips.
        betas: shape coefficients (batch, betas); ``None`` without a trained student.
        rotations: local joint rotations (batch, T, bones, 3, 3); ``None`` likewise.
    """

    teacher: Windows3D
    betas: Float[Tensor, "batch betas"] | None
    rotations: Float[Tensor, "batch frames bones 3 3"] | None


class WindowLifter:
    """A network made ready to lift: copies of its parts, in eval mode and without BatchNorm.

    Its answers are those of the network's own parts within rounding
    (:func:`~posenet3d.nn.fold_norms`, :func:`~posenet3d.nn.pack_linears`). Later changes of the
    network are not seen, but told of by :meth:`is_current`.

    Args:
        model: the network.

    Attributes:
        model: the network.

    Example:
        >>> from posenet3d.networks import NetworkConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small)).eval()
        >>> lifter = WindowLifter(model)
        >>> lifter.lift(torch.zeros(2 + 8, 14, 2)).teacher.shape  # two windows of nine frames
        torch.Size([2, 9, 14, 3])
    """

    def __init__(self, model: PoseNet3D) -> None:
        self.model = model
        self._backbone = pack_linears(fold_norms(model.backbone))
        self._teacher = pack_linears(fold_norms(model.teacher))
        self._student = pack_linears(fold_norms(model.student)) if model.has_student else None
        self._made_of = Fingerprint.of(_parts_of(model))

    def is_current(self) -> bool:
        """Whether the network's parts and their numbers are those that this was made of.

        See :class:`~posenet3d.inference.fingerprint.Fingerprint` for what is looked at.
        """
        return self._made_of.fits(_parts_of(self.model))

    @property
    def follows(self) -> bool:
        """Whether the student can answer a stitched motion, each frame once, by its ``follow``."""
        return self._student is not None and _keeps_up(self._student, "follow")

    @property
    def keeps_rays(self) -> bool:
        """Whether the teacher leaves joints that are seen on their rays, and tells depths alone."""
        on_rays = not getattr(self._teacher, "moves_joints", True)
        return on_rays and _keeps_up(self._teacher, "slide_depths", "forward", "slide")

    @torch.no_grad()
    def depths(self, points: Float[Tensor, "around 14 2"]) -> Float[Tensor, "windows frames 14"]:
        """The depths that the teacher answers with; only where it :attr:`keeps_rays`.

        Args:
            points: as for :meth:`lift`; no joint is missing.

        Returns:
            Depths (windows, T, 14) in head-to-root units: with ``points`` they give the skeletons
            of :meth:`lift`, before these are put about their hips.
        """
        found: Tensor = self._teacher.slide_depths(self._features(points))
        return found

    @torch.no_grad()
    def lift(self, points: Float[Tensor, "around 14 2"], *, body: bool = True) -> WindowAnswer:
        """The answer for every window of consecutive frames.

        A network that takes missing joints is told of them; others are given the guess of
        :func:`~posenet3d.nn.fill_windows`, which differs from window to window. Where there is
        none, a backbone that can ``slide`` computes what windows share once. A subclass that has
        a ``forward`` of its own and inherits ``slide`` is asked window by window.

        Args:
            points: (windows + T - 1, 14, 2), root-centred, normalised, NaN where a joint is
                missing.
            body: whether the student is asked too.

        Returns:
            `WindowAnswer`.
        """
        shared = self.model.config.missing_joints or bool(points.isfinite().all())
        told = self._windows(points) if shared else fill_windows(self._windows(points))
        features = self._features(points) if shared else self._backbone(told)
        if shared and _keeps_up(self._teacher, "slide"):
            teacher = centre_on_hips(self._teacher.slide(features, points))
        else:
            teacher = centre_on_hips(self._teacher(features, told))
        if self._student is None or not body:
            return WindowAnswer(teacher, None, None)
        seen = (features, teacher) if self.model.student_sees_teacher else (features,)
        betas, rotations = self._student(*seen)
        return WindowAnswer(teacher, betas, rotations)

    @torch.no_grad()
    def follow(
        self, teacher: Float[Tensor, "frames 14 3"]
    ) -> tuple[Float[Tensor, "windows betas"], Float[Tensor, "frames bones 3 3"]]:
        """The student's body of a stitched motion without gaps; only where it :attr:`follows`.

        Args:
            teacher: skeletons as in `WindowAnswer`, one a frame.

        Returns:
            Shapes of some windows, and the rotations of every frame.
        """
        betas, rotations = self._student.follow(teacher)  # type: ignore[union-attr]
        return betas, rotations

    def _features(self, points: Float[Tensor, "around 14 2"]) -> Float[Tensor, "windows channels"]:
        """The backbone's features of points that it takes as they are."""
        if _keeps_up(self._backbone, "slide"):
            shared: Tensor = self._backbone.slide(points[None])
            return shared[0]
        apart: Tensor = self._backbone(self._windows(points))
        return apart

    def _windows(self, points: Float[Tensor, "around 14 2"]) -> Windows2D:
        return points.unfold(0, self.model.receptive_field, 1).permute(0, 3, 1, 2)


def _parts_of(model: PoseNet3D) -> tuple[nn.Module | None, ...]:
    """What lifts: backbone, teacher and the student, if it is trained."""
    return model.backbone, model.teacher, model.student if model.has_student else None


def _keeps_up(part: nn.Module, fast: str, *plain: str) -> bool:
    """Whether a part has a fast form that is not older than the plain ones, or ``forward``."""
    for names in (vars(part), *map(vars, type(part).__mro__)):
        if fast in names or any(name in names for name in plain or ("forward",)):
            return fast in names
    return False
