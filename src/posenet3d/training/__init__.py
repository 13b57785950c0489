"""Training: the configuration, the forward pass, the objectives and the trainer."""

from posenet3d.training.averaging import AveragingConfig
from posenet3d.training.checkpoints import CheckpointConfig
from posenet3d.training.config import AdversarialConfig, MirrorGuardConfig, TrainerConfig
from posenet3d.training.engine import EngineConfig
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.health import HealthConfig
from posenet3d.training.optimization import OptimizerConfig
from posenet3d.training.presets import PRESETS
from posenet3d.training.report import Record, StageReport, TrainingReport
from posenet3d.training.run_folder import RunFolder
from posenet3d.training.stage import StageConfig
from posenet3d.training.trainer import Trainer
from posenet3d.training.validation_config import ValidationConfig

__all__ = [
    "PRESETS",
    "AdversarialConfig",
    "AveragingConfig",
    "CheckpointConfig",
    "EngineConfig",
    "Forward",
    "ForwardSettings",
    "HealthConfig",
    "MirrorGuardConfig",
    "OptimizerConfig",
    "Record",
    "RunFolder",
    "StageConfig",
    "StageReport",
    "Trainer",
    "TrainerConfig",
    "TrainingReport",
    "ValidationConfig",
]
