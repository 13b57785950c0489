"""A student that reads the teacher's skeleton in the person's own frame; not the paper's."""

from typing import NamedTuple, cast

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.geometry import orthonormalize
from posenet3d.geometry.in_rows import add_up
from posenet3d.networks.student import BodyParameters, Orthonormalization
from posenet3d.nn import LinearBlock, ResidualBlock, product, small_output_layer
from posenet3d.skeletons.anatomy import torso_rotation
from posenet3d.typing import Rotations, Windows3D

SPEED_GAIN = 20.0
"""Joints move some twentieth of their distance from the root in a frame."""


_CHUNK = 2048  # frames whose numbers stay near the processor
_TRUNKS = 4096  # frames whose trunks' rotations are found together: fewer numbers, more steps


class FollowedBody(NamedTuple):
    """The body of a whole motion.

    Attributes:
        betas: shape coefficients (windows, betas) of windows that do not overlap.
        rotations: local joint rotations (frames, bones, 3, 3).
    """

    betas: Float[Tensor, "windows betas"]
    rotations: Float[Tensor, "frames bones 3 3"]


class CanonicalStudent(nn.Module):
    r"""Inverse kinematics learnt frame by frame: the teacher's skeleton in, body parameters out.

    The paper's student makes 216 T numbers of the backbone's features, so it has to learn each
    pose anew for every direction that a person may face. This one turns the teacher's skeleton
    into the trunk's own frame first (:func:`~posenet3d.skeletons.anatomy.torso_rotation`), where
    a pose looks the same from everywhere:

    .. math:: c = A^{\mathsf T} (X - X_r), \qquad R_1 = B A \, R'_1,

    with A the trunk's rotation, B = diag(1, -1, -1) from body to camera, and R'_1 and all other
    rotations the network's answer. All frames share its weights; a frame is told its own c, its
    speed, and the window's mean. The window's shape comes from all its frames at once.

    With the same body, losses and steps its skeletons are half as far from the teacher's;
    ``benchmarks/results/student_trials.md``.

    Args:
        channels: features C that the backbone gives; here only the default width.
        frames: frames T of a window.
        bones: joints K of the body model.
        betas: shape coefficients.
        width: features of the layers; C by default.
        blocks: residual blocks.
        dropout: probability of dropping a feature.
        method: how matrices are made rotations, see :func:`posenet3d.geometry.orthonormalize`.

    Attributes:
        sees_teacher: true, which asks for the teacher's skeletons as a second argument.

    Example:
        >>> student = CanonicalStudent(8, frames=9)
        >>> betas, rotations = student(torch.zeros(2, 8), torch.randn(2, 9, 14, 3))
        >>> rotations.shape
        torch.Size([2, 9, 24, 3, 3])
    """

    body_to_camera: Tensor

    sees_teacher = True

    def __init__(
        self,
        channels: int,
        *,
        frames: int = 9,
        bones: int = 24,
        betas: int = 10,
        joints: int = 14,
        width: int | None = None,
        blocks: int = 2,
        dropout: float = 0.0,
        method: Orthonormalization = "gram_schmidt",
    ) -> None:
        super().__init__()
        self.frames, self.bones, self.method = frames, bones, method
        width = channels if width is None else width
        self.pose = _layers(3 * 3 * joints, width, 9 * bones, blocks, dropout)
        self.shape = _layers(3 * joints * frames, width, betas, blocks, dropout)
        self.register_buffer("body_to_camera", torch.tensor([1.0, -1.0, -1.0]), persistent=False)

    def forward(
        self, features: Float[Tensor, "batch channels"], skeletons: Windows3D
    ) -> BodyParameters:
        """The body parameters of the windows whose skeletons the teacher gave.

        Args:
            features: the backbone's features (batch, C); not looked at.
            skeletons: the teacher's joints (batch, T, 14, 3), camera frame, head-to-root units,
                hips at the origin.

        Returns:
            Shape coefficients and rotations.
        """
        trunk = torso_rotation(skeletons)
        canonical = (skeletons @ trunk).flatten(2)
        mean = canonical.mean(1, keepdim=True).expand_as(canonical)
        told = torch.cat([canonical, SPEED_GAIN * _speed(canonical), mean], dim=-1)
        numbers = rearrange(self.pose(told.flatten(0, 1)), "(b t) n -> b t n", t=told.shape[1])
        rotations = self._rotations(numbers)
        root = self._upright(trunk, rotations.dtype) @ rotations[..., 0, :, :]
        rotations = torch.cat([root[..., None, :, :], rotations[..., 1:, :, :]], dim=-3)
        return BodyParameters(self.shape(canonical.flatten(1)), rotations)

    @torch.no_grad()
    def follow(self, skeletons: Float[Tensor, "frames 14 3"]) -> FollowedBody:
        """The body of a motion: each frame is answered once, not once a window that holds it.

        A frame is told its neighbours and the mean of the window around it; before the numbers
        become rotations, each frame's are averaged with its neighbours' (1/4, 1/2, 1/4). On motion
        whose windows agree this comes near the mean over the windows of :meth:`forward`, at a
        ninth of the work; ``benchmarks/results/stitching.md`` compares them.

        Args:
            skeletons: a motion of the teacher's, such as the mean over its windows (frames, 14,
                3), without a gap; frame, unit and origin as for :meth:`forward`. The first and
                last frame stand for those before and after.

        Returns:
            Rotations for each frame, and the shape for every T-th window; without gradients.
        """
        count, reach = len(skeletons), self.frames // 2 + 1
        around = skeletons.new_empty(count + 2 * reach, skeletons[0].numel())
        canonical = around[reach : count + reach]
        upright = self._put_in_own_frames(skeletons, canonical)
        around[:reach], around[count + reach :] = canonical[0], canonical[-1]
        rows = skeletons.new_empty(self.bones, 3, 3, count)
        for first in range(0, count, _CHUNK):
            some = slice(first, min(first + _CHUNK, count))
            turned = self._pose_of(around[first : some.stop + 2 * reach]).permute(1, 2, 3, 0)
            rows[1:, ..., some] = turned[1:]
            add_up(upright[:, :, None, some].unbind(1), turned[0].unbind(), out=rows[0, ..., some])
        return FollowedBody(self._shapes_of(canonical), rows.permute(3, 0, 1, 2))

    def _pose_of(
        self, canonical: Float[Tensor, "around numbers"]
    ) -> Float[Tensor, "frames bones 3 3"]:
        """The rotations of consecutive frames, less T // 2 + 1 at each end, in the trunk's frame.

        They lie in memory with the frames as the last axis, as they are fastest computed.
        """
        half = self.frames // 2
        inner = slice(half, len(canonical) - half)
        speed = _speed(canonical[None])[0] if half else torch.zeros_like(canonical)
        mean = canonical.unfold(0, self.frames, 1).mean(-1)
        told = torch.cat([canonical[inner], SPEED_GAIN * speed[inner], mean], dim=-1)
        last = cast(nn.Linear, self.pose[-1])
        calm = product(last.weight / 4, self.pose[:-1](told).T)
        for _ in range(2):  # neighbours' sums twice are 1, 2 and 1 fourths
            calm = calm[:, 1:] + calm[:, :-1]
        calm += (last.bias + self._at_rest(calm))[:, None]  # once: their mean is the same
        return self._orthonormal(calm.T)

    def _shapes_of(
        self, canonical: Float[Tensor, "frames numbers"]
    ) -> Float[Tensor, "windows betas"]:
        """The shape by windows that do not overlap; of fewer frames, by the one around them."""
        missing = max(0, self.frames - len(canonical))
        if missing:
            around = torch.arange(self.frames, device=canonical.device) - missing // 2
            canonical = canonical[around.clamp(0, len(canonical) - 1)]
        whole = len(canonical) // self.frames * self.frames
        windows = rearrange(canonical[:whole], "(w t) n -> w (t n)", t=self.frames)
        return torch.cat([self.shape(some) for some in torch.split(windows, _CHUNK)])

    def _rotations(
        self, numbers: Float[Tensor, "*batch numbers"]
    ) -> Float[Tensor, "*batch bones 3 3"]:
        """The rotations of the layers' numbers, the root's in the trunk's frame."""
        return self._orthonormal(numbers + self._at_rest(numbers))

    def _orthonormal(
        self, numbers: Float[Tensor, "*batch numbers"]
    ) -> Float[Tensor, "*batch bones 3 3"]:
        matrices = rearrange(numbers, "... (k i j) -> ... k i j", k=self.bones, i=3)
        return orthonormalize(matrices, method=self.method)

    def _at_rest(self, like: Tensor) -> Float[Tensor, " numbers"]:
        """The numbers of bones that are not turned: what the layers' are told from."""
        return torch.eye(3, device=like.device, dtype=like.dtype).flatten().repeat(self.bones)

    def _upright(self, trunk: Rotations, dtype: torch.dtype) -> Rotations:
        """What turns the root to where the trunk faces."""
        return (self.body_to_camera.to(trunk.dtype)[:, None] * trunk).to(dtype)

    def _put_in_own_frames(
        self,
        skeletons: Float[Tensor, "frames 14 3"],
        canonical: Float[Tensor, "frames numbers"],
    ) -> Float[Tensor, "3 3 frames"]:
        """Puts a motion's skeletons into the trunks' own frames; what turns each root upright."""
        upright = skeletons.new_empty(3, 3, len(skeletons))
        for first in range(0, len(skeletons), _TRUNKS):
            some = slice(first, first + _TRUNKS)
            trunks = torso_rotation(skeletons[some]).permute(1, 2, 0).contiguous()
            x, y, z = (rows[:, None] for rows in skeletons[some].permute(2, 1, 0).contiguous())
            a, b, c = trunks
            canonical[some] = (x * a).addcmul_(y, b).addcmul_(z, c).flatten(0, 1).T
            upright[..., some] = self.body_to_camera[:, None, None] * trunks
        return upright


def _layers(inputs: int, width: int, outputs: int, blocks: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        LinearBlock(inputs, width, dropout=dropout),
        *(ResidualBlock(width, dropout=dropout) for _ in range(blocks)),
        small_output_layer(width, outputs),
    )


def _speed(values: Float[Tensor, "batch frames numbers"]) -> Float[Tensor, "batch frames numbers"]:
    """Half the difference between a frame's neighbours; the window's ends are repeated."""
    padded = torch.cat([values[:, :1], values, values[:, -1:]], dim=1)
    return (padded[:, 2:] - padded[:, :-2]) / 2
