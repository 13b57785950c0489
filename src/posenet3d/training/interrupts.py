"""Ctrl-C at a step's end: the first one ends the run with its state saved, the second at once."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SAME_WISH_SECONDS = 5.0
"""Signals within so many seconds of the first are the same wish, where a launcher passes it on."""


class Interrupt:
    """Whether somebody asked the run to end.

    Example:
        >>> Interrupt().asked
        False
    """

    def __init__(self) -> None:
        self.asked = False

    def raise_if(self, asked: bool) -> None:
        """End the run, now that its state is saved.

        Args:
            asked: whether somebody asked this process or another one of the run.

        Raises:
            KeyboardInterrupt: if so.
        """
        if asked:
            raise KeyboardInterrupt


@contextmanager
def deferred_interrupts(*, several: bool = False) -> Iterator[Interrupt]:
    """While the block runs, a first SIGINT or SIGTERM is noted instead of raised.

    Outside the main thread, where Python allows no handlers, nothing is changed.

    Args:
        several: whether the run has several processes. Ctrl-C then reaches each of them from the
            terminal and once more from their launcher, so what follows within some seconds counts
            as the same wish.

    Example:
        >>> with deferred_interrupts() as interrupt:
        ...     signal.raise_signal(signal.SIGINT)
        >>> interrupt.asked
        True
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    patience = SAME_WISH_SECONDS if several else 0.0
    first = 0.0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if interrupt.asked and time.monotonic() - first >= patience:
            raise KeyboardInterrupt
        if not interrupt.asked:
            interrupt.asked, first = True, time.monotonic()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            # A handler that was not set from Python reads as None and cannot be set back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
