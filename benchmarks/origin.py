"""Where figures come from: the command, the commit, and the list of looks at the test subjects."""

import json
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOOKS = "looks_at_test.md"
"""The one list of all benchmarks, in the folder of results."""


def command() -> str:
    """The command line, its paths' folders left out."""
    words = [_named_alone(word) for word in sys.argv[1:]]
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])


def environment_of(run: Path) -> dict[str, Any]:
    """What a run's folder tells of its machine and command; paths' folders are left out."""
    told: dict[str, Any] = json.loads((run / "environment.json").read_text())
    return {**told, "command": [_named_alone(word) for word in told["command"]]}


def _named_alone(word: str) -> str:
    """A word of the command line; of a path, its last name, also behind `NAME=`."""
    title, equals, path = word.rpartition("=")
    return title + equals + (Path(path).name if path.startswith("/") else path)


def commit() -> str:
    """The commit of the source tree, with `+changes` where tracked files differ."""
    from posenet3d.evaluation.provenance import source_commit

    return source_commit() or "unknown"


def note_the_look(what: str, results: Path, typed: str | None = None) -> None:
    """Write down that the test subjects are looked at; call it before it is done.

    Args:
        what: what is measured on them.
        results: the folder of results.
        typed: the command, where this process was not started by it.
    """
    results.mkdir(parents=True, exist_ok=True)
    log = results / LOOKS
    if not log.exists():
        head = ["# Looks at the test subjects", "", "| date | commit | what | command |"]
        log.write_text("\n".join([*head, "|---|---|---|---|", ""]))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with log.open("a") as file:
        file.write(f"| {now} | {commit()[:12]} | {what} | `{typed or command()}` |\n")
