"""Eq. 5 and its relatives against loops written straight from the papers, and their laws."""

import math

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from posenet3d.errors import ShapeError
from posenet3d.losses import (
    discriminator_accuracy,
    gradient_penalty,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    standard_discriminator_loss,
    standard_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)

FEW = settings(max_examples=25, deadline=None)
DISCRIMINATOR = [
    standard_discriminator_loss,
    least_squares_discriminator_loss,
    wasserstein_discriminator_loss,
]
GENERATOR = [standard_generator_loss, least_squares_generator_loss, wasserstein_generator_loss]
LOGITS = st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=6).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


def close(value, expected):
    return value.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


def probability(logit):
    return 1 / (1 + math.exp(-float(logit)))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@FEW
@given(LOGITS, LOGITS)
def test_the_standard_loss_is_equation_5_with_its_sign_turned(real, fake):
    equation_5 = mean(math.log(probability(r)) for r in real)
    equation_5 += mean(math.log(1 - probability(y)) for y in fake)
    assert standard_discriminator_loss(real, fake).item() == pytest.approx(-equation_5, rel=1e-9)
    lifter = -mean(math.log(probability(y)) for y in fake)
    assert standard_generator_loss(fake).item() == pytest.approx(lifter, rel=1e-9)


@FEW
@given(LOGITS, LOGITS)
def test_least_squares_and_wasserstein_losses_are_their_papers_sums(real, fake):
    squares = 0.5 * mean((float(r) - 1) ** 2 for r in real) + 0.5 * mean(
        float(y) ** 2 for y in fake
    )
    assert close(least_squares_discriminator_loss(real, fake), squares)
    assert close(least_squares_generator_loss(fake), 0.5 * mean((float(y) - 1) ** 2 for y in fake))
    distance = mean(map(float, real)) - mean(map(float, fake))
    assert close(wasserstein_discriminator_loss(real, fake), -distance)
    assert close(wasserstein_generator_loss(fake), -mean(map(float, fake)))


@FEW
@given(LOGITS, LOGITS)
def test_the_standard_loss_treats_real_and_fake_as_mirror_images(real, fake):
    swapped = standard_discriminator_loss(-fake, -real)
    assert close(swapped, standard_discriminator_loss(real, fake).item())
    swapped = least_squares_discriminator_loss(1 - fake, 1 - real)
    assert close(swapped, least_squares_discriminator_loss(real, fake).item())


@FEW
@given(LOGITS, LOGITS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_windows_do_not_matter(real, fake, random):
    order = random.sample(range(len(real)), len(real))
    for loss in DISCRIMINATOR:
        assert close(loss(real[order].repeat(2), fake.repeat(3)), loss(real, fake).item())
    for loss in GENERATOR:
        assert close(loss(fake.flip(0).repeat(2)), loss(fake).item())


@pytest.mark.parametrize("loss", DISCRIMINATOR)
def test_the_discriminator_gains_from_telling_them_apart(loss):
    apart = loss(torch.ones(4), torch.zeros(4))
    assert apart < loss(torch.full((4,), 0.5), torch.full((4,), 0.5))
    assert apart < loss(torch.zeros(4), torch.ones(4))


@pytest.mark.parametrize("loss", GENERATOR)
def test_the_lifter_gains_from_looking_real(loss):
    assert loss(torch.ones(4)) < loss(torch.zeros(4)) < loss(torch.full((4,), -1.0))


def test_a_discriminator_that_guesses_scores_twice_log_two():
    assert close(standard_discriminator_loss(torch.zeros(3).double(), torch.zeros(5).double()),
                 2 * math.log(2))  # fmt: skip


@pytest.mark.parametrize("size", [1e2, 1e4, 3e38])
def test_huge_logits_keep_the_loss_and_its_gradient_finite(size):
    real = torch.tensor([size, -size / 2], requires_grad=True)
    fake = torch.tensor([-size, size / 2], requires_grad=True)
    loss = standard_discriminator_loss(real, fake) + standard_generator_loss(fake)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(real.grad).all()
    assert torch.isfinite(fake.grad).all()


def test_the_lifter_learns_most_while_the_discriminator_wins():
    fake = torch.tensor([-50.0], requires_grad=True)
    standard_generator_loss(fake).backward()
    assert fake.grad.item() == pytest.approx(-1.0)


def test_losses_have_correct_gradients():
    real = torch.tensor([-2.0, 0.3, 4.0], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([-3.0, 0.7], dtype=torch.float64, requires_grad=True)
    for loss in DISCRIMINATOR:
        assert gradcheck(loss, (real, fake))
    for loss in GENERATOR:
        assert gradcheck(loss, (fake,))


def windows(seed_phase):
    grid = torch.linspace(0, 5, 3 * 2 * 4 * 2, dtype=torch.float64)
    return (grid + seed_phase).sin().reshape(3, 2, 4, 2)


@FEW
@given(st.lists(st.floats(-2, 2), min_size=16, max_size=16))
def test_the_penalty_of_a_linear_critic_is_its_slope_less_one_squared(slope):
    weight = torch.tensor(slope, dtype=torch.float64).reshape(2, 4, 2)
    value = gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), windows(0), windows(1))
    assert value.item() == pytest.approx((math.hypot(*slope) - 1) ** 2, abs=1e-9)


def test_the_penalty_of_a_curved_critic_is_taken_between_real_and_fake():
    real, fake = windows(0), windows(1)
    share = torch.rand(
        (3, 1, 1, 1), generator=torch.Generator().manual_seed(7), dtype=torch.float64
    )
    expected = mean(
        (math.hypot(*(2 * (u * r + (1 - u) * y)).flatten().tolist()) - 1) ** 2
        for u, r, y in zip(share, real, fake, strict=True)
    )
    value = gradient_penalty(
        lambda x: x.square().sum(dim=(1, 2, 3)), real, fake, torch.Generator().manual_seed(7)
    )
    assert close(value, expected)


def test_the_penalty_teaches_the_critic_and_nothing_else():
    real, fake = windows(0).requires_grad_(), windows(1).requires_grad_()
    weight = windows(2)[0].clone().requires_grad_()

    def penalty(weight):
        return gradient_penalty(
            lambda x: (x.square() * weight).sum(dim=(1, 2, 3)).tanh(),
            real,
            fake,
            torch.Generator().manual_seed(3),
        )

    penalty(weight).backward()
    assert weight.grad.abs().sum() > 0
    assert real.grad is None
    assert fake.grad is None
    assert gradcheck(penalty, (weight,))
    assert gradgradcheck(penalty, (weight,))


def test_a_flat_critic_has_a_finite_penalty_gradient():
    weight = torch.zeros(2, 4, 2, dtype=torch.float64, requires_grad=True)
    value = gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), windows(0), windows(1))
    value.backward()
    assert value.item() == pytest.approx(1.0)
    assert torch.isfinite(weight.grad).all()


def test_the_penalty_can_be_measured_without_gradient_mode():
    with torch.no_grad():
        value = gradient_penalty(lambda x: 3 * x[:, 0, 0, 0], windows(0), windows(1))
    assert close(value, 4.0)


def test_the_penalty_refuses_other_numbers_of_real_and_fake_windows(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ShapeError, match="fake windows"):
        gradient_penalty(lambda x: x[:, 0, 0, 0], windows(0), windows(1)[:2])


@FEW
@given(LOGITS, LOGITS, st.sampled_from([0.0, 0.5]))
def test_accuracy_counts_right_answers_and_halves_ties(real, fake, threshold):
    accuracy = discriminator_accuracy(real, fake, threshold=threshold)
    on_real = mean(float(r > threshold) + 0.5 * float(r == threshold) for r in real)
    on_fake = mean(float(y < threshold) + 0.5 * float(y == threshold) for y in fake)
    assert accuracy.real.item() == pytest.approx(on_real)
    assert accuracy.fake.item() == pytest.approx(on_fake)
    assert accuracy.mean.item() == pytest.approx((on_real + on_fake) / 2)


def test_accuracy_carries_no_gradient():
    logits = torch.ones(3, requires_grad=True)
    accuracy = discriminator_accuracy(logits, logits)
    assert not accuracy.real.requires_grad
    assert not accuracy.mean.requires_grad
