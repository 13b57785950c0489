"""Runs a program that reads files: started by `posenet3d.files.reader_process`, never imported.

    python -P reader_worker.py program.py

Lines of JSON come in, first where to import from, then a request a line. A line of JSON goes out
for each, followed by the arrays that it promises. It ends with its input, and when a request takes
too long, even if nobody is left to end it.
"""

import faulthandler
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

_MEMORY = 4 * 2**30
_LONGEST_ERROR = 500


def main() -> None:
    """Answers requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks is interrupted, and ends this
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    requests = sys.stdin.buffer
    sys.path[:] = json.loads(requests.readline())["path"]
    try:
        read = _program(sys.argv[1])
    except Exception as error:
        _send(answers, {"error": _words(error)}, {})
        return
    _limit_memory()
    _send(answers, {"facts": {}}, {})
    for line in requests:
        _answer(answers, read, **json.loads(line))


def _answer(
    answers: BinaryIO, read: Callable[..., Any], request: Mapping[str, Any], seconds: float
) -> None:
    # ends the process without Python's help, which a library in a circle does not give
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        facts, arrays = read(**request)
        told = {"facts": facts}
    except Exception as error:  # whatever the library makes of the file
        told, arrays = {"error": _words(error)}, {}
    _send(answers, told, arrays)
    faulthandler.cancel_dump_traceback_later()


def _send(answers: BinaryIO, told: dict[str, Any], arrays: Mapping[str, Any]) -> None:
    kinds = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    answers.write(json.dumps(told | {"arrays": kinds}).encode() + b"\n")
    for array in arrays.values():
        answers.write(array.data if array.size else b"")
    answers.flush()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]


def _program(path: str) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location("program", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    read: Callable[..., Any] = module.read
    return read


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, ValueError, OSError):  # not on this system
        return


if __name__ == "__main__":
    main()
