"""One thread that reads what is asked for next while the caller works."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class ReadAhead(Generic[Key, Value]):
    """Values by their keys, one of them read ahead.

    Args:
        read: gives a key's value; called from this thread and from another one.

    Example:
        >>> squares = ReadAhead(lambda number: number**2)
        >>> squares.get(3, then=4), squares.get(4, then=5)
        (9, 16)
        >>> squares.close()
    """

    def __init__(self, read: Callable[[Key], Value]) -> None:
        self._read = read
        self._thread: ThreadPoolExecutor | None = None
        self._ahead: tuple[Key, Future[Value]] | None = None

    def get(self, key: Key, then: Key) -> Value:
        """The value of a key; the one of ``then`` is being read when this returns.

        An error of the reading is raised when its own key is asked for.

        Args:
            key: what is wanted.
            then: what will be wanted next, most likely.

        Returns:
            The value: read ahead, or read now where another key was expected.
        """
        ahead, self._ahead = self._ahead, None
        value = ahead[1].result() if ahead and ahead[0] == key else self._read(key)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="posenet3d-shards")
        self._ahead = then, self._thread.submit(self._read, then)
        return value

    def close(self) -> None:
        """Wait for the reading under way and end the thread; the next `get` begins another."""
        thread, self._thread, self._ahead = self._thread, None, None
        if thread is not None:
            thread.shutdown(wait=True, cancel_futures=True)
