"""The page of the weights that ship: figures with their spread, fp16, how the runs went."""

import os
import statistics
from pathlib import Path
from typing import Any

from pretrained_card import HEADS, measured, told_2d


def render(records: list[dict[str, Any]], rounding: dict[str, Any], facts: dict[str, Any]) -> str:
    """The page of results."""
    lines = heading(records, facts)
    if facts["measured"] is None:
        lines += ["Trained; nothing was measured.", ""]
    else:
        lines += [*figures(records), *wild_against_fixed(records), *right_way_round(records)]
    return "\n".join([*lines, *half(rounding, facts), *trainings(records)]) + "\n"


def heading(records: list[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    """What was done, with what, on whom."""
    seeds = [record["seed"] for record in records]
    commits = ", ".join(sorted({short(record["commit"]) for record in records}))
    who = {
        "test": "the test subjects",
        None: "nobody",
    }.get(facts["measured"], f"held-out training subjects {', '.join(facts['hold_out'])}")
    trial = f" **A trial with {facts['clips']} clips.**" if facts["clips"] else ""
    gaps = ", missing joints among them" if facts["missing_joints"] else ", no joint missing"
    noise = "none" if facts["noise"] == "none" else f"`{facts['noise']}`{gaps}"
    noise = "as the preset spoils windows" if facts["spoils"] else noise
    starts = [f"`{Path(each).name}`" for each in facts["starts"]]
    began = f", from {', '.join(starts)}" if starts else ""
    changes = f"; changed: {', '.join(f'`{each}`' for each in facts['changes'])}"
    data = records[0]["data"]
    return [
        f"# Weights that ship: `{facts['name']}`",
        "",
        f"Command: `{facts['command']}`",
        "",
        f"Preset `{facts['preset']}`, steps × {facts['budget']:g}"
        f"{changes if facts['changes'] else ''}{began}, trained on "
        f"{data['sequences']} sequences ({data['frames']:,} frames, subjects "
        f"{', '.join(data['subjects'])}) filmed by `{facts['protocol']}`; detector noise: {noise}. "
        f"Measured on {who}; seeds {seeds}, of which the first ships, whatever its figures; "
        f"{os.cpu_count()} cores; commit {commits}.{trial}",
        "",
    ]


def figures(records: list[dict[str, Any]]) -> list[str]:
    """Every branch's figures: the first seed's, and mean ± standard deviation over all."""
    from posenet3d.networks.card import FIGURES

    lines = [
        "## Figures",
        "",
        "P-MPJPE per frame with det = +1, over all frames and as a mean over subjects; MPJVE at "
        "50 Hz. The first seed's figure (mean ± standard deviation over the seeds).",
        "",
        f"| protocol | 2D | branch | {' | '.join(FIGURES.values())} |",
        "|---" * (3 + len(FIGURES)) + "|",
    ]
    for each in measured(records):
        cells = " | ".join(each.figures[name].told(1) for name in FIGURES)
        lines.append(f"| {each.protocol} | {each.seen} | {each.head} | {cells} |")
    return [*lines, ""]


def wild_against_fixed(records: list[dict[str, Any]]) -> list[str]:
    """P-MPJPE under wild cameras over that on the fixed rig, of one network."""
    lines = ["## Wild cameras against the fixed rig, P-MPJPE of one network", ""]
    lines += ["| 2D | branch | cmu14-wild / cmu14 |", "|---|---|---|"]
    fixed, wild = (records[0]["figures"][name] for name in ("cmu14", "cmu14-wild"))
    for seen in fixed:
        for head in HEADS:
            if head == "flat" or head not in wild[seen]:
                continue
            ratios = [
                record["figures"]["cmu14-wild"][seen][head]["p_mpjpe"]
                / record["figures"]["cmu14"][seen][head]["p_mpjpe"]
                for record in records
            ]
            lines.append(f"| {told_2d(seen)} | {head} | {spread(ratios)} |")
    return [*lines, ""]


def right_way_round(records: list[dict[str, Any]]) -> list[str]:
    """How many seeds have depth the right way round."""
    right = [
        all(
            heads[head]["right_way_round"] is True
            for kinds in record["figures"].values()
            for heads in kinds.values()
            for head in heads
            if head != "flat"
        )
        for record in records
    ]
    return [f"Depth the right way round in every branch: {sum(right)} of {len(right)} seeds.", ""]


def spread(numbers: list[float]) -> str:
    """Mean and standard deviation; the mean alone of one number."""
    mean = f"{statistics.fmean(numbers):.2f}"
    return mean if len(numbers) < 2 else f"{mean} ± {statistics.stdev(numbers):.2f}"


def short(commit: str) -> str:
    """A commit's first digits; that files differed from it is kept."""
    return commit[:12] + ("+changes" if commit.endswith("+changes") else "")


def half(rounding: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    """What storing the weights as fp16 changes, and what was shipped."""
    lines = ["## Stored as fp16", "", f"P-MPJPE on {rounding['on']}, exact 2D, first seed.", ""]
    lines += [
        "| protocol | branch | fp32, mm | fp16, mm | difference, mm |",
        "|---|---|---|---|---|",
    ]
    for row in rounding["rows"]:
        lines.append(
            f"| {row['protocol']} | {row['head']} | {row['fp32']:.3f} | {row['fp16']:.3f} "
            f"| {row['fp16'] - row['fp32']:+.4f} |"
        )
    if shipped := facts.get("shipped"):
        lines += [
            "",
            f"Shipped: seed {shipped['seed']}, {shipped['bytes'] / 1e6:.1f} MB as "
            f"{shipped['precision']}, SHA-256 `{shipped['sha256']}`.",
        ]
    return [*lines, ""]


def trainings(records: list[dict[str, Any]]) -> list[str]:
    """How long each seed took, and what the mirror guard did."""
    lines = ["## Runs", "", "| seed | stages: steps | minutes | pitch | mirror turns | commit |"]
    lines.append("|---|---|---|---|---|---|")
    for record in records:
        report = record["report"]
        stages = ", ".join(f"{each['name']} {each['steps']}" for each in report["stages"])
        minutes = sum(each["seconds"] for each in report["stages"]) / 60
        pitch = report["camera_pitch_degrees"]
        lines.append(
            f"| {record['seed']} | {stages} | {minutes:.1f} "
            f"| {'–' if pitch is None else f'{pitch:.1f}°'} | {report['mirror_turns']} "
            f"| {short(record['commit'])} |"
        )
    return [*lines, ""]
