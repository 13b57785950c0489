"""Checkpoints: what a run goes on from, whatever happens to the process or the disk."""

from posenet3d.training.checkpoints.config import CheckpointConfig
from posenet3d.training.checkpoints.store import CheckpointStore

__all__ = ["CheckpointConfig", "CheckpointStore"]
