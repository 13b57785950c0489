"""Where a run's figures and pictures go: plug-ins of ``posenet3d.loggers``."""

from posenet3d.training.loggers.csv_logger import CsvFile, CsvLogger
from posenet3d.training.loggers.logger import VALIDATION, LoggedRun, Logger
from posenet3d.training.loggers.loggers import Loggers, LoggerWarning
from posenet3d.training.loggers.tensorboard_logger import TensorBoardLogger
from posenet3d.training.loggers.wandb_logger import WandbLogger

__all__ = [
    "VALIDATION",
    "CsvFile",
    "CsvLogger",
    "LoggedRun",
    "Logger",
    "LoggerWarning",
    "Loggers",
    "TensorBoardLogger",
    "WandbLogger",
]
