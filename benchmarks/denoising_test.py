"""What teaching a lifter to bear a detector's errors gains and costs, on the test subjects.

    python benchmarks/denoising_test.py --data $POSENET3D_DATA best-wild=RUN_0 OLD_1=RUN_1 ...

Each pair names weights (a shipped name, or a run's folder) before and after they were trained by
the preset `detected`. All are measured as the trials of `benchmarks/denoising.py` are, on the test
subjects, also on the fixed rig; each look is written down in `looks_at_test.md` first. Nothing is
to be chosen by it. What is measured is kept under `--runs`, and not looked at again. Goes to
`benchmarks/results/denoising_test.{json,md}`.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from command_line import parsed, parser_of
from denoising import BEFORE, CONDITIONS, EVERY, HEADS, Seen, Views, figures, kept
from origin import command, commit, note_the_look
from robustness_measures import FIXED, Condition

from posenet3d.data import load_motion
from posenet3d.networks import PoseNet3D

AFTER = "after"
MEASURED = (Seen(Condition("exact", FIXED)), *CONDITIONS)


def main() -> None:
    """Look at every pair, write page and record."""
    arguments = parse()
    torch.set_flush_denormal(True)
    views = Views(load_motion(arguments.data / "cmu_test.npz"))
    pairs = [
        {
            name: looked_at(place, views, arguments)["figures"]
            for name, place in zip((BEFORE, AFTER), pair.split("=", 1), strict=True)
        }
        for pair in arguments.pairs
    ]
    results = {"command": command(), "commit": commit(), "pairs": pairs}
    path = arguments.results / "denoising_test.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    path.with_suffix(".md").write_text("\n".join(page(results)) + "\n")
    print(path.with_suffix(".md").read_text())


def looked_at(weights: str, views: Views, arguments: argparse.Namespace) -> dict[str, Any]:
    """What is known of weights, which are looked at if they were not."""

    def look() -> dict[str, Any]:
        note_the_look(f"denoising, {weights}", arguments.results)
        return {"figures": figures(PoseNet3D.from_pretrained(weights), views, MEASURED)}

    return kept(arguments.runs / f"{weights.replace('/', '_')}.json", look)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("pairs", nargs="+", metavar="BEFORE=AFTER")
    parser.add_argument("--runs", type=Path, default=Path("runs/denoising_test"))
    arguments = parsed(parser)
    if wrong := [pair for pair in arguments.pairs if "=" not in pair]:
        parser.error(f"expected BEFORE=AFTER, got {wrong}")
    return arguments


def page(results: dict[str, Any]) -> Iterator[str]:
    """The page's lines."""
    pairs = results["pairs"]
    yield "# Weights taught to bear a detector's errors, on the test subjects"
    yield ""
    yield f"Command: `{results['command']}`; commit {results['commit'][:12]}."
    yield ""
    yield (
        f"Test subjects, CMU-14 wild where nothing else is said, every {EVERY}th frame. P-MPJPE in "
        f"mm, over {len(pairs)} pairs of weights before and after: the mean of teacher and of "
        "student, and mean ± standard deviation of their mean, which is the answer. Where a joint "
        "is missing, the weights before are given the guess of `fill_windows`."
    )
    yield ""
    yield "| 2D | teacher / student before | teacher / student after | before | after |"
    yield "|---|---|---|---|---|"
    for number, row in enumerate(pairs[0][BEFORE]):
        before, after = ([pair[name][number] for pair in pairs] for name in (BEFORE, AFTER))
        parts = " | ".join(branches(rows) for rows in (before, after))
        yield f"| {row['what']} | {parts} | {answer(before)} | {answer(after)} |"


def branches(rows: list[dict[str, Any]]) -> str:
    """The means of teacher and student over pairs."""
    return " / ".join(f"{statistics.fmean(row[name] for row in rows):.1f}" for name in HEADS[:2])


def answer(rows: list[dict[str, Any]]) -> str:
    """The mean head over pairs, with its deviation."""
    values = [row["mean"] for row in rows]
    deviation = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.1f}{deviation}"


if __name__ == "__main__":
    main()
