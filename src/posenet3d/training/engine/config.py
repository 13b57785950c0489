"""What a run runs on; no part of what it computes."""

from typing import Any, Literal

from pydantic import PositiveInt, field_validator

from posenet3d.training.frozen import Frozen, Info


class EngineConfig(Frozen):
    """Devices, processes, precision, and how a step is executed.

    A run may be taken up with another one of these: it is no part of a run's identity.

    Example:
        >>> EngineConfig(accelerator="cuda", devices=8, precision="bf16").strategy
        'auto'
    """

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` is CUDA where there is a device, else the CPU."""

    devices: PositiveInt | Literal["auto"] = 1
    """Processes on each machine, one a device; ``auto``: every CUDA device, one on the CPU."""

    nodes: PositiveInt = 1
    """Machines."""

    strategy: Literal["auto", "ddp", "ddp_fork"] = "auto"
    """How several processes are started where neither torchrun nor Slurm has started them: ``ddp``
    runs the script or command once more for each; ``ddp_fork`` forks this process, which also
    works in a notebook, as long as nothing has touched CUDA. ``auto`` is ``ddp``, in a notebook
    ``ddp_fork``."""

    precision: Literal["fp32", "tf32", "bf16", "fp64"] = "fp32"
    """``tf32``: matrix products in TF32, or in bf16 passes, where the device can. ``bf16``:
    autocast, weights in float32. ``fp64`` is for comparisons."""

    step: Literal["eager", "compiled", "graph"] = "eager"
    """``compiled``: through ``torch.compile``, with the random numbers of ``eager``. ``graph``:
    captured as CUDA graphs as well, for a CUDA device."""

    sync_batchnorm: bool = False
    """BatchNorm over the windows of all processes, so that their number does not matter; without
    it each process has statistics of its own, and those of the first are kept."""

    data: Literal["auto", "device", "pinned"] = "auto"
    """Where the 2D set lies: whole on the device, or in pinned host memory, from which each batch
    is copied; ``auto``: on the device if it fits. On the CPU it is all one."""

    threads: PositiveInt | None = None
    """CPU threads a process; ``None`` leaves torch's choice. On a busy machine one is often the
    fastest. Processes that are forked have one: torch's other threads are lost in a fork."""

    timeout: PositiveInt = 1800
    """Seconds after which a process gives up waiting for the others."""

    @field_validator("strategy", mode="before")
    @classmethod
    def _no_sharded_weights(cls, strategy: Any, info: Info) -> Any:
        if isinstance(strategy, str) and strategy.lower().startswith(("fsdp", "deepspeed")):
            raise ValueError(
                "expected 'ddp' or 'ddp_fork': the networks have some 20 million parameters, which "
                "every device holds whole, and sharding them would only add waiting"
            )
        return strategy

    @field_validator("step")
    @classmethod
    def _graphs_are_captured_on_cuda(cls, step: str, info: Info) -> str:
        if step == "graph" and info.data.get("accelerator") == "cpu":
            raise ValueError("expected 'eager' or 'compiled' on the CPU: graphs need CUDA")
        return step

    @property
    def several(self) -> bool:
        """Whether more than one process is asked for."""
        return self.devices not in (1,) or self.nodes > 1
