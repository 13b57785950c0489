"""Ends a process when another one of its run has failed, also where it waits for that one."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

POLL_SECONDS = 1.0
GRACE_SECONDS = 15.0
_KEY = "posenet3d/failed"


class Lifeline:
    """A thread that watches the other processes of a run.

    A process that fails says so in the store at which all processes met. The others
    find it there, or find the store gone, or the process gone that started them. They then have
    some seconds to end by themselves, since a broken connection mostly raises an error where they
    wait; after that they are ended.

    Args:
        rank: this process's number.
    """

    def __init__(self, rank: int) -> None:
        from torch.distributed.distributed_c10d import _get_default_store

        self.rank = rank
        self._store: Any = _get_default_store()
        self._parent = os.getppid()
        self._over = threading.Event()

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block during which the others are watched, and told of what it raises."""
        self._over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(self._over,), daemon=True)
        watcher.start()
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException as error:
            self._tell(error)
            raise
        finally:
            self._over.set()

    def _tell(self, error: BaseException) -> None:
        with suppress(Exception):  # where the store is gone, the others know
            self._store.set(_KEY, f"process {self.rank} failed ({type(error).__name__})")

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(POLL_SECONDS):
            reason = self._failure()
            if reason and not over.wait(GRACE_SECONDS):
                print(f"posenet3d: ended, since {reason}.", file=sys.stderr, flush=True)
                os._exit(1)

    def _failure(self) -> str:
        if os.getppid() != self._parent:
            return "the process that started it is gone"
        try:
            if self._store.check([_KEY]):
                return str(self._store.get(_KEY).decode())
        except Exception as error:
            return f"the first process is gone ({type(error).__name__})"
        return ""
