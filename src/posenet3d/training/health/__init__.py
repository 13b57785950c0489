"""Health: what is watched in a run, and what is done about it."""

from posenet3d.training.health.config import HealthConfig
from posenet3d.training.health.health import Health
from posenet3d.training.health.statistics import KeptStatistics

__all__ = ["Health", "HealthConfig", "KeptStatistics"]
