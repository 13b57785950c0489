"""PoseNet3D as its paper reads, written plainly: what `training.py` measures the library against.

    python benchmarks/literal_paper.py

Ordinary torch modules, a `DataLoader` with worker processes over a `Dataset` that cuts one window
at a time, the whole mesh through `smplx`, plain Adam, and `.item()` on every loss of every step.
Nothing here is slow on purpose and nothing is tuned. Networks, losses, weights and batch are those
of the preset `paper`; run alone, this file loads the library's weights into these modules and
compares each loss of each stage. Needs the extra `smpl`.

What the paper leaves open is taken as the library takes it: the last convolution spans one frame
(three of three frames would need eleven), the distillation loss is in millimetres, matrices are
made rotations by Gram-Schmidt. SJA's rows are kept convex by a softmax, the plain way.
"""

import math
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import torch
from bodies import smplx_layer
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, normalize
from torch.utils.data import DataLoader, Dataset

from posenet3d.body import load_body_model, lsp_14_rows, mannequin_data
from posenet3d.skeletons import LSP_14

if TYPE_CHECKING:
    from posenet3d.training.stage_run import StageRun

FRAMES, JOINTS, BONES, BETAS, DISTANCE = 9, 14, 24, 10, 10.0
RIGHT_HIP, LEFT_HIP = LSP_14.indices("right_hip", "left_hip")
STAGES = ("teacher", "distillation", "sja", "joint")
MOST_APART = 1e-3


class Windows(Dataset):
    """Every window of ten frames: nine, and the one after, for the temporal consistency loss."""

    def __init__(self, sequences: list[np.ndarray]) -> None:
        self.sequences = sequences
        self.places = [
            (number, start)
            for number, sequence in enumerate(sequences)
            for start in range(len(sequence) - FRAMES)
        ]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Tensor:
        number, start = self.places[index]
        return torch.from_numpy(self.sequences[number][start : start + FRAMES + 1])


class ConvBlock(nn.Module):
    """Convolution, BatchNorm, ReLU, dropout; the discriminator's without BatchNorm and dropout."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, plain: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.norm = nn.Identity() if plain else nn.BatchNorm1d(outputs)
        self.activation = nn.LeakyReLU(0.2) if plain else nn.ReLU()
        self.dropout = nn.Dropout(0.0 if plain else 0.25)

    def forward(self, x: Tensor) -> Tensor:
        """Features (batch, channels, frames) of features."""
        return self.dropout(self.activation(self.norm(self.conv(x))))


class Backbone(nn.Module):
    """A conv-block, and a residual block of two with dilations 3 and 1: nine frames to one."""

    def __init__(self, channels: int, plain: bool = False) -> None:
        super().__init__()
        self.entry = ConvBlock(2 * JOINTS, channels, 3, 1, plain)
        self.wide = ConvBlock(channels, channels, 3, 3, plain)
        self.narrow = ConvBlock(channels, channels, 1, 1, plain)

    def forward(self, windows: Tensor) -> Tensor:
        """Features (batch, channels) of windows (batch, 9, 14, 2)."""
        x = self.entry(windows.flatten(2).transpose(1, 2))
        return (x[:, :, 3:4] + self.narrow(self.wide(x)))[:, :, 0]


class FullyConnectedBlock(nn.Module):
    """A residual block of two fully connected layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, channels), nn.BatchNorm1d(channels), nn.ReLU(), nn.Dropout(0.25),
            nn.Linear(channels, channels), nn.BatchNorm1d(channels), nn.ReLU(), nn.Dropout(0.25),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Features, the skip added."""
        return x + self.layers(x)


class Teacher(nn.Module):
    """Depth offsets, and the skeletons that they make of the 2D points."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = FullyConnectedBlock(channels)
        self.offsets = nn.Linear(channels, FRAMES * JOINTS)

    def forward(self, features: Tensor, windows: Tensor) -> Tensor:
        """Skeletons (batch, 9, 14, 3) of features and windows."""
        offsets = self.offsets(self.block(features)).view(-1, FRAMES, JOINTS, 1)
        depth = torch.clamp(DISTANCE + offsets, min=1.0)
        return torch.cat([windows * depth, depth], dim=-1)


class Student(nn.Module):
    """Ten shape coefficients and 24 rotations a frame."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(FullyConnectedBlock(channels) for _ in range(blocks)))
        self.numbers = nn.Linear(channels, BETAS + 9 * BONES * FRAMES)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Shape coefficients, and rotations (batch, 9, 24, 3, 3)."""
        numbers = self.numbers(self.blocks(features))
        matrices = numbers[:, BETAS:].view(-1, FRAMES, BONES, 3, 3)
        matrices = matrices + torch.eye(3, device=numbers.device)
        first = normalize(matrices[..., 0], dim=-1)
        second = matrices[..., 1] - (first * matrices[..., 1]).sum(-1, keepdim=True) * first
        second = normalize(second, dim=-1)
        third = torch.cross(first, second, dim=-1)
        return numbers[:, :BETAS], torch.stack([first, second, third], dim=-1)


class Discriminator(nn.Module):
    """The backbone's shape without BatchNorm, and a logit a window."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.backbone = Backbone(channels, plain=True)
        self.logit = nn.Linear(channels, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """A logit (batch,) of windows."""
        return self.logit(self.backbone(windows))[:, 0]


class LiteralPaper(nn.Module):
    """All of it: the networks, the body's mesh, and the losses of Sect. 3.2 and 3.4."""

    def __init__(self, channels: int, judge: int, metres_per_unit: float, blocks: int = 4) -> None:
        super().__init__()
        self.backbone = Backbone(channels)
        self.teacher = Teacher(channels)
        self.student = Student(channels, blocks)
        self.discriminator = Discriminator(judge)
        body = load_body_model("mannequin")
        self.rows = list(lsp_14_rows(body.joint_names))
        self.mesh = smplx_layer(mannequin_data())
        self.mesh.requires_grad_(False)
        self.logits = nn.Parameter(body.joint_regressor.clamp_min(1e-12).log())
        self.metres_per_unit = metres_per_unit
        self.register_buffer("flip", torch.tensor([1.0, -1.0, -1.0]))

    def lift(self, windows: Tensor) -> Tensor:
        """The teacher's skeletons."""
        return self.teacher(self.backbone(windows), windows)

    def reproject(self, skeletons: Tensor) -> tuple[Tensor, Tensor]:
        """Skeletons from a random view, and their 2D image about the root (Eq. 1)."""
        count, device = len(skeletons), skeletons.device
        azimuth = (2 * torch.rand(count, device=device) - 1) * math.pi
        elevation = (2 * torch.rand(count, device=device) - 1) * math.radians(20)
        rotation = about_x(elevation) @ about_y(azimuth)
        turned = torch.einsum("bij,btnj->btni", rotation, centred(skeletons))
        turned = turned + torch.tensor([0.0, 0.0, DISTANCE], device=device)
        image = turned[..., :2] / turned[..., 2:].clamp(min=1.0)
        return turned, centred(image)

    def teacher_losses(
        self, now: Tensor, later: Tensor, skeletons: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Eq. 2 to 5 with their weights, and the reprojections."""
        turned, image = self.reproject(skeletons)
        losses = {
            "self_supervision": 2 * squared(turned, self.lift(image)),
            "temporal_consistency": squared(skeletons[:, 1:], self.lift(later)[:, :-1]),
            "bone_length": 2 * bone_length_variance(skeletons),
            "teacher_adversarial": judged(self.discriminator(image), 1.0),
        }
        return losses, image

    def student_joints(self, betas: Tensor, rotations: Tensor) -> Tensor:
        """The 14 joints on the mesh, camera frame, metres, hips at the origin."""
        windows = len(betas)
        shape = betas[:, None].expand(windows, FRAMES, BETAS).reshape(-1, BETAS)
        turns = rotations.reshape(-1, BONES, 3, 3)
        vertices = self.mesh(betas=shape, global_orient=turns[:, :1], body_pose=turns[:, 1:])
        joints = torch.matmul(torch.softmax(self.logits, dim=-1), vertices.vertices)
        return centred(joints[:, self.rows].view(windows, FRAMES, JOINTS, 3) * self.flip)

    def student_losses(
        self, skeletons: Tensor, joints: Tensor, betas: Tensor, rotations: Tensor
    ) -> dict[str, Tensor]:
        """Eq. 7 and 8 and the shape's regulariser with their weights, in millimetres."""
        teacher = centred(skeletons) * self.metres_per_unit * 1000
        identity = torch.eye(3, device=rotations.device)
        return {
            "knowledge_distillation": squared(teacher, joints * 1000),
            "pose_regularizer": 30 * ((rotations - identity) ** 2).sum((1, 2, 3, 4)).mean(),
            "shape_regularizer": 10 * (betas**2).sum(1).mean(),
        }

    def losses(self, stage: str, batch: Tensor) -> tuple[dict[str, Tensor], list[Tensor]]:
        """A stage's weighted losses, and what the discriminator shall tell from real windows."""
        now, later = batch[:, :-1], batch[:, 1:]
        losses, fakes = {}, []
        if stage == "teacher":
            losses, image = self.teacher_losses(now, later, self.lift(now))
            return losses, [image]
        if stage == "joint":
            features = self.backbone(now)
            skeletons = self.teacher(features, now)
            losses, image = self.teacher_losses(now, later, skeletons)
            fakes = [image]
        else:
            with torch.no_grad():
                features = self.backbone(now)
                skeletons = self.teacher(features, now)
        betas, rotations = self.student(features)
        joints = self.student_joints(betas, rotations)
        on_student = self.student_losses(skeletons, joints, betas, rotations)
        if stage == "joint":
            balance = 2 / (self.metres_per_unit * 1000) ** 2
            on_student = {name: balance * loss for name, loss in on_student.items()}
            _, image = self.reproject(joints / self.metres_per_unit)
            losses["student_adversarial"] = judged(self.discriminator(image), 1.0)
            fakes.append(image)
        return losses | on_student, fakes

    def set_up(self, stage: str) -> tuple[torch.optim.Adam, torch.optim.Adam | None]:
        """Freeze what the stage freezes; its two optimisers."""
        plays, learns = stage in ("teacher", "joint"), []
        for part, where in (
            (self.backbone, ("teacher", "joint")),
            (self.teacher, ("teacher", "joint")),
            (self.student, ("distillation", "sja", "joint")),
        ):
            part.requires_grad_(stage in where).train(stage in where)
            learns += list(part.parameters()) if stage in where else []
        self.logits.requires_grad_(stage in ("sja", "joint"))
        learns += [self.logits] if stage in ("sja", "joint") else []
        self.discriminator.requires_grad_(plays)
        judge = torch.optim.Adam(self.discriminator.parameters(), lr=1e-4) if plays else None
        return torch.optim.Adam(learns, lr=1e-4), judge


def train(
    model: LiteralPaper,
    stage: str,
    sequences: list[np.ndarray],
    batch_size: int,
    workers: int,
    device: torch.device,
) -> Iterator[dict[str, float]]:
    """Train a stage, epoch after epoch; each step's losses, as numbers."""
    loader = DataLoader(
        Windows(sequences),
        batch_size,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )
    optimizer, judge = model.set_up(stage)
    while True:
        for batch in loader:
            batch = batch.to(device)
            losses, fakes = model.losses(stage, batch)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            if judge is not None:
                real = judged(model.discriminator(batch[:, :-1]), 1.0)
                fake = judged(model.discriminator(torch.cat(fakes).detach()), 0.0)
                losses["discriminator_loss"] = real + fake
                judge.zero_grad()
                losses["discriminator_loss"].backward()
                judge.step()
            yield {name: loss.item() for name, loss in losses.items()}


def centred(points: Tensor) -> Tensor:
    """Points about the middle of the hips."""
    return points - points[..., [RIGHT_HIP, LEFT_HIP], :].mean(-2, keepdim=True)


def squared(first: Tensor, second: Tensor) -> Tensor:
    """Squared distances, summed over joints and frames, mean over the batch."""
    return ((first - second) ** 2).sum((1, 2, 3)).mean()


def bone_length_variance(skeletons: Tensor) -> Tensor:
    """Eq. 4; each bone counts from both ends."""
    total = 0.0
    for start, end in LSP_14.bones:
        length = (skeletons[:, :, start] - skeletons[:, :, end]).norm(dim=-1)
        total = total + 2 * length.var(dim=1, unbiased=False).mean()
    return total


def judged(logits: Tensor, target: float) -> Tensor:
    """The cross entropy of logits with one target for all."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def about_x(angle: Tensor) -> Tensor:
    """Rotations about the x axis."""
    sine, cosine, zero, one = (
        angle.sin(),
        angle.cos(),
        torch.zeros_like(angle),
        torch.ones_like(angle),
    )
    rows = [one, zero, zero, zero, cosine, -sine, zero, sine, cosine]
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


def about_y(angle: Tensor) -> Tensor:
    """Rotations about the y axis."""
    sine, cosine, zero, one = (
        angle.sin(),
        angle.cos(),
        torch.zeros_like(angle),
        torch.ones_like(angle),
    )
    rows = [cosine, zero, sine, zero, one, zero, -sine, zero, cosine]
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


def take_weights(literal: LiteralPaper, model: nn.Module) -> None:
    """Give the literal networks the weights of the library's."""
    for theirs, ours in (
        (literal.backbone, model.backbone),
        (literal.discriminator.backbone, model.discriminator.backbone),
    ):
        take_block(theirs.entry, ours.entry)
        take_block(theirs.wide, ours.blocks[0].wide)
        take_block(theirs.narrow, ours.blocks[0].narrow)
    take_in_order(literal.discriminator.logit, model.discriminator.logit)
    take_in_order(literal.teacher, model.teacher)
    take_in_order(literal.student, model.student)


def take_block(theirs: ConvBlock, ours: nn.Module) -> None:
    """A convolution's weights (out, in, frames) of the library's matrix (out, frames x in)."""
    outputs, inputs, frames = theirs.conv.weight.shape
    weight = ours.linear.weight.detach().view(outputs, frames, inputs).transpose(1, 2)
    theirs.conv.weight.data.copy_(weight)
    theirs.conv.bias.data.copy_(ours.linear.bias.detach())
    take_in_order(theirs.norm, ours.norm)


def take_in_order(theirs: nn.Module, ours: nn.Module) -> None:
    """Parameters one after another; both list them in the order in which the data meets them."""
    for target, source in zip(theirs.parameters(), ours.parameters(), strict=True):
        target.data.copy_(source.detach())


def literal_losses(literal: LiteralPaper, stage: str, batch: Tensor) -> dict[str, Tensor]:
    """The literal stage's weighted losses from seeded views."""
    literal.set_up(stage)
    torch.manual_seed(0)
    return literal.losses(stage, batch)[0]


def library_losses(run: "StageRun", batch: Tensor) -> dict[str, Tensor]:
    """The library's weighted losses of a stage from the same views."""
    torch.manual_seed(0)
    values = run.runner.lifter(batch, 0).values
    return {name: run.stage.losses[name] * value for name, value in values.items()}


def differences(stage: str, data: str) -> Iterator[tuple[str, float, float]]:
    """Each loss of a stage: its name, the library's value and the literal one's.

    Both have the same weights, windows and views, and no dropout.
    """
    from training_cases import Library

    case = {"stage": stage, "preset": "paper", "device": "cpu", "precision": "fp32"}
    with ExitStack() as stack:
        library = Library(case | {"seed": 0, "threads": 1, "data": data}, stack)
        literal = LiteralPaper(1024, 1024, 0.7)
        take_weights(literal, library.model)
        for module in (*library.model.modules(), *literal.modules()):
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        run = library.run(64, "eager")
        batch = run.windows.sample(0, stage, 0, 64)
        theirs, ours = literal_losses(literal, stage, batch), library_losses(run, batch)
    if set(ours) != set(theirs):
        raise SystemExit(f"{stage}: expected the losses {sorted(ours)}, got {sorted(theirs)}")
    for name in sorted(ours):
        yield name, ours[name].item(), theirs[name].item()


def main() -> None:
    """Compare each loss of each stage with the library's on the same weights, windows and views.

    They differ in BatchNorm's statistics: a dilated convolution computes more places of the first
    layer than the windows need, and these count too.
    """
    from training import write_data

    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/clips.npz"
        write_data(data)
        for stage in STAGES:
            for name, ours, theirs in differences(stage, data):
                apart = abs(ours - theirs) / abs(ours)
                worst = max(worst, apart)
                print(f"{stage:13} {name:24} {ours:14.6g} {theirs:14.6g} {apart:.1e}")
    if worst > MOST_APART:
        raise SystemExit(f"expected equal losses, got some {worst:.1e} apart")


if __name__ == "__main__":
    main()
