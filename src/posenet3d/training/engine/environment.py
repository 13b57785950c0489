"""What started this process, and what Fabric would say about it."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from posenet3d.errors import ConfigurationError
from posenet3d.training.engine.config import EngineConfig


def processes_started(config: EngineConfig, accelerator: str) -> tuple[int, int]:
    """Processes on each machine, and machines: as asked for, or as torchrun or Slurm started them.

    Args:
        config: what is asked for.
        accelerator: ``"cpu"`` or ``"cuda"``.

    Raises:
        ConfigurationError: if it is not what torchrun or Slurm started.

    Example:
        >>> processes_started(EngineConfig(devices=2, nodes=3), "cpu")
        (2, 3)
    """
    started = _torchrun() or _slurm()
    if started is None:
        if config.devices == "auto":
            return (torch.cuda.device_count() if accelerator == "cuda" else 1), config.nodes
        return config.devices, config.nodes
    starter, devices, nodes = started
    if config.devices == "auto":
        return devices, nodes
    if (config.devices, config.nodes) != (devices, nodes):
        raise ConfigurationError(
            [f"engine.devices, engine.nodes: expected {devices} and {nodes}, as {starter} started "
             f"processes, got {config.devices} and {config.nodes}; or take 'auto' devices"]
        )  # fmt: skip
    return devices, nodes


def _torchrun() -> tuple[str, int, int] | None:
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    return "torchrun", local, int(os.environ["WORLD_SIZE"]) // local


def _slurm() -> tuple[str, int, int] | None:
    """Tasks of ``srun``; a batch script's own process or an interactive shell is none."""
    tasks = int(os.environ.get("SLURM_NTASKS", "1"))
    interactive = os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive")
    if "SLURM_PROCID" not in os.environ or interactive or tasks == 1:
        return None
    nodes = int(os.environ.get("SLURM_NNODES", "1"))
    return "Slurm", tasks // nodes, nodes


@contextmanager
def silenced() -> Iterator[None]:
    """A block in which Fabric says nothing of what it found; its errors pass."""
    logger = logging.getLogger("lightning_fabric")
    named = logging.getLogger("lightning.fabric")
    before = [(each, each.level) for each in (logger, named)]
    try:
        for each, _ in before:
            each.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning_(fabric|utilities)")
            warnings.filterwarnings("ignore", message=r".*(srun|isinstance\(treespec).*")
            yield
    finally:
        for each, level in before:
            each.setLevel(level)
