"""Training: the configuration, the forward pass, the objectives and the trainer."""

from posenet3d.training.config import AdversarialConfig, MirrorGuardConfig, TrainerConfig
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.optimization import OptimizerConfig
from posenet3d.training.presets import PRESETS
from posenet3d.training.report import Record, StageReport, TrainingReport
from posenet3d.training.run_folder import RunFolder
from posenet3d.training.stage import StageConfig
from posenet3d.training.trainer import Trainer

__all__ = [
    "PRESETS",
    "AdversarialConfig",
    "Forward",
    "ForwardSettings",
    "MirrorGuardConfig",
    "OptimizerConfig",
    "Record",
    "RunFolder",
    "StageConfig",
    "StageReport",
    "Trainer",
    "TrainerConfig",
    "TrainingReport",
]
