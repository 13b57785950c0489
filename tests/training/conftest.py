"""A run of seconds: four stages of six steps with eight channels, on two short made-up clips."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D
from posenet3d.training import Trainer, TrainerConfig

STANDING = [
    [-0.20, 0.90], [-0.15, 0.45], [-0.12, 0.00], [0.12, 0.00], [0.15, 0.45], [0.20, 0.90],
    [-0.45, 0.00], [-0.35, -0.25], [-0.20, -0.50], [0.20, -0.50], [0.35, -0.25], [0.45, 0.00],
    [0.00, -0.55], [0.00, -0.80],
]  # fmt: skip
STEPS = 6

Config = Callable[..., TrainerConfig]
MakeTrainer = Callable[..., Trainer]


def swaying(phase: float, frames: int = 24) -> KeypointSequence:
    """A standing figure whose joints sway, each in its own time."""
    time = np.arange(frames)[:, None, None] / 8
    swing = np.sin(time + phase * np.arange(14)[None, :, None])
    points = np.array(STANDING) + 0.08 * swing * np.array([1.0, 0.5])
    return KeypointSequence(points, layout="lsp_14", fps=30.0, unit="normalized")


@pytest.fixture(scope="session")
def clips() -> dict[str, KeypointSequence]:
    return {"S1/sway": swaying(1.3), "S2/sway": swaying(2.1)}


@pytest.fixture(scope="session")
def other_clips() -> dict[str, KeypointSequence]:
    return {"S1/sway": swaying(1.3), "S2/sway": swaying(2.2)}


@pytest.fixture(scope="session")
def tiny(small_body: Path) -> Config:
    """Makes the small configuration with some fields changed by path."""

    def make(changes: Mapping[str, Any] | None = None) -> TrainerConfig:
        narrow = {"name": "temporal", "options": {"channels": 8}}
        config = TrainerConfig.preset(
            "paper",
            batch_size=4,
            network={
                "backbone": narrow,
                "student": {"name": "student", "options": {"blocks": 1}},
                "discriminator": narrow,
                "views": "learned",
                "body_model": {"name": "linear_blend", "options": {"path": str(small_body)}},
            },
            input_noise=0.01,
            log_every=4,
            checkpoints={"every": 3},
            validation={"every": None},
            adversarial={"every": 2},
            mirror_guard={"first_check": 2, "every": 2},
        )
        short = {f"stages.{stage.name}.steps": STEPS for stage in config.stages}
        short |= {f"stages.{stage.name}.epochs": None for stage in config.stages}
        short |= {f"stages.{stage.name}.optimizer.lr": 1e-3 for stage in config.stages}
        return config.override({**short, "stages.sja.optimizer.decay": 0.5, **(changes or {})})

    return make


@pytest.fixture
def trainer(tiny: Config, clips: dict[str, KeypointSequence]) -> MakeTrainer:
    """Makes a silent trainer of the small configuration."""

    def make(
        changes: Mapping[str, Any] | None = None, *, data: Any = None, **options: Any
    ) -> Trainer:
        options = {"config": tiny(changes), "device": "cpu", "progress": False, **options}
        return Trainer(train_data=clips if data is None else data, **options)

    return make


@pytest.fixture(scope="session")
def whole_run(
    tiny: Config, clips: dict[str, KeypointSequence], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a run that was never interrupted; do not write to it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    Trainer(tiny(), train_data=clips, run_dir=folder, device="cpu", progress=False).fit()
    return folder


@pytest.fixture(scope="session")
def outcome() -> Callable[[Path], dict[str, Any]]:
    """Everything of a finished run's folder that does not depend on the clock."""

    def read(folder: Path) -> dict[str, Any]:
        weights = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*.safetensors"))
            if "checkpoints" not in path.parts  # what is kept there depends on the stops
        }
        with (folder / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row.pop("seconds")
        return {"weights": weights, "metrics": rows}

    return read


@pytest.fixture
def model(tiny: Config) -> PoseNet3D:
    """The small network in train mode, its scale known."""
    torch.manual_seed(0)
    network = PoseNet3D(tiny().network)
    network.metres_per_unit.fill_(0.5)
    for part in (network.teacher, network.student):
        for parameter in part.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
    return network.train()


@pytest.fixture
def batch() -> torch.Tensor:
    """Four windows of nine frames and the one after."""
    torch.manual_seed(1)
    standing = torch.tensor(STANDING) / 10
    return standing + 0.01 * torch.randn(4, 10, 14, 2)
