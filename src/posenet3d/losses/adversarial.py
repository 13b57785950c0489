"""The game between lifter and discriminator: the paper's standard form, LSGAN and WGAN-GP.

A logit is the discriminator's raw answer for a window, positive for "real". Each form is a pair of
functions, both to be minimised: one for the discriminator, one for the generator (the lifter).
Numbers of real and fake windows may differ; each side is averaged on its own.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from einops import reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from posenet3d.errors import ShapeError
from posenet3d.typing import FakeLogits, RealLogits, Scalar, Windows2D


def standard_discriminator_loss(real_logits: RealLogits, fake_logits: FakeLogits) -> Scalar:
    r"""The standard adversarial loss, as the discriminator minimises it.

    :math:`-E[\log D(r)] - E[\log(1 - D(y))]` with :math:`D = \sigma(logit)`, Eq. 5 of PoseNet3D
    with its sign turned, since the discriminator maximises Eq. 5. Computed through softplus, so
    that it stays finite, with its gradient, for logits of any size.

    Args:
        real_logits: (real,) of windows of real 2D skeletons r.
        fake_logits: (fake,) of windows of reprojected ones y; detach these from the lifter.

    Returns:
        A positive scalar; 2 log 2 = 1.386 where the discriminator cannot tell (all logits 0).

    Example:
        >>> import torch
        >>> standard_discriminator_loss(torch.zeros(4), torch.zeros(6)).item()
        1.386...
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def standard_generator_loss(fake_logits: FakeLogits) -> Scalar:
    r"""The standard adversarial loss, as the lifter minimises it, in its non-saturating form.

    :math:`-E[\log D(y)]`, Goodfellow et al. 2014. Eq. 5 of PoseNet3D as printed has the lifter
    minimise :math:`E[\log(1 - D(y))]`, which has the same fixed point, but no gradient while the
    discriminator wins; the paper names no form, and this is the usual one.

    Args:
        fake_logits: (fake,) of windows of reprojected 2D skeletons.

    Returns:
        A positive scalar; log 2 where the discriminator cannot tell.

    Example:
        >>> import torch
        >>> standard_generator_loss(torch.zeros(4)).item()
        0.693...
    """
    return softplus(-fake_logits).mean()


def least_squares_discriminator_loss(real_logits: RealLogits, fake_logits: FakeLogits) -> Scalar:
    r"""The LSGAN loss of the discriminator: real windows to 1, reprojected ones to 0.

    :math:`\frac{1}{2} E[(D(r) - 1)^2] + \frac{1}{2} E[D(y)^2]`, Mao et al. 2017, Eq. 9, with D the
    logit itself.

    Args:
        real_logits: (real,) of windows of real 2D skeletons.
        fake_logits: (fake,) of windows of reprojected ones; detach these from the lifter.

    Returns:
        A non-negative scalar; 0.25 where the discriminator cannot tell (all logits 0.5).

    Example:
        >>> import torch
        >>> least_squares_discriminator_loss(torch.ones(4), torch.zeros(6)).item()
        0.0
    """
    return 0.5 * ((real_logits - 1.0).square().mean() + fake_logits.square().mean())


def least_squares_generator_loss(fake_logits: FakeLogits) -> Scalar:
    r"""The LSGAN loss of the lifter: reprojected windows to 1.

    :math:`\frac{1}{2} E[(D(y) - 1)^2]`, Mao et al. 2017, Eq. 9.

    Args:
        fake_logits: (fake,) of windows of reprojected 2D skeletons.

    Returns:
        A non-negative scalar; zero where the discriminator takes every window for real.

    Example:
        >>> import torch
        >>> least_squares_generator_loss(torch.zeros(4)).item()
        0.5
    """
    return 0.5 * (fake_logits - 1.0).square().mean()


def wasserstein_discriminator_loss(real_logits: RealLogits, fake_logits: FakeLogits) -> Scalar:
    r"""The WGAN loss of the critic: minus the estimated distance of real and fake windows.

    :math:`E[D(y)] - E[D(r)]`, Arjovsky et al. 2017. Only meaningful for a critic with bounded
    slope: add :func:`gradient_penalty`, times 10 in its paper.

    Args:
        real_logits: (real,) of windows of real 2D skeletons.
        fake_logits: (fake,) of windows of reprojected ones; detach these from the lifter.

    Returns:
        A scalar of either sign; zero where the critic cannot tell.

    Example:
        >>> import torch
        >>> wasserstein_discriminator_loss(torch.ones(4), torch.zeros(6)).item()
        -1.0
    """
    return fake_logits.mean() - real_logits.mean()


def wasserstein_generator_loss(fake_logits: FakeLogits) -> Scalar:
    r"""The WGAN loss of the lifter.

    :math:`-E[D(y)]`, Arjovsky et al. 2017.

    Args:
        fake_logits: (fake,) of windows of reprojected 2D skeletons.

    Returns:
        A scalar of either sign.

    Example:
        >>> import torch
        >>> wasserstein_generator_loss(torch.full((4,), 2.0)).item()
        -2.0
    """
    return -fake_logits.mean()


def gradient_penalty(
    discriminator: Callable[[Windows2D], Float[Tensor, " logits"]],
    real: Windows2D,
    fake: Windows2D,
    generator: torch.Generator | None = None,
) -> Scalar:
    r"""The penalty that keeps a WGAN critic's slope near one.

    :math:`E[(\|\nabla_{\hat x} D(\hat x)\| - 1)^2]` at :math:`\hat x = u r + (1 - u) y`, one
    :math:`u \sim U[0, 1)` a window, Gulrajani et al. 2017, Eq. 3. The norm is taken over a whole
    window. Gradients reach the discriminator's parameters only, not the two inputs.

    It differentiates the discriminator twice: run it eagerly (``torch.compile`` has no double
    backward), and without BatchNorm, which would mix the windows of a batch.

    Args:
        discriminator: takes windows, gives a logit each; the logits must depend on the windows.
            Of one that gives several, the slope of their sum is held near one.
        real: windows of real 2D skeletons (batch, frames, joints, 2).
        fake: as many windows of reprojected ones, same shape.
        generator: source of u, on the windows' device; the default one where ``None``.

    Returns:
        A non-negative scalar; one for a flat discriminator.

    Raises:
        ShapeError: the two shapes differ.

    Example:
        >>> import torch
        >>> real, fake = torch.zeros(4, 9, 14, 2), torch.ones(4, 9, 14, 2)
        >>> gradient_penalty(lambda windows: windows[:, 0, 0, 0] * 3.0, real, fake).item()
        4.0
    """
    if real.shape != fake.shape:
        raise ShapeError(
            "fake windows",
            expected=f"the real ones' {tuple(real.shape)}",
            got=f"{tuple(fake.shape)}",
        )
    weight = torch.rand(
        (real.shape[0], *[1] * (real.ndim - 1)),
        generator=generator, dtype=real.dtype, device=real.device,
    )  # fmt: skip
    with torch.enable_grad():
        between = torch.lerp(fake.detach(), real.detach(), weight).requires_grad_()
        logits = discriminator(between)
        (slope,) = torch.autograd.grad(logits.sum(), between, create_graph=True)
        norms = reduce(slope.square(), "batch ... -> batch", "sum").clamp_min(1e-24).sqrt()
        return (norms - 1.0).square().mean()


class DiscriminatorAccuracy(NamedTuple):
    """The share of windows that the discriminator names rightly, in 0 ... 1.

    Attributes:
        real: among the real windows.
        fake: among the reprojected ones.

    Example:
        >>> import torch
        >>> DiscriminatorAccuracy(torch.tensor(1.0), torch.tensor(0.5)).mean.item()
        0.75
    """

    real: Scalar
    fake: Scalar

    @property
    def mean(self) -> Scalar:
        """The mean of both shares: 0.5 for a discriminator that guesses."""
        return 0.5 * (self.real + self.fake)


def discriminator_accuracy(
    real_logits: RealLogits, fake_logits: FakeLogits, *, threshold: float = 0.0
) -> DiscriminatorAccuracy:
    """How often the discriminator is right, on real and on reprojected windows.

    Args:
        real_logits: (real,) of windows of real 2D skeletons.
        fake_logits: (fake,) of windows of reprojected ones.
        threshold: logits above it say "real": 0 for the standard loss, 0.5 for LSGAN; a WGAN
            critic has no such threshold.

    Returns:
        Both shares, without gradient. A logit at the threshold says nothing and counts half.

    Example:
        >>> import torch
        >>> accuracy = discriminator_accuracy(torch.tensor([2.0, -1.0]), torch.tensor([-3.0, 0.0]))
        >>> accuracy.real.item(), accuracy.fake.item()
        (0.5, 0.75)
    """
    real, fake = real_logits.detach() - threshold, threshold - fake_logits.detach()
    return DiscriminatorAccuracy(_share_above_zero(real), _share_above_zero(fake))


def _share_above_zero(margins: Float[Tensor, " windows"]) -> Scalar:
    return 0.5 * (margins.sign().mean() + 1.0)
