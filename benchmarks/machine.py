"""Where a speed was measured, and how: each case in a process of its own."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any


def described(threads: int) -> dict[str, Any]:
    """The machine and what computes on it."""
    import torch

    return {
        "device": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((x.split(": ")[1] for x in lines if x.startswith("model name")), "unknown CPU")


def alone(script: str, case: dict[str, Any], threads: int) -> dict[str, Any]:
    """A case's record from `python SCRIPT --case JSON`, or what it failed with.

    Args:
        script: the benchmark's file; its last line of output is the record.
        case: what it measures.
        threads: CPU threads it is given.
    """
    command = [sys.executable, script, "--case", json.dumps(case)]
    given = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | given)
    if done.returncode:
        return case | {"failed": (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]}
    return case | json.loads(done.stdout.splitlines()[-1])
