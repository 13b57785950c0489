"""The bar of the commands, on real terminals and real pipes."""

import json
import os
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from posenet3d.cli import main

fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))  # not on Windows

SHOWN, HIDDEN, ERASED = b"\x1b[?25h", b"\x1b[?25l", b"\x1b[2K"
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
from posenet3d.cli.progress import progress_bar
with progress_bar("lift", unit=sys.argv[1]) as move:
    move(1, 3, "walk [left].json")
    print("the result", flush=True)
    time.sleep(float(sys.argv[2]))
"""


class Terminal:
    """A terminal of 100 columns, and what was written to it."""

    def __init__(self) -> None:
        self._read, self.end = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self._written = b""
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        try:
            while piece := os.read(self._read, 4096):
                self._written += piece
        except OSError:  # how Linux tells that the other end is closed
            pass

    def written(self) -> bytes:
        """Everything that was written, once nobody writes any more."""
        os.close(self.end)
        self._reader.join()
        os.close(self._read)
        return self._written


def start(
    stderr: int, *words: str, seconds: float = 0.0, **environment: str
) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *(words or ["pieces"]), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**kept, "TERM": "xterm", **environment},
    )


@pytest.mark.parametrize(("unit", "count"), [("pieces", b"1/3"), ("bytes", b"1/3 bytes")])
def test_a_terminal_shows_a_bar_and_standard_output_has_the_result_alone(
    unit: str, count: bytes
) -> None:
    terminal = Terminal()
    process = start(terminal.end, unit)
    assert process.communicate()[0] == "the result\n"
    shown = terminal.written()
    assert b"lift walk [left].json" in shown
    assert count in shown
    assert b"the result" not in shown
    assert shown.rindex(SHOWN) > shown.rindex(HIDDEN)
    assert ERASED in shown[shown.rindex(b"walk") :]


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}], ids=["plain", "colour"])
def test_a_pipe_has_no_bar_and_no_empty_line(environment: dict[str, str]) -> None:
    process = start(subprocess.PIPE, **environment)
    assert process.communicate() == ("the result\n", "")


def test_a_terminal_that_cannot_move_its_cursor_has_none() -> None:
    terminal = Terminal()
    process = start(terminal.end, TERM="dumb")
    assert process.communicate()[0] == "the result\n"
    assert terminal.written() == b""


def test_an_interrupted_bar_is_gone_and_the_cursor_back() -> None:
    terminal = Terminal()
    process = start(terminal.end, seconds=60.0)
    assert process.stdout is not None
    assert process.stdout.readline() == "the result\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == ""
    shown, _, told = terminal.written().partition(b"Traceback")
    assert told.rstrip().endswith(b"KeyboardInterrupt")
    assert shown.rindex(SHOWN) > shown.rindex(HIDDEN)
    assert ERASED in shown[shown.rindex(b"walk") :]


def test_json_is_alone_on_standard_output_beside_a_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).random((12, 17, 2))
    np.savez(tmp_path / "walk.npz", fps=50, layout="coco_17", points=points)
    words = ["lift", tmp_path / "walk.npz", "--out", tmp_path / "walk.bvh", "--json"]
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with open(terminal.end, "w", closefd=False) as file:
        monkeypatch.setattr(sys, "stderr", file)
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
    assert left.value.code == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 12
    assert b"12/12" in terminal.written()
