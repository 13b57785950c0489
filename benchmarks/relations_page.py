"""The page of the paper's relations: its ratios beside ours, then every figure."""

import os
import statistics
from typing import Any, NamedTuple

from posenet3d.reproduction import Point


class Relation(NamedTuple):
    """One row of the paper: two points, a figure, and the paper's two values."""

    title: str
    figure: str
    over: Point
    under: Point
    paper: tuple[float, float] | None


STITCHED = ", stitched"
"""What a head's name ends in where overlapping windows are averaged."""

EXACT = {
    "teacher": Point("posenet3d-exact", "teacher", "teacher"),
    "teacher-ft": Point("posenet3d-exact", "joint", "teacher"),
    "mean": Point("posenet3d-exact", "joint", "mean"),
    "chen": Point("chen2019-exact", "teacher", "teacher"),
    "chen-views": Point("chen2019-exact-views", "teacher", "teacher"),
}
DETECTED = {
    "teacher": Point("posenet3d", "teacher", "teacher"),
    "teacher-ft": Point("posenet3d", "joint", "teacher"),
    "student": Point("posenet3d", "sja", "student"),
    "student-ft": Point("posenet3d", "joint", "student"),
    "mean": Point("posenet3d", "joint", "mean"),
    "mean-stitched": Point("posenet3d", "joint", f"mean{STITCHED}"),
    "chen": Point("chen2019", "teacher", "teacher"),
    "one-frame": Point("one-frame", "teacher", "teacher"),
    "no-sja": Point("no-sja", "sja", "student"),
    "linear-sja": Point("linear-sja", "sja", "student"),
    "baseline-1": Point("baseline-1", "student", "student"),
    "baseline-2": Point("baseline-2", "sja", "student"),
}


def relation(title: str, figure: str, points: dict, over: str, under: str, paper: Any) -> Relation:
    """A relation between two of one kind of points."""
    return Relation(title, figure, points[over], points[under], paper)


RELATIONS = (
    relation("PoseNet3D / Chen et al. (1 frame)", "p_mpjpe", EXACT, "mean", "chen", (47.0, 58.0)),
    relation(
        "PoseNet3D / Chen et al. with PoseNet3D's views",
        "p_mpjpe",
        EXACT,
        "mean",
        "chen-views",
        None,
    ),
    relation("Teacher-FT / Teacher", "p_mpjpe", EXACT, "teacher-ft", "teacher", (46.7, 50.6)),
    relation("Teacher-FT / Teacher", "p_mpjpe", DETECTED, "teacher-ft", "teacher", (62.1, 66.6)),
    relation(
        "PoseNet3D (mean) / Teacher-FT", "p_mpjpe", DETECTED, "mean", "teacher-ft", (59.4, 62.1)
    ),
    relation("Student-FT / Student", "p_mpjpe", DETECTED, "student-ft", "student", (60.5, 63.7)),
    relation(
        "Teacher, 9 frames / 1 frame", "mpjve", DETECTED, "teacher", "one-frame", (13.9, 23.4)
    ),
    relation("SJA / no SJA", "p_mpjpe", DETECTED, "student", "no-sja", (63.7, 70.2)),
    relation("no SJA / linear SJA", "p_mpjpe", DETECTED, "no-sja", "linear-sja", (70.2, 108.4)),
    relation("SJA / linear SJA", "p_mpjpe", DETECTED, "student", "linear-sja", (63.7, 108.4)),
    relation(
        "SJA / reprojection only, baseline 1",
        "p_mpjpe",
        DETECTED,
        "student",
        "baseline-1",
        (63.7, 124.8),
    ),
    relation(
        "SJA / reprojection only, baseline 2",
        "p_mpjpe",
        DETECTED,
        "student",
        "baseline-2",
        (63.7, 92.5),
    ),
    relation("9-frame PoseNet3D / Chen et al.", "mpjve", DETECTED, "mean", "chen", (7.8, 22.2)),
    relation("PoseNet3D / Chen et al.", "mblstd", DETECTED, "mean", "chen", (27.0, 43.7)),
    relation(
        "9-frame PoseNet3D, stitched / Chen et al.",
        "mpjve",
        DETECTED,
        "mean-stitched",
        "chen",
        (7.8, 22.2),
    ),
    relation(
        "PoseNet3D, stitched / Chen et al.",
        "mblstd",
        DETECTED,
        "mean-stitched",
        "chen",
        (27.0, 43.7),
    ),
)
"""The table at the paper's Tables 1 and 4, and one row that tells method from views."""

FIGURES = ("p_mpjpe", "p_mpjpe_reflected", "n_mpjpe", "mpjve", "mblstd", "pck_150", "auc")


def render(records: list[dict[str, Any]], facts: dict[str, Any]) -> str:
    """The page of results."""
    lines = [*heading(records, facts), *ratios(records), *figures(records), *trainings(records)]
    return "\n".join(lines) + "\n"


def heading(records: list[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    """What was done, with what, on whom."""
    seeds = sorted({record["seed"] for record in records})
    on_test = facts["measured"] == "test"
    who = (
        "the test subjects"
        if on_test
        else f"held-out training subjects {', '.join(facts['measured'])}"
    )
    commits = sorted({record["commit"][:12] for record in records})
    return [
        "# The paper's relations on CMU-14",
        "",
        f"Command: `{facts['command']}`",
        "",
        f"Measured on {who}, protocol {facts['protocol']}; seeds {seeds}; base preset "
        f"`{facts['base']}`, steps × {facts['budget']:g}; {os.cpu_count()} cores; commit "
        f"{', '.join(commits)}."
        + (f" **A trial with {facts['clips']} clips.**" if facts["clips"] else ""),
        "",
        f"Detected 2D: detector noise `{facts['noise']}` without missing joints, in training and "
        "in measuring. Errors in mm; P-MPJPE per frame with det = +1; MPJVE in mm a frame at "
        "50 Hz. Ours: mean ± standard deviation over seeds (of each seed's ratio).",
        "",
        *stitching(records),
    ]


def stitching(records: list[dict[str, Any]]) -> list[str]:
    """What is different in rows that are stitched, if there are any."""
    commits = sorted({r["stitched"]["commit"][:12] for r in records if "stitched" in r})
    if not commits:
        return []
    return [
        "*Stitched*: as `Estimator.predict` lifts by default. A frame of the teacher's is the mean "
        "of all windows that hold it; the student is one body of one shape a sequence, posed as "
        "`posenet3d.inference.STITCHES` tells; *mean* is of these two. All other frames are the "
        "centre of their window, as the protocol says. A network of one frame has the same answer "
        "either way. "
        f"Stitched figures are of the same trained networks, commit {', '.join(commits)}.",
        "",
    ]


def ratios(records: list[dict[str, Any]]) -> list[str]:
    """The paper's ratios beside ours."""
    lines = [
        "## Relations",
        "",
        "| relation | 2D | figure | paper | ours | paper's ratio | our ratio | seeds below 1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in RELATIONS:
        over, under = (values(records, point, each.figure) for point in (each.over, each.under))
        shared = sorted(over.keys() & under.keys())
        if not shared:
            continue
        seen = next(r["seen"] for r in records if r["run"] == each.over.run)
        ratio = [over[seed] / under[seed] for seed in shared]
        paper = (f"{each.paper[0]} / {each.paper[1]}",) if each.paper else ("–",)
        expected = f"{each.paper[0] / each.paper[1]:.2f}" if each.paper else "–"
        ours = " / ".join(spread([side[seed] for seed in shared], 1) for side in (over, under))
        below = f"{sum(value < 1 for value in ratio)} of {len(ratio)}"
        row = (each.title, seen, each.figure, *paper, ours, expected, spread(ratio, 2), below)
        lines.append(f"| {' | '.join(row)} |")
    return [*lines, ""]


def values(records: list[dict[str, Any]], point: Point, figure: str) -> dict[int, float]:
    """A figure of a point by seed."""
    return {
        record["seed"]: heads[point.head][figure]
        for record in records
        if record["run"] == point.run and point.head in (heads := both_ways(record)[point.stage])
    }


def both_ways(record: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """A record's figures by stage and head, its stitched heads after the others; flat once."""
    found = {stage: dict(heads) for stage, heads in record["figures"].items()}
    for stage, heads in record.get("stitched", {"figures": {}})["figures"].items():
        found[stage] |= {head + STITCHED: each for head, each in heads.items() if head != "flat"}
    return found


def spread(numbers: list[float], digits: int) -> str:
    """Mean and standard deviation; the mean alone of one number."""
    mean = f"{statistics.fmean(numbers):.{digits}f}"
    return mean if len(numbers) < 2 else f"{mean} ± {statistics.stdev(numbers):.{digits}f}"


def figures(records: list[dict[str, Any]]) -> list[str]:
    """Every point's figures, mean and spread, and how many seeds are the right way round."""
    lines = ["## Figures", "", f"| run | after | head | {' | '.join(FIGURES)} | right way round |"]
    lines.append("|---" * (len(FIGURES) + 4) + "|")
    for run in dict.fromkeys(record["run"] for record in records):
        mine = [record for record in records if record["run"] == run]
        for stage, heads in both_ways(mine[0]).items():
            for head in heads:
                point = Point(run, stage, head)
                cells = [
                    spread(list(values(mine, point, figure).values()), 1) for figure in FIGURES
                ]
                right = list(values(mine, point, "right_way_round").values()).count(True)
                ends = "" if head == "flat" else f"{right} of {len(mine)}"
                lines.append(f"| {run} | {stage} | {head} | {' | '.join(cells)} | {ends} |")
    return [*lines, ""]


def trainings(records: list[dict[str, Any]]) -> list[str]:
    """How long each run took, and what the mirror guard did."""
    lines = ["## Runs", "", "| run | seed | stages: steps | train + evaluate | mirror turns |"]
    lines.append("|---|---|---|---|---|")
    for record in records:
        stages = ", ".join(f"{each['name']} {each['steps']}" for each in record["report"]["stages"])
        minutes = " + ".join(
            f"{record['seconds'][each] / 60:.1f}" for each in ("train", "evaluate")
        )
        turns = record["report"]["mirror_turns"]
        lines.append(f"| {record['run']} | {record['seed']} | {stages} | {minutes} min | {turns} |")
    return [*lines, ""]
