"""The goals of accuracy, and their verdicts; read by `accuracy.py`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from accuracy_findings import (
    CEILING,
    OPEN,
    PITCH,
    PITCH_ERROR,
    SEEDS,
    Finding,
    ascending,
    below_each,
    below_peers,
    near_the_ceiling,
    ratio_at_most,
    right_after_all_stages,
    right_way_round,
    student_of_detected,
    wild_near_fixed,
)
from accuracy_rows import TEST, Row
from relations_page import DETECTED as SPOILT
from relations_page import EXACT as CLEAN

RELATIONS = "python benchmarks/relations.py --data $POSENET3D_DATA --test --seeds 0 1 2"
WITH_PEERS = (
    "python benchmarks/peers.py --peers DIR --data $POSENET3D_DATA --settings small "
    "--budget-windows WINDOWS --test --seeds 0 1 2 --ours best=RUN"
)
TEN_SEEDS = (
    "python benchmarks/pitch.py --data $POSENET3D_DATA/cmu_train.npz "
    "--test $POSENET3D_DATA/cmu_test.npz"
)
WILD = "python benchmarks/pretrained.py --data $POSENET3D_DATA --test"
DETECTED_WEIGHTS = f"{WILD} --preset detected --start-from best-wild"


@dataclass(frozen=True)
class Goal:
    """A goal, how it is read from the rows of one group of people, and how to measure it."""

    key: str
    title: str
    find: Callable[[Sequence[Row]], Finding | None]
    command: str
    reads: str = ""
    """The key of the goal that this reads otherwise; what it finds does not settle that goal."""
    stitched: bool = False
    """Whether it reads it with overlapping windows averaged, as the library lifts."""


@dataclass(frozen=True)
class Verdict:
    """A goal and what is known: the test subjects alone settle it."""

    goal: Goal
    on_test: Finding | None
    held_out: Finding | None

    @property
    def state(self) -> str:
        """Met, missed, or not settled."""
        return OPEN if self.on_test is None else self.on_test.state


def verdicts(rows: Iterable[Row]) -> list[Verdict]:
    """Every goal's verdict; people are never mixed."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.measured, []).append(row)
    others = [people for people in groups if people != TEST]
    made = []
    for goal in GOALS:
        held = [found for people in others if (found := goal.find(groups[people]))]
        on_test = goal.find(groups.get(TEST, []))
        made.append(Verdict(goal, on_test, max(held, key=weight, default=None)))
    return made


def weight(finding: Finding) -> tuple[bool, int]:
    """Which of two findings on held-out people is shown: one that is whole, then more rows."""
    return finding.state != OPEN, len(finding.rows)


GOALS = (
    Goal(
        "paper-chen",
        "PoseNet3D (the paper's recipe) at most 0.81 of `chen2019`, P-MPJPE, exact 2D",
        ratio_at_most(0.81, CLEAN["mean"], CLEAN["chen"], "p_mpjpe"),
        RELATIONS,
    ),
    Goal(
        "paper-chen-views",
        "with the views of PoseNet3D for `chen2019` too",
        ratio_at_most(0.81, CLEAN["mean"], CLEAN["chen-views"], "p_mpjpe"),
        f"{RELATIONS} --only posenet3d-exact chen2019-exact-views",
        reads="paper-chen",
    ),
    Goal("best-peers", "`best` below every 2D-only peer, P-MPJPE", below_peers, WITH_PEERS),
    Goal(
        "best-ceiling",
        f"`best` at most 1.25 of supervised {CEILING}, P-MPJPE",
        near_the_ceiling,
        WITH_PEERS,
    ),
    Goal(
        "sja",
        "convex SJA below no SJA below linear SJA, P-MPJPE, detected 2D",
        ascending(SPOILT["student"], SPOILT["no-sja"], SPOILT["linear-sja"]),
        RELATIONS,
    ),
    Goal(
        "sja-baselines",
        "convex SJA below both reprojection-only baselines, P-MPJPE, detected 2D",
        below_each(SPOILT["student"], SPOILT["baseline-1"], SPOILT["baseline-2"]),
        RELATIONS,
    ),
    Goal(
        "mpjve",
        "MPJVE at most 0.35 of `chen2019`'s, detected 2D",
        ratio_at_most(0.35, SPOILT["mean"], SPOILT["chen"], "mpjve"),
        RELATIONS,
    ),
    Goal(
        "mpjve-stitched",
        "stitched, as the library lifts",
        ratio_at_most(0.35, SPOILT["mean-stitched"], SPOILT["chen"], "mpjve"),
        RELATIONS,
        reads="mpjve",
        stitched=True,
    ),
    Goal(
        "mblstd",
        "MBLSTD at most 0.62 of `chen2019`'s, detected 2D",
        ratio_at_most(0.62, SPOILT["mean"], SPOILT["chen"], "mblstd"),
        RELATIONS,
    ),
    Goal(
        "mblstd-stitched",
        "stitched, as the library lifts",
        ratio_at_most(0.62, SPOILT["mean-stitched"], SPOILT["chen"], "mblstd"),
        RELATIONS,
        reads="mblstd",
        stitched=True,
    ),
    Goal(
        "student",
        "student after fine-tuning at most 1.05 of the teacher after it, P-MPJPE, detected 2D",
        ratio_at_most(1.05, SPOILT["student-ft"], SPOILT["teacher-ft"], "p_mpjpe"),
        RELATIONS,
    ),
    Goal(
        "student-detected",
        "the weights that ship for a detector's 2D (`detected`), noise `openpose`",
        student_of_detected,
        DETECTED_WEIGHTS,
        reads="student",
    ),
    Goal(
        "right-way-round",
        f"{SEEDS} of {SEEDS} seeds the right way round, pitch within {PITCH_ERROR}° of {PITCH}°",
        right_way_round,
        TEN_SEEDS,
    ),
    Goal(
        "right-way-round-all-stages",
        "after all four stages",
        right_after_all_stages,
        f"{RELATIONS} --only posenet3d-exact",
        reads="right-way-round",
    ),
    Goal(
        "wild",
        "`best` on CMU-14 wild at most 1.15 of its own figure on CMU-14, P-MPJPE",
        wild_near_fixed,
        WILD,
    ),
)
