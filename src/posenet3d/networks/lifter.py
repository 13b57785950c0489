"""The teacher: a window of 2D skeletons to a window of 3D skeletons (Sect. 3.1)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.geometry import depth_from_offset, lift
from posenet3d.nn import (
    ResidualBlock,
    TemporalBackbone,
    fill_windows,
    linear_in_rows,
    small_output_layer,
    visible_joints,
)
from posenet3d.typing import Windows2D, Windows3D


class TeacherHead(nn.Module):
    r"""The teacher branch: a residual block, then a depth offset for each joint and frame.

    :math:`z_i^j = \max(1, c + o_i^j)` and :math:`X_i^j = (x_i^j z_i^j, y_i^j z_i^j, z_i^j)`,
    Sect. 3.1 of PoseNet3D. The output layer starts near zero, so that the first answer is flat.

    Args:
        channels: features C that the backbone gives.
        joints: joints J.
        frames: frames T of a window.
        distance: c, the distance of the root from the camera in head-to-root lengths.
        dropout: probability of dropping a feature.
        missing_joints: whether joints may be missing (NaN). Then the head answers where they are
            in the image too: a change of the guess that the window's other frames give.
        moves_joints: answer where the joints that are seen are in the image, too: a change of
            where the 2D has them. The paper's head leaves every joint on its ray, with all of a
            detector's errors.

    Example:
        >>> import torch
        >>> head = TeacherHead(8, frames=9)
        >>> head(torch.zeros(2, 8), torch.zeros(2, 9, 14, 2)).shape
        torch.Size([2, 9, 14, 3])
    """

    def __init__(
        self,
        channels: int,
        *,
        joints: int = 14,
        frames: int = 9,
        distance: float = 10.0,
        dropout: float = 0.25,
        missing_joints: bool = False,
        moves_joints: bool = False,
    ) -> None:
        super().__init__()
        self.joints, self.frames, self.distance = joints, frames, distance
        self.missing_joints, self.moves_joints = missing_joints, moves_joints
        self.block = ResidualBlock(channels, dropout=dropout)
        self.offsets = small_output_layer(channels, frames * joints)
        places = missing_joints or moves_joints
        self.places = small_output_layer(channels, 2 * frames * joints) if places else None

    def mirrored_parameters(self) -> tuple[nn.Parameter, ...]:
        """The output layer: negating it negates every depth offset, o to −o."""
        return tuple(self.offsets.parameters())

    def forward(self, features: Float[Tensor, "batch channels"], windows: Windows2D) -> Windows3D:
        """The 3D skeletons of the windows that the features were made of.

        Args:
            features: the backbone's features (batch, C).
            windows: the 2D skeletons (batch, T, J, 2), root-centred, normalised; NaN where a
                joint is missing, if the head takes that.

        Returns:
            3D skeletons (batch, T, J, 3) in the camera frame, head-to-root units.
        """
        made = self.block(features)
        shape = {"t": self.frames, "j": self.joints}
        offsets = rearrange(self.offsets(made), "b (t j) -> b t j", **shape)
        if self.places is not None:
            change = rearrange(self.places(made), "b (t j d) -> b t j d", **shape)
            windows = self._completed(windows, change)
        return lift(windows, depth_from_offset(offsets, self.distance))

    def slide(
        self, features: Float[Tensor, "windows channels"], points: Float[Tensor, "around joints 2"]
    ) -> Windows3D:
        """The 3D skeletons of every window of consecutive frames, for inference.

        A subclass with a :meth:`forward` of its own is asked window by window, unless it has a
        ``slide`` of its own too.

        They lie in memory with the windows as the last axis: one number of all windows is a row,
        which is several times as fast to compute, and afterwards to add up, as short runs of
        joints and axes are.

        Args:
            features: the backbone's features, one a window (windows, C).
            points: the frames that the windows are cut from (windows + T - 1, J, 2), as
                :meth:`forward` takes them.

        Returns:
            3D skeletons (windows, T, J, 3), as :meth:`forward` gives them.
        """
        made, joints = self.block(features), self.joints
        depth = rearrange(self._depths(made), "b t j -> t j b")
        rows = points.permute(2, 1, 0).contiguous().unfold(-1, len(features), 1)
        windows = rearrange(rows, "d j t b -> b t j d")
        if self.places is not None:
            change = rearrange(
                linear_in_rows(self.places, made), "(t j d) b -> b t j d", j=joints, d=2
            )
            if self.missing_joints and not bool(points.isfinite().all()):
                windows = self._completed(windows, change)
            elif self.moves_joints:
                windows = windows + change
        lifted = torch.cat([rearrange(windows, "b t j d -> d t j b") * depth, depth[None]])
        return rearrange(lifted, "d t j b -> b t j d")

    def slide_depths(
        self, features: Float[Tensor, "windows channels"]
    ) -> Float[Tensor, "windows frames joints"]:
        """The depths of every window, as :meth:`slide` has them; for inference.

        Where no joint is missing and the head moves none, they are all that it answers.

        Args:
            features: the backbone's features, one a window (windows, C).

        Returns:
            Depths (windows, T, J), head-to-root units, the windows as the last axis in memory.
        """
        return self._depths(self.block(features))

    def _depths(
        self, made: Float[Tensor, "windows channels"]
    ) -> Float[Tensor, "windows frames joints"]:
        offsets = linear_in_rows(self.offsets, made)
        depth = depth_from_offset(offsets, self.distance)
        return rearrange(depth, "(t j) b -> b t j", j=self.joints)

    def _completed(
        self, windows: Windows2D, change: Float[Tensor, "batch frames joints 2"]
    ) -> Windows2D:
        """The windows with an answer where a joint is missing, or everywhere."""
        if self.moves_joints:
            return (fill_windows(windows) if self.missing_joints else windows) + change
        visible = visible_joints(windows)[..., None]
        return torch.where(visible, windows, fill_windows(windows) + change)


class Lifter(nn.Module):
    """Backbone and teacher branch: 2D windows in, 3D skeletons out.

    Args:
        backbone: gives features (batch, C) of windows; any module with ``joints``, ``frames`` and
            ``channels`` that maps (batch, T, J, 2) to (batch, C).
        head: the teacher branch; by default a :class:`TeacherHead` for that backbone.
        distance: c of the default head.

    Example:
        >>> import torch
        >>> lifter = Lifter(TemporalBackbone(joints=14, frames=9, channels=16))
        >>> lifter(torch.zeros(2, 9, 14, 2)).shape
        torch.Size([2, 9, 14, 3])
    """

    def __init__(
        self,
        backbone: TemporalBackbone,
        head: TeacherHead | None = None,
        *,
        distance: float = 10.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        if head is None:
            head = TeacherHead(
                backbone.channels, joints=backbone.joints, frames=backbone.frames, distance=distance
            )
        self.head = head

    @property
    def receptive_field(self) -> int:
        """Frames of a window."""
        return self.backbone.frames

    def forward(self, windows: Windows2D) -> Windows3D:
        """3D skeletons (batch, T, J, 3), camera frame, head-to-root units.

        Args:
            windows: 2D skeletons (batch, T, J, 2), root-centred, normalised.

        Raises:
            ShapeError: if the windows have other frames or joints than the backbone.
        """
        joints: Tensor = self.head(self.backbone(windows), windows)
        return joints
