import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from posenet3d.errors import PoseNet3DError, StorageError
from posenet3d.files import reader_process
from posenet3d.files.reader_process import ReaderProcess

PROGRAM = """
import os
import time

import numpy as np


def read(do, value=None):
    if do == "answer":
        return {"value": value}, {}
    if do == "arrays":
        arrays = {"halves": np.full((2, 3), 0.5), "counts": np.arange(3)}
        return {}, arrays | {"none": np.zeros((0, 4)), "names": np.array([b"a", b"bc"])}
    if do == "print":
        print("noise", flush=True)
        os.write(1, b"more noise")
        return {}, {}
    if do == "objects":
        return {}, {"objects": np.array([{}])}
    if do == "sleep":
        time.sleep(value)
        return {"value": "slept"}, {}
    if do == "take":
        return {"value": len(bytearray(value))}, {}
    if do == "crash":
        os.abort()
    while True:
        pass
"""
NO_END = "the example does not get to its end"


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def reader(program):
    reader = ReaderProcess(program, "the example")
    yield reader
    reader.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(reader_process, "_SECONDS", 0.5)


def answered(reader, value=1):
    return reader.ask({"do": "answer", "value": value}, length=0).facts["value"] == value


def test_one_process_answers_with_facts_and_arrays(reader):
    assert reader.pid is None
    assert answered(reader, {"a": [1, 2.5, None, "ä"]})
    first = reader.pid
    arrays = reader.ask({"do": "arrays"}, length=0).arrays
    assert {name: (each.dtype.str, each.shape) for name, each in arrays.items()} == {
        "halves": ("<f8", (2, 3)), "counts": ("<i8", (3,)), "none": ("<f8", (0, 4)),
        "names": ("|S2", (2,)),
    }  # fmt: skip
    assert arrays["counts"].tolist() == [0, 1, 2]
    assert not arrays["counts"].flags.writeable
    assert arrays["names"].tolist() == [b"a", b"bc"]
    assert reader.pid == first


def test_an_error_of_the_program_is_told_and_what_it_prints_is_no_answer(reader):
    assert reader.ask({"do": "sleep", "value": -1}, length=0).startswith("ValueError: sleep")
    first = reader.pid
    assert reader.ask({"do": "print"}, length=0).facts == {}
    assert answered(reader)
    assert reader.pid == first
    reader.ask({"do": "objects"}, length=0)
    assert answered(reader)


@pytest.mark.parametrize("do", ["crash", "hang"])
def test_after_a_crash_or_a_hang_another_process_answers(do, reader, impatient, is_running):
    assert answered(reader)
    first, start = reader.pid, time.monotonic()
    assert reader.ask({"do": do}, length=0) == NO_END
    assert time.monotonic() - start < 5
    assert not is_running(first)
    assert answered(reader)
    assert reader.pid != first


def test_a_process_that_is_stopped_or_killed_is_replaced(reader, impatient):
    assert answered(reader)
    os.kill(reader.pid, signal.SIGSTOP)
    assert reader.ask({"do": "answer"}, length=0) == NO_END
    assert answered(reader)
    os.kill(reader.pid, signal.SIGKILL)
    os.waitid(os.P_PID, reader.pid, os.WEXITED | os.WNOWAIT)
    assert answered(reader)


def test_a_long_file_has_more_time(reader, impatient):
    assert reader.ask({"do": "sleep", "value": 0.8}, length=0) == NO_END
    assert reader.ask({"do": "sleep", "value": 0.8}, length=10**6).facts == {"value": "slept"}


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not limit memory")
def test_it_cannot_take_all_memory(reader):
    assert reader.ask({"do": "take", "value": 2**33}, length=0).startswith("MemoryError")
    assert answered(reader)


def test_an_interrupt_goes_through_and_the_next_answer_is_the_next_question_s(reader):
    assert answered(reader)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        reader.ask({"do": "sleep", "value": 1}, length=0)
    assert answered(reader, "mine")
    first = reader.pid
    os.kill(first, signal.SIGINT)  # a terminal interrupts both
    time.sleep(0.1)
    assert answered(reader)
    assert reader.pid == first


def test_threads_get_their_own_answers(reader):
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda value: answered(reader, value), range(64)))


def test_what_cannot_be_started_is_told(tmp_path, monkeypatch):
    broken = tmp_path / "broken.py"
    broken.write_text("import not_there")
    with pytest.raises(PoseNet3DError, match="the example cannot be loaded: ModuleNotFoundError: "):
        ReaderProcess(broken, "the example").ask({}, length=0)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(StorageError, match=r"cannot be run by '.*python': No such file"):
        ReaderProcess(broken, "the example").ask({}, length=0)


def run(script, program, *flags):
    """A Python of its own that gets its script on standard input."""
    return subprocess.Popen(
        [sys.executable, *flags, "-", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ), "import os, sys\nfrom posenet3d.files.reader_process import ReaderProcess\n" + (
        "reader = ReaderProcess(sys.argv[1], 'the example')\n" + textwrap.dedent(script)
    )


def test_it_works_in_an_isolated_python_whose_script_comes_from_standard_input(program):
    process, script = run("print(reader.ask({'do': 'answer', 'value': 5}, 0).facts)", program, "-I")
    told, _ = process.communicate(script, timeout=60)
    assert (told, process.returncode) == ("{'value': 5}\n", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_has_a_process_of_its_own(program):
    process, script = run(
        """
        ask = lambda value: reader.ask({"do": "answer", "value": value}, 0).facts["value"]
        assert ask(1) == 1
        before = reader.pid
        child = os.fork()
        if child == 0:
            good = reader.pid is None and ask(2) == 2 and reader.pid != before
            reader.close()
            os._exit(0 if good else 1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), ask(3), reader.pid == before)
        """,
        program,
        "-Werror",
    )
    told, _ = process.communicate(script, timeout=60)
    assert told == "0 3 True\n"


@pytest.mark.parametrize("do", ["answer", "hang"])
def test_it_ends_when_whoever_asked_is_killed(do, program, is_running, check_it_ends):
    process, script = run(
        f"""
        from posenet3d.files import reader_process
        reader_process._SECONDS = 0.5
        reader.ask({{"do": "answer"}}, 0)
        print(reader.pid, flush=True)
        reader.ask({{"do": "{do}"}}, 0)
        while True:
            pass
        """,
        program,
    )
    with process:
        process.stdin.write(script)
        process.stdin.close()
        worker = int(process.stdout.readline())
        time.sleep(0.2)
        assert is_running(worker)
        process.kill()
    check_it_ends(worker, 10.0)
