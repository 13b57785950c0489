"""A training done anew with the recorded command, beside the weights that ship.

    python benchmarks/pretrained.py --data DATA --runs RUNS --seeds 0 ...   # as the page records it
    python benchmarks/retrained.py best-wild=RUNS/GROUP/0 best-detected=...

Each run is compared with the weights of that name in the package: how many of its tensors are the
same to the last bit, as they are stored; and, where the run was measured on the test subjects
(`pretrained.py --test`), its P-MPJPE beside that of the seed that ships and its spread over seeds.
It measures nothing itself. Writes `retrained.md` into `--results`.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from origin import command
from pretrained_card import HEADS, told_2d
from safetensors.torch import load_file

import posenet3d

WEIGHTS = Path(posenet3d.__file__).parent / "assets" / "weights"
RESULTS = Path(__file__).parent / "results"
PAGES = {"best-wild": "pretrained", "best-detected": "pretrained_detected"}
MEASURED = "figures-test.json"
"""Where `pretrained.py --test` leaves a run's figures."""


def main() -> None:
    """Compare and write."""
    arguments = parse()
    lines = ["# Weights trained anew", "", f"Command: `{command()}`", ""]
    for named in arguments.runs:
        name, _, folder = named.partition("=")
        lines += compared(name, Path(folder))
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / "retrained.md"
    page.write_text("\n".join(lines))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    unknown = {named.partition("=")[0] for named in arguments.runs} - set(PAGES)
    if unknown:
        parser.error(f"expected NAME=RUN with one of {', '.join(PAGES)}, got {sorted(unknown)}")
    return arguments


def compared(name: str, run: Path) -> list[str]:
    """The part of the page about one of the networks."""
    record = json.loads((run / "pretrained.json").read_text())
    same, whole = same_tensors(name, run)
    page = json.loads((RESULTS / f"{PAGES[name]}.json").read_text())
    lines = [
        f"## `{name}`",
        "",
        f"Trained with `{record['command']}`, seed {record['seed']}, commit {record['commit'][:12]}"
        f"; the weights that ship are of commit {page['records'][0]['commit'][:12]}.",
        "",
        f"Of its {whole} tensors {same} are the same to the last bit, as they are stored.",
        "",
    ]
    if same == whole:
        return [*lines, "So every figure of the card is its, too.", ""]
    if not (run / MEASURED).exists():
        return lines
    figures = json.loads((run / MEASURED).read_text())["figures"]
    head = "| protocol | 2D | branch | ships | anew | difference | spread over the card's seeds |"
    return [
        *lines,
        "P-MPJPE on the test subjects, mm; the spread is the standard deviation.",
        "",
        head,
        "|---" * 7 + "|",
        *rows(page["records"], figures),
        "",
    ]


def same_tensors(name: str, run: Path) -> tuple[int, int]:
    """How many tensors of a run are those that ship, as they are stored, and how many there are."""
    ships = load_file(WEIGHTS / name / "model.safetensors")
    anew = load_file(run / "model.safetensors")
    same = [torch.equal(anew[key].to(value.dtype), value) for key, value in ships.items()]
    return sum(same), len(same)


def rows(records: list[dict[str, Any]], figures: dict[str, Any]) -> Iterator[str]:
    """A row for each protocol, kind of 2D and branch."""
    for protocol, kinds in figures.items():
        for seen, heads in kinds.items():
            for head in HEADS[:-1]:
                shipped = [each["figures"][protocol][seen][head]["p_mpjpe"] for each in records]
                anew = heads[head]["p_mpjpe"]
                yield (
                    f"| {protocol} | {told_2d(seen)} | {head} | {shipped[0]:.2f} | {anew:.2f} "
                    f"| {anew - shipped[0]:+.2f} | {statistics.stdev(shipped):.2f} |"
                )


if __name__ == "__main__":
    main()
