"""A run in processes that are forked from this one, and what comes back from them."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Protocol, runtime_checkable

import torch
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from posenet3d import errors
from posenet3d.errors import PoseNet3DError
from posenet3d.training.checkpoints.checkpoint import STATE_FILE
from posenet3d.training.checkpoints.saved_state import dump_state, parse_state
from posenet3d.training.engine.engine import Engine

_ENDS = {"KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit}  # no errors


@runtime_checkable
class StateStore(Protocol):
    """Where a run keeps its state."""

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Keep a state."""
        ...

    def load_state(self, device: torch.device) -> dict[str, Any] | None:
        """The state that was kept last."""
        ...


def run_in_forks(engine: Engine, function: Callable[[], None], store: StateStore) -> None:
    """Call a function in processes that are forked from this one.

    Each computes on one CPU thread: those that torch started before are lost in a fork, and it
    would wait for them for ever. A store in memory is brought back from the first; a folder is
    there anyway. What a process raises of the library's own errors is raised here, and so is an
    interrupt.

    Args:
        engine: starts the processes.
        function: what each calls.
        store: the run's state.

    Raises:
        KeyboardInterrupt: if the run was interrupted.
        SystemExit: if the function asked for that.
        PoseNet3DError: what a process raised, or that one was killed.
        torch.multiprocessing.ProcessRaisedException: any other error, as text.
    """
    in_memory = not hasattr(store, "path")
    with TemporaryDirectory(prefix="posenet3d-") as made:
        folder = Path(made)

        def on_each() -> None:
            torch.set_num_threads(1)  # the parent's other threads are not forked: none to wait for
            told = folder / f"error-{engine.share.rank}.json"
            try:
                function()
            except (KeyboardInterrupt, SystemExit) as error:
                _write_error(told, error)  # raised, it would end this process without a word
            except PoseNet3DError as error:
                _write_error(told, error)
                raise
            finally:
                if in_memory and engine.is_first:
                    _hand_over(store.load_state(torch.device("cpu")), folder / STATE_FILE)

        try:
            with _signals_passed_on():
                engine.fork(on_each)
        except ProcessExitedException as error:
            raise _written_error(folder) or PoseNet3DError(
                f"Expected every process to train to the end, got this: {error}. The last saved "
                "state stays; make sure that memory suffices for all of them, and go on from it."
            ) from None
        except ProcessRaisedException as error:
            raise _written_error(folder) or error from None
        else:
            if ended := _written_error(folder):
                raise ended
        finally:
            if in_memory and (folder / STATE_FILE).exists():
                written = (folder / STATE_FILE).read_bytes()
                store.save_state(parse_state(written, torch.device("cpu")))


def _hand_over(state: Mapping[str, Any] | None, path: Path) -> None:
    if state is not None:
        path.write_bytes(dump_state(state))


def _write_error(path: Path, error: BaseException) -> None:
    facts = {name: value for name, value in vars(error).items() if _is_plain(value)}
    args = [each for each in error.args if _is_plain(each)]
    text = {"class": type(error).__name__, "args": args, "text": str(error), "facts": facts}
    path.write_text(json.dumps(text))


def _written_error(folder: Path) -> BaseException | None:
    """The error of the first process that left one, of its own class."""
    for path in sorted(folder.glob("error-*.json")):
        told = json.loads(path.read_text())
        if told["class"] in _ENDS:
            return _ENDS[told["class"]](*told["args"])
        kind = getattr(errors, told["class"], PoseNet3DError)
        error: BaseException = kind.__new__(kind)
        error.args = (told["text"],)
        vars(error).update(told["facts"])
        return error
    return None


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool | type(None))


@contextmanager
def _signals_passed_on() -> Iterator[None]:
    """A block in which SIGINT and SIGTERM go to the forked processes, which save and end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from multiprocessing import active_children

    mine = os.getpid()

    def pass_on(number: int, frame: FrameType | None) -> None:
        for child in active_children() if os.getpid() == mine else ():
            with suppress(ProcessLookupError):
                os.kill(child.pid or mine, signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
