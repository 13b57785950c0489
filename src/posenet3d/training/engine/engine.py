"""The engine: Lightning Fabric, as far as the trainer needs it.

Fabric starts the processes (or joins those of torchrun and Slurm), shares gradients and sets the
precision. It is imported when a run begins, since that takes seconds.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from posenet3d.errors import ConfigurationError, PoseNet3DError
from posenet3d.nn.synced_batch_norm import synced_batch_norm
from posenet3d.training.engine.config import EngineConfig
from posenet3d.training.engine.device import (
    choose_device,
    default_dtype,
    flushed_denormals,
    forked_random_state,
    matmul_precision,
    threads,
)
from posenet3d.training.engine.environment import processes_started, silenced
from posenet3d.training.engine.lifeline import Lifeline
from posenet3d.typing import Scalar

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")
_PRECISIONS = {"fp32": "32-true", "tf32": "32-true", "bf16": "bf16-mixed", "fp64": "64-true"}


@dataclass(frozen=True)
class Share:
    """One process's share of every batch: each ``count``-th row, from ``rank`` on.

    Attributes:
        rank: this process's number.
        count: how many processes there are.

    Example:
        >>> Share(1, 2).rows(torch.arange(4))
        tensor([1, 3])
    """

    rank: int = 0
    count: int = 1

    def rows(self, whole: Tensor) -> Tensor:
        """This process's rows of something that all have drawn alike."""
        return whole[self.rank :: self.count] if self.count > 1 else whole


class Engine:
    """Processes, devices and precision of a run.

    Args:
        config: what is asked for.
        device: this one instead, in one process; ``None`` or ``"auto"`` leaves it to ``config``.

    Attributes:
        config: what is asked for.
        device: this process's device.
        share: this process's share of every batch.

    Raises:
        ConfigurationError: if torchrun or Slurm started another number of processes, a CUDA graph
            is asked for on the CPU, or several threads in processes that are forked.
        PoseNet3DError: if there is no such device.

    Example:
        >>> engine = Engine(EngineConfig(accelerator="cpu"))
        >>> engine.device, engine.share, engine.is_first
        (device(type='cpu'), Share(rank=0, count=1), True)
    """

    def __init__(
        self, config: EngineConfig | None = None, device: str | torch.device | None = None
    ) -> None:
        config = config or EngineConfig()
        chosen = choose_device(config.accelerator if device in (None, "auto") else str(device))
        if device not in (None, "auto"):
            config = config.model_copy(update={"devices": 1, "nodes": 1})
        if config.step == "graph" and chosen.type != "cuda":
            raise ConfigurationError(
                [f"engine.step: expected 'eager' or 'compiled' on {chosen}: graphs need CUDA"]
            )
        self.config = config
        self._chosen = chosen
        self.devices, self.nodes = processes_started(config, chosen.type)
        self._fabric: Fabric | None = None
        self._control: Any = None
        self._lifeline: Lifeline | None = None
        if self.several:
            self._fabric = self._make_fabric()
            self._tell_ranks(self._fabric)
        if self.forks and config.threads not in (None, 1):
            raise ConfigurationError(
                ["engine.threads: expected 1, or none told, where the processes are forked, since "
                 "torch waits for ever for threads that were not forked along, got "
                 f"{config.threads}; or take the strategy 'ddp', or torchrun"]
            )  # fmt: skip

    @property
    def several(self) -> bool:
        """Whether there are several processes."""
        return self.devices * self.nodes > 1

    @property
    def forks(self) -> bool:
        """Whether the processes are still to be forked from this one."""
        return self.several and self._control is None and self._launcher_forks

    @property
    def fabric(self) -> "Fabric":
        """Fabric itself."""
        if self._fabric is None:
            self._fabric = self._make_fabric()
        return self._fabric

    @property
    def device(self) -> torch.device:
        """This process's device."""
        if not self.several or self.forks:
            return self._chosen
        device: torch.device = self.fabric.device
        return device

    @property
    def share(self) -> Share:
        """This process's share of every batch."""
        if not self.several:
            return Share()
        return Share(self.fabric.global_rank, self.devices * self.nodes)

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.share.rank == 0

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and windows."""
        return torch.float64 if self.config.precision == "fp64" else torch.float32

    def describe(self) -> dict[str, Any]:
        """What the run runs on, in plain values.

        Example:
            >>> Engine(device="cpu").describe()["processes"]
            1
        """
        return {
            "device": str(self.device),
            "processes": self.devices * self.nodes,
            "nodes": self.nodes,
            "precision": self.config.precision,
            "step": self.config.step,
            "sync_batchnorm": self.config.sync_batchnorm,
            "threads": self.config.threads or torch.get_num_threads(),
        }

    def check_batch(self, name: str, size: int) -> None:
        """Make sure that a batch divides among the processes.

        Raises:
            ConfigurationError: if it does not, or leaves BatchNorm one window.
        """
        count = self.devices * self.nodes
        if size % count or (count > 1 and size // count < 2):
            raise ConfigurationError(
                [f"{name}: expected a multiple of the {count} processes, two windows or more for "
                 f"each, got {size}"]
            )  # fmt: skip

    def start(self) -> None:
        """Start the other processes and meet them; nothing where there are none, or all are met.

        Raises:
            PoseNet3DError: if they would have to be forked, which :meth:`fork` does.
        """
        if not self.several or self._control is not None:
            return
        if self._launcher_forks:
            raise PoseNet3DError(
                "Expected fit() with the strategy 'ddp_fork', which hands a function to each "
                "process, got records(); call fit(), or take the strategy 'ddp'."
            )
        with silenced():
            self.fabric.launch()
        self._meet()

    def fork(self, function: Callable[[], None]) -> None:
        """Fork the processes and have each call a function.

        Raises:
            torch.multiprocessing.ProcessRaisedException: what a function raised, as text.
        """

        def on_each(fabric: "Fabric") -> None:
            self._fabric = fabric
            self._meet()
            function()

        before = dict(os.environ)
        try:
            with silenced():
                self.fabric.launch(on_each)
        finally:
            os.environ.clear()
            os.environ.update(before)

    @property
    def _launcher_forks(self) -> bool:
        from lightning_fabric.strategies.launchers.multiprocessing import _MultiProcessingLauncher

        return isinstance(self.fabric.strategy.launcher, _MultiProcessingLauncher)

    def _meet(self) -> None:
        from torch import distributed

        self._control = distributed.new_group(
            backend="gloo", timeout=timedelta(seconds=self.config.timeout)
        )
        self._lifeline = Lifeline(self.share.rank)

    def _make_fabric(self) -> "Fabric":
        with silenced():
            from lightning_fabric import Fabric

            return Fabric(
                accelerator=self._chosen.type,
                devices=self._asked_devices(),
                num_nodes=self.nodes,
                strategy=self._strategy() if self.several else "auto",
                precision=_PRECISIONS[self.config.precision],  # type: ignore[arg-type]
            )

    def _asked_devices(self) -> list[int] | int:
        if self._chosen.type == "cuda" and self._chosen.index is not None and not self.several:
            return [self._chosen.index]
        return self.devices

    def _strategy(self) -> Any:
        from lightning_fabric.strategies.ddp import DDPStrategy

        forked = self.config.strategy == "ddp_fork"
        if self.config.strategy == "auto":
            from lightning_fabric.utilities.imports import _IS_INTERACTIVE

            forked = _IS_INTERACTIVE
        return DDPStrategy(
            start_method="fork" if forked else "popen",
            timeout=timedelta(seconds=self.config.timeout),
            broadcast_buffers=False,
            static_graph=True,
        )

    def _tell_ranks(self, fabric: "Fabric") -> None:
        """Have Fabric tell a process its number before it meets the others."""
        set_ranks = getattr(fabric.strategy, "_set_world_ranks", None)
        if set_ranks is not None:
            set_ranks()

    @contextmanager
    def training(self) -> Iterator[None]:
        """A block with torch set up for training; everything comes back as it was.

        An error in it ends the other processes as well.
        """
        with ExitStack() as stack:
            stack.enter_context(forked_random_state(self.device))
            stack.enter_context(flushed_denormals())
            stack.enter_context(threads(self.config.threads))
            stack.enter_context(matmul_precision(self.config.precision == "tf32"))
            stack.enter_context(default_dtype(self.dtype))
            if self._lifeline is not None:
                stack.enter_context(self._lifeline.held())
            yield

    def synced_batch_norm(self, module: nn.Module) -> AbstractContextManager[None]:
        """A block in which BatchNorm is over all processes, where that is asked for."""
        synced = self.several and self.config.sync_batchnorm
        return synced_batch_norm(module) if synced else nullcontext()

    def wrap(self, half: nn.Module) -> nn.Module:
        """A half of a step in this run's precision, its gradients shared by all processes."""
        with silenced():
            return self.fabric.setup_module(half, move_to_device=False)

    @property
    def compiler(self) -> Callable[[Callable[..., object]], Callable[..., object]] | None:
        """What the inner function of a half is passed through; ``None``: nothing."""
        if self.config.step == "eager":
            return None
        options: dict[str, Any] = {"fallback_random": True}
        if self.config.step == "graph":
            options["triton.cudagraphs"] = True

        def compiled(function: Callable[..., object]) -> Callable[..., object]:
            made: Callable[..., object] = torch.compile(function, dynamic=False, options=options)
            return made

        return compiled

    def begin_step(self) -> None:
        """Say that what the last step's graphs gave may be written over."""
        if self.config.step == "graph":
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]

    def backward(self, loss: Scalar) -> None:
        """Gradients of a loss, their mean over the processes."""
        self.fabric.backward(loss)

    def mean(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Figures as means over the processes, in one message; the host does not wait for them."""
        if not self.several:
            return dict(values)
        from torch import distributed

        flat = torch.stack([value.detach().to(self.dtype) for value in values.values()])
        distributed.all_reduce(flat)
        return dict(zip(values, (flat / self.share.count).unbind(), strict=True))

    def any(self, flag: bool) -> bool:
        """Whether any process says so; the hosts wait for each other, not for their devices."""
        if not self.several:
            return flag
        from torch import distributed

        said = torch.tensor([int(flag)])
        distributed.all_reduce(said, distributed.ReduceOp.MAX, group=self._control)
        return bool(said)

    def barrier(self) -> None:
        """Wait for all processes."""
        self.any(False)

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, given to all.

        Raises:
            PoseNet3DError: on the other processes, where the first one failed.
        """
        if not self.several or self.forks:
            return make()
        from torch import distributed

        told: list[Any] = [None, ""]
        try:
            if self.is_first:
                told[0] = make()
        except Exception as error:
            told[1] = f"{type(error).__name__}: {error}"
            raise
        finally:
            distributed.broadcast_object_list(told, group=self._control)
        if told[1]:
            raise PoseNet3DError(f"The first process failed: {told[1]}")
        value: T = told[0]
        return value

    def share_buffers(self, module: nn.Module) -> None:
        """Give all processes the first one's buffers: statistics that each gathers for itself."""
        if not self.several:
            return
        from torch import distributed

        for buffer in module.buffers():
            distributed.broadcast(buffer, src=0)
