"""The page of `inference.py`'s records."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from inference_plan import WIDTHS

KINDS = {
    "batch": "keypoints to reconstruction",
    "network": "network alone, every window",
    "live": "live, frame by frame",
}
PEER = "videopose3d-9"
GOAL = 0.6
NOTES = Path(__file__).with_name("inference_notes.md")
"""What was tried and what would help, written by hand."""
INTRODUCTION = """# Lifting: speed and memory

A sequence in, a `Reconstruction` out; how each row is measured is told at the top of
`benchmarks/inference.py`. *Share of the ceiling* is of the fastest large matrix product in the same
process; *against VideoPose3D* compares the operations that are computed in a second with those of
its model of nine frames: frames a second, at equal work a frame. *Each window by itself* is the
work of the network's parts for a window that shares nothing with its neighbours: what lifting
computed before it took the short cuts that the notes tell of. VideoPose3D's one pass over a
sequence shares everything, so its count is the least possible."""


def render(records: Sequence[dict[str, Any]]) -> str:
    """The whole page."""
    speeds = [each for each in records if each["kind"] != "memory" and "failed" not in each]
    parts = [INTRODUCTION, facts(records)]
    for threads in sorted({each["threads"] for each in speeds}):
        parts.append(f"## {threads} thread{'s' * (threads > 1)}")
        parts.append("\n".join(table([each for each in speeds if each["threads"] == threads])))
    if wanted := list(goals(speeds)):
        parts += ["## Goals, batch mode, one thread", "\n".join(wanted), NOTES.read_text().strip()]
    long = [each for each in records if each["kind"] == "memory" and "failed" not in each]
    if long:
        parts += ["## Memory", "\n".join(memory_table(long))]
    failed = [each for each in records if "failed" in each]
    parts += [f"Failed: {each['kind']} of {each['network']}: {each['failed']}" for each in failed]
    return "\n\n".join(parts) + "\n"


def facts(records: Sequence[dict[str, Any]]) -> str:
    """Commands, commits and machine."""
    once = {name: dict.fromkeys(str(each[name]) for each in records) for name in records[0]
            if name in ("command", "commit", "date", "device", "torch")}  # fmt: skip
    told = {name: ", ".join(values) for name, values in once.items()}
    commands = ", ".join(f"`{each}`" for each in once["command"])
    return (
        f"Command: {commands}; commit {told['commit']}; {told['date']}. Machine: {told['device']}, "
        f"{records[0]['cores']} cores, torch {told['torch']}. Medians of several repeats. On one "
        "thread seconds are those that the process computed, as on an idle machine."
    )


def table(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A row a case of one number of threads."""
    yield (
        "| network | what | branches | frames/s | MFLOP a frame | each window by itself | GFLOP/s "
        "| share of the ceiling | against VideoPose3D | load |"
    )
    yield "|" + "---|" * 10
    peer = next((rate(each) for each in records if each["network"] == PEER), None)
    for each in records:
        ours = each["network"] in WIDTHS
        what = KINDS[each["kind"]] + (", with mesh" if each["mesh"] else "")
        cells = [
            f"`{each['network']}`" if ours else each["network"].replace("-", " RF "),
            what if ours else "network alone, one pass",
            {"teacher": "teacher", "both": "teacher and student"}[each["part"]] if ours else "–",
            f"{frames_a_second(each):,.0f}",
            f"{each['operations'] / 1e6:,.1f}",
            f"{each['by_itself'] / 1e6:,.1f}" if each.get("by_itself") else "–",
            f"{rate(each) / 1e9:,.1f}",
            f"{share(each):.0%}",
            f"{rate(each) / peer:.2f}" if peer else "–",
            f"{each['load']:.1f}",
        ]
        yield f"| {' | '.join(cells)} |"


def goals(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What was wanted of batch mode, and what came, of each width on one thread."""
    peer = next((e for e in records if e["network"] == PEER and e["threads"] == 1), None)
    batch = [e for e in records if e["kind"] == "batch" and e["threads"] == 1 and not e["mesh"]]
    for each in batch:
        against = "" if peer is None else (
            f"; VideoPose3D's rate: {rate(each) / rate(peer):.2f} of it, wanted 1 "
            f"({'met' if rate(each) >= rate(peer) else 'missed'})"
        )  # fmt: skip
        met = "met" if share(each) >= GOAL else "missed"
        shared = "" if peer is None or not each.get("by_itself") else (
            " Counting the work that each window by itself would be: "
            f"{frames_a_second(each) * each['by_itself'] / rate(peer):.2f} of that rate."
        )  # fmt: skip
        yield (
            f"- `{each['network']}`, {each['part']}: {share(each):.0%} of the ceiling, wanted "
            f"{GOAL:.0%} ({met}){against}.{shared}"
        )


def memory_table(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A row a length."""
    yield "| frames | hours at 30 fps | 2D input | result | peak beyond both | minutes | load |"
    yield "|" + "---|" * 7
    for each in records:
        beyond = max(0, each["peak"] - each["result"])
        cells = [
            f"{each['frames']:,}", f"{each['frames'] / 108000:.2f}",
            *(f"{each[name] / 2**20:,.0f} MiB" for name in ("input", "result")),
            f"{beyond / 2**20:,.0f} MiB", f"{each['seconds'][0] / 60:.1f}", f"{each['load']:.1f}",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def frames_a_second(record: dict[str, Any]) -> float:
    """By the median repeat."""
    return float(record["frames"] / statistics.median(record["seconds"]))


def rate(record: dict[str, Any]) -> float:
    """Operations computed in a second."""
    return frames_a_second(record) * float(record["operations"])


def share(record: dict[str, Any]) -> float:
    """Of the machine's ceiling."""
    return rate(record) / float(record["ceiling"])
