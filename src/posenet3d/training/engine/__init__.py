"""What a run runs on: devices and processes, precision, and how a step is executed."""

from posenet3d.training.engine.config import EngineConfig
from posenet3d.training.engine.engine import Engine, Share

__all__ = ["Engine", "EngineConfig", "Share"]
