"""Ctrl-C at a step's end: the first one ends the run with its state saved, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether somebody asked the run to end.

    Example:
        >>> Interrupt().asked
        False
    """

    def __init__(self) -> None:
        self.asked = False

    def raise_if_asked(self) -> None:
        """End the run, now that its state is saved.

        Raises:
            KeyboardInterrupt: if somebody asked for it.
        """
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def deferred_interrupts() -> Iterator[Interrupt]:
    """While the block runs, a first SIGINT or SIGTERM is noted instead of raised.

    Outside the main thread, where Python allows no handlers, nothing is changed.

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

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            # A handler that was not set from Python reads as None and cannot be set back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
