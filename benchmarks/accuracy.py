"""One table of all lifters from one protocol, and the goals of accuracy.

    python benchmarks/accuracy.py

Measures nothing: reads what `relations.py`, `peers.py`, `pretrained.py` and `depth_mirror.py`
wrote into `benchmarks/results`, takes no measurement twice, and never puts different people,
protocols or 2D into one table; flat depth, which all of them measure, must be the same in all.
Only figures of the test subjects meet a goal. Where one is missed, what was tried and what is next
comes from `benchmarks/accuracy_notes.md`, under a heading with the goal's key (`--keys`). Writes
`accuracy.md` and `accuracy.json` beside the results.
"""

import argparse
import json
from collections.abc import Collection
from pathlib import Path

from accuracy_goals import GOALS, verdicts
from accuracy_page import document, render
from accuracy_rows import read

HERE = Path(__file__).resolve().parent
COMMAND = "python benchmarks/accuracy.py"


def main() -> None:
    """Read, judge, and write the page."""
    arguments = parse()
    keys = [goal.key for goal in GOALS]
    if arguments.keys:
        print("\n".join(f"{goal.key:18}{goal.title}" for goal in GOALS))
        return
    rows = read(arguments.results)
    found = verdicts(rows)
    notes = notes_of(arguments.notes.read_text(), keys) if arguments.notes.exists() else {}
    page = arguments.results / "accuracy.md"
    page.write_text(render(rows, found, notes))
    told = json.dumps(document(rows, found, COMMAND), indent=1)
    page.with_suffix(".json").write_text(told + "\n")
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--notes", type=Path, default=HERE / "accuracy_notes.md")
    parser.add_argument("--keys", action="store_true", help="print the goals' keys and stop")
    return parser.parse_args()


def notes_of(text: str, keys: Collection[str]) -> dict[str, str]:
    """The notes by goal: what stands under each heading, as one paragraph.

    Raises:
        SystemExit: a heading is no goal's key.
    """
    notes = {}
    for part in text.split("\n## ")[1:]:
        key, _, body = part.partition("\n")
        if key.strip() not in keys:
            raise SystemExit(f"expected a goal's key as heading, one of {keys}, got {key!r}")
        notes[key.strip()] = " ".join(body.split())
    return notes


if __name__ == "__main__":
    main()
