"""Trains runs in forked processes and kills them; ``test_kills.py`` starts it as a script.

Importing takes seconds, so it is done once, here, in a process that computes nothing itself; each
life of a run is a fork of it and begins with the memory of a process that has just imported.

Argument: a JSON file with ``config``, ``clips`` (a NumPy archive), ``run``, ``seed``, ``kills``,
``places`` (the names of all checkpoints that the run writes, in order) and, where several processes
share it, ``ranks``. Prints what became of it as JSON.
"""

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posenet3d.keypoints import KeypointSequence
from posenet3d.training import RunFolder, Trainer, TrainerConfig

LONG = 120.0
KINDS = ("save", "save", "save", "between", "start")


def train(job: dict[str, Any], tell: int) -> None:
    """One life of the run: to its end, telling when a save begins and ends."""
    save = RunFolder.save_state

    def told(folder: RunFolder, state: Any, score: float | None = None) -> None:
        os.write(tell, b"b")
        save(folder, state, score)
        os.write(tell, b"e")

    RunFolder.save_state = told  # type: ignore[method-assign]
    clips = {
        name: KeypointSequence(points, layout="lsp_14", fps=30.0, unit="normalized")
        for name, points in np.load(job["clips"]).items()
    }
    config = TrainerConfig.parse(job["config"])
    options: dict[str, Any] = {} if job.get("ranks") else {"device": "cpu"}
    Trainer(config, train_data=clips, run_dir=job["run"], progress=False, **options).fit()


def begin(job: dict[str, Any]) -> tuple[int, int]:
    """Start a life; its process and the pipe that it tells by."""
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.close(hear)
        code = 1
        try:
            if job.get("log"):
                log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 2)
            train(job, tell)
            code = 0
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    os.close(tell)
    return child, hear


def wait_for(hear: int, told: bytes, count: int) -> bytes:
    """What was told until ``count`` of ``told`` were, or the end."""
    heard = b""
    limit = time.monotonic() + LONG
    while heard.count(told) < count:
        left = limit - time.monotonic()
        if left <= 0 or not select.select([hear], [], [], left)[0]:
            break
        piece = os.read(hear, 1)
        if not piece:
            break
        heard += piece
    return heard


def rest(hear: int) -> bytes:
    """What was told until the pipe was closed."""
    heard = b""
    while piece := os.read(hear, 4096):
        heard += piece
    return heard


def kill_once(job: dict[str, Any], kind: str, save: int, chance: random.Random) -> str:
    """Kill a life in its n-th save, after it, or at its start; what it was doing then."""
    child, hear = begin(job)
    heard = b""
    if kind == "start":
        time.sleep(chance.uniform(0.0, 0.3))
    elif kind == "save":
        heard = wait_for(hear, b"b", save)
        time.sleep(chance.choice((0.0, chance.uniform(0.0, 0.012))))
    else:
        heard = wait_for(hear, b"e", save)
        time.sleep(chance.uniform(0.0, 0.1))
    os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    heard += rest(hear)
    os.close(hear)
    if code != -signal.SIGKILL:
        return f"ended with {code}"
    return "in a save" if heard.endswith(b"b") else "outside"


def reached(job: dict[str, Any]) -> int:
    """The number of the newest checkpoint among all that the run writes; -1 without one."""
    found = sorted(path.name for path in Path(job["run"], "checkpoints").glob("?-????????"))
    places: list[str] = job["places"]
    return places.index(found[-1]) if found else -1


def kill_often(job: dict[str, Any]) -> dict[str, Any]:
    """Kill life after life, each some way further on, then let the last one end."""
    chance = random.Random(job["seed"])
    last = len(job["places"]) - 1
    seen = []
    while len(seen) < job["kills"]:
        save = len(seen) * (last + 1) // job["kills"] - reached(job)
        kind = "start" if reached(job) == last else chance.choice(KINDS)
        doing = kill_once(job, kind, max(1, save), chance)
        if doing != "ended with 0":
            seen.append((doing, job["places"][max(0, reached(job))]))
    return {"kills": seen, "code": end(job)}


def end(job: dict[str, Any]) -> int:
    """Let a life end; its exit code."""
    child, hear = begin(job)
    rest(hear)
    os.close(hear)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ranks_of(launcher: int) -> list[int]:
    """The processes that a process has started, in their order."""
    return [
        int(each) for each in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    ]


def kill_a_rank(job: dict[str, Any], rank: int, save: int, chance: random.Random) -> dict[str, Any]:
    """Kill one of the processes of a life; how the others ended, and after how long."""
    child, hear = begin(job)
    wait_for(hear, b"e", save)
    time.sleep(chance.uniform(0.0, 0.1))
    os.kill(ranks_of(child)[rank], signal.SIGKILL)
    began = time.monotonic()
    rest(hear)  # open for as long as any process of the run lives
    os.close(hear)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"code": code, "seconds": time.monotonic() - began, "place": reached(job)}


def kill_ranks(job: dict[str, Any]) -> dict[str, Any]:
    """Kill one rank in life after life, then let the last one end."""
    chance = random.Random(job["seed"])
    last = len(job["places"]) - 1 - 8  # so that no life ends before it is killed
    seen = []
    for number in range(job["kills"]):
        save = max(1, number * last // job["kills"] - reached(job))
        seen.append(kill_a_rank(job, number % job["ranks"], save, chance))
    return {"kills": seen, "code": end(job)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    job = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps((kill_ranks if job.get("ranks") else kill_often)(job)))
