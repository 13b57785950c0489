"""What rows say of a goal, one function a kind of goal; used by `accuracy_goals.py`."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from accuracy_rows import EXACT, MIRROR, OURS, PEER, SUPERVISED, Row
from relations_page import STITCHED, Point

MET, MISSED, OPEN = "met", "missed", "not settled"
CEILING = "VideoPose3D RF 9"
PEERS = ("C3DPO", "Chen et al. (lyuheng)", "ElePose")
SEEDS = 10
PITCH = 12.7
"""The mean pitch of CMU-14's cameras, degrees."""
PITCH_ERROR = 1.5


@dataclass(frozen=True)
class Finding:
    """What some rows say of a goal."""

    figure: str
    state: str
    why: str
    rows: tuple[Row, ...]
    value: float | None = None


# Goals within the runs of `relations.py`, seed by seed.


def by_seed(rows: Sequence[Row], point: Point) -> dict[int, Row]:
    """The rows of a point by seed."""
    return {
        row.seed: row
        for row in rows
        if (row.run, row.stage, row.head) == (point.run, point.stage, point.head)
    }


BASES = ("paper", "quick")
"""Presets whose runs tell the paper's relations rather than any other's."""


def of_one_base(
    find: Callable[[Sequence[Row]], Finding | None],
) -> Callable[[Sequence[Row]], Finding | None]:
    """The same, of the runs of one file and base preset: the paper's recipe if there is any.

    Of several files the one with the most seeds is read, and of those the longest trainings.
    """
    rank = {base: place for place, base in enumerate(BASES)}

    def weight(finding: Finding) -> tuple[int, int, float]:
        row = finding.rows[0]
        seeds = len({each.seed for each in finding.rows})
        return -rank.get(row.preset, len(rank)), seeds, row.budget

    def chosen(rows: Sequence[Row]) -> Finding | None:
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            if row.run:
                groups.setdefault((row.preset, row.file), []).append(row)
        findings = [found for group in groups.values() if (found := find(group))]
        if not findings:
            return None
        best = max(findings, key=weight)
        told = f"base `{best.rows[0].preset}`{best.rows[0].shortened}"
        return replace(best, figure=f"{best.figure} ({told})")

    return chosen


def ratio_at_most(
    limit: float, over: Point, under: Point, figure: str
) -> Callable[[Sequence[Row]], Finding | None]:
    """A goal: the mean over seeds of the ratio of two points' figure is no larger than a limit."""

    def find(rows: Sequence[Row]) -> Finding | None:
        above, below = by_seed(rows, over), by_seed(rows, under)
        seeds = sorted(above.keys() & below.keys())
        if not seeds:
            return None
        pairs = [(above[seed], below[seed]) for seed in seeds]
        ratios = [one.figures[figure] / two.figures[figure] for one, two in pairs]
        used = tuple(row for pair in pairs for row in pair)
        return at_most(statistics.fmean(ratios), limit, spread(ratios, 2), used)

    return of_one_base(find)


def ascending(*points: Point) -> Callable[[Sequence[Row]], Finding | None]:
    """A goal: the points' P-MPJPE, means over the seeds that all have, ascend strictly."""
    return of_one_base(lambda rows: in_order(rows, list(pairwise(points))))


def below_each(lowest: Point, *others: Point) -> Callable[[Sequence[Row]], Finding | None]:
    """A goal: a point's mean P-MPJPE is below that of each of the others."""
    return of_one_base(lambda rows: in_order(rows, [(lowest, other) for other in others]))


def in_order(rows: Sequence[Row], pairs: Sequence[tuple[Point, Point]]) -> Finding | None:
    """Whether the first of each pair has the lower mean P-MPJPE."""
    points = list(dict.fromkeys(point for pair in pairs for point in pair))
    found = {point: by_seed(rows, point) for point in points}
    seeds = sorted(set.intersection(*(set(each) for each in found.values())))
    if not seeds:
        return None
    values = {p: [found[p][seed].figures["p_mpjpe"] for seed in seeds] for p in points}
    means = {point: statistics.fmean(each) for point, each in values.items()}
    wrong = [pair for pair in pairs if not means[pair[0]] < means[pair[1]]]
    figure = ", ".join(f"{point.run} {spread(values[point], 1)}" for point in points)
    excess = [f"{a.run} by {means[a] - means[b]:.1f} mm over {b.run}" for a, b in wrong]
    why = f"missed: {', '.join(excess)}" if wrong else "in this order"
    used = tuple(found[point][seed] for point in points for seed in seeds)
    return Finding(figure, MISSED if wrong else MET, why, used)


# Goals beside the peers, means over each one's seeds.


def best_of(rows: Sequence[Row], protocol: str, film: str | None = None) -> list[Row]:
    """The rows of `best`: its mean skeleton or, without a student, its teacher.

    Of several groups of runs: one that was trained on the protocol's own film before others, then
    the one with most seeds, then the one that was trained longest.
    """
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        ours = (row.kind, row.preset, row.protocol, row.seen) == (OURS, "best", protocol, EXACT)
        if ours and film in (None, row.film) and row.head in ("mean", "teacher"):
            place = (row.film == protocol, row.head == "mean")
            groups.setdefault((*place, row.windows or 0, row.file, row.stage), []).append(row)
    order = sorted(groups.items(), key=lambda each: (*each[0][:2], len(each[1]), each[0][2]))
    return order[-1][1] if order else []


def below_peers(rows: Sequence[Row]) -> Finding | None:
    """`best` below every 2D-only peer on CMU-14."""
    best = best_of(rows, "cmu14")
    others = {name: peer_rows(rows, name, PEER) for name in PEERS}
    there = {name: each for name, each in others.items() if each}
    if not best or not there:
        return None
    mine = [row.figures["p_mpjpe"] for row in best]
    theirs = {
        name: [row.figures["p_mpjpe"] for row in each] for name, each in sorted(there.items())
    }
    figure = f"{told(best)} {spread(mine, 1)}; " + ", ".join(
        f"{name} {spread(each, 1)}" for name, each in theirs.items()
    )
    figure += settings_of(row for each in there.values() for row in each)
    lower = [
        f"{name} by {statistics.fmean(mine) - statistics.fmean(each):.1f} mm"
        for name, each in theirs.items()
        if statistics.fmean(each) <= statistics.fmean(mine)
    ]
    used = (*best, *(row for each in there.values() for row in each))
    missing = [name for name in PEERS if name not in there]
    if lower:
        return Finding(figure, MISSED, f"missed: below it {', '.join(lower)}", used)
    if missing:
        return Finding(figure, OPEN, f"not measured: {', '.join(missing)}", used)
    if unequal := smaller_budgets(best, there):
        return Finding(figure, OPEN, unequal, used)
    return Finding(figure, MET, "below each", used)


def near_the_ceiling(rows: Sequence[Row]) -> Finding | None:
    """`best` at most 1.25 of supervised VideoPose3D RF 9 on CMU-14."""
    best, ceiling = best_of(rows, "cmu14"), peer_rows(rows, CEILING, SUPERVISED)
    if not best or not ceiling:
        return None
    mine, its = ([row.figures["p_mpjpe"] for row in each] for each in (best, ceiling))
    ratio = statistics.fmean(mine) / statistics.fmean(its)
    figure = f"{ratio:.2f} = {told(best)} {spread(mine, 1)} / {spread(its, 1)}"
    figure += settings_of(ceiling)
    found = at_most(ratio, 1.25, figure, (*best, *ceiling))
    if found.state == MET and (unequal := smaller_budgets(best, {CEILING: ceiling})):
        return Finding(figure, OPEN, unequal, found.rows, ratio)
    return found


def peer_rows(rows: Sequence[Row], name: str, kind: str, protocol: str = "cmu14") -> list[Row]:
    """A peer's rows: of several budgets or settings those with the lowest mean error."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        if (row.name, row.kind, row.protocol, row.seen) == (name, kind, protocol, EXACT):
            groups.setdefault((row.preset, row.windows), []).append(row)
    return min(
        groups.values(),
        key=lambda each: statistics.fmean(row.figures["p_mpjpe"] for row in each),
        default=[],
    )


def settings_of(rows: Iterable[Row]) -> str:
    """The peers' settings, to stand behind their figures."""
    names = sorted({row.preset for row in rows})
    return f" (settings {', '.join(f'`{name}`' for name in names)})"


def smaller_budgets(ours: Sequence[Row], others: Mapping[str, Sequence[Row]]) -> str:
    """Which peers had fewer windows to learn from than ours; nothing where none had."""
    mine = max((row.windows or 0) for row in ours)
    short = [
        f"{name} {max((row.windows or 0) for row in rows) / 1e6:.2f}"
        for name, rows in others.items()
        if max((row.windows or 0) for row in rows) < mine
    ]
    if not short:
        return ""
    return f"smaller budgets than our {mine / 1e6:.2f} million windows: {', '.join(short)}"


# Goals of one network on its own.


def right_way_round(rows: Sequence[Row]) -> Finding | None:
    """Ten seeds of ten the right way round on CMU-14, pitch within 1.5 degrees.

    Of several benchmarks the one with the most seeds is read, and of those the longest trainings.
    """
    chosen = [
        row
        for row in rows
        if _of_all_stages(row) or (row.kind == MIRROR and row.protocol == "cmu14")
    ]
    return _right(_of_one_benchmark(chosen)) if chosen else None


def right_after_all_stages(rows: Sequence[Row]) -> Finding | None:
    """The same of the runs with all four stages."""
    chosen = [row for row in rows if _of_all_stages(row)]
    return _right(_of_one_benchmark(chosen)) if chosen else None


def _of_all_stages(row: Row) -> bool:
    trained = row.run == "posenet3d-exact" and row.stage == "joint"
    return trained and not row.head.endswith(STITCHED)


def _of_one_benchmark(rows: Sequence[Row]) -> list[Row]:
    """The rows of the benchmark that has the most seeds, and of those the longest trainings."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault((row.kind, row.preset, row.file), []).append(row)
    return max(groups.values(), key=_seeds_and_length)


def _seeds_and_length(rows: Sequence[Row]) -> tuple[int, int]:
    return len({row.seed for row in rows}), max(row.windows or 0 for row in rows)


def _right(chosen: Sequence[Row]) -> Finding:
    seeds = sorted({row.seed for row in chosen})
    wrong = sorted({row.seed for row in chosen if row.right is not True})
    off = [abs(row.pitch - PITCH) for row in chosen if row.pitch is not None]
    figure = f"{len(seeds) - len(wrong)} of {len(seeds)}, {chosen[0].name}{chosen[0].shortened}"
    figure += f"; pitch off by at most {max(off):.1f}°" if off else "; no pitch known"
    used = tuple(chosen)
    faults = [f"not the right way round: seeds {', '.join(map(str, wrong))}"] * bool(wrong)
    if off and max(off) > PITCH_ERROR:
        faults.append(f"pitch by {max(off) - PITCH_ERROR:.1f}° too far off")
    if faults:
        return Finding(figure, MISSED, f"missed: {'; '.join(faults)}", used)
    if len(seeds) < SEEDS or not off:
        return Finding(figure, OPEN, f"{len(seeds)} of {SEEDS} seeds are measured", used)
    return Finding(figure, MET, "all", used)


def student_of_detected(rows: Sequence[Row]) -> Finding | None:
    """The student of `detected` over its teacher, P-MPJPE on CMU-14 with a detector's errors."""
    chosen = [
        row
        for row in rows
        if (row.kind, row.preset, row.protocol, row.seen) == (OURS, "detected", "cmu14", "openpose")
    ]
    student, teacher = (
        {row.seed: row for row in chosen if row.head == head} for head in ("student", "teacher")
    )
    seeds = sorted(student.keys() & teacher.keys())
    if not seeds:
        return None
    ratios = [student[seed].figures["p_mpjpe"] / teacher[seed].figures["p_mpjpe"] for seed in seeds]
    used = tuple(each[seed] for seed in seeds for each in (student, teacher))
    return at_most(statistics.fmean(ratios), 1.05, spread(ratios, 2), used)


def wild_near_fixed(rows: Sequence[Row]) -> Finding | None:
    """`best`, trained on wild cameras: its error on those over its own on CMU-14."""
    wild = {row.seed: row for row in best_of(rows, "cmu14-wild", film="cmu14-wild")}
    fixed = {row.seed: row for row in best_of(rows, "cmu14", film="cmu14-wild")}
    seeds = sorted(wild.keys() & fixed.keys())
    if not seeds:
        return None
    ratios = [wild[seed].figures["p_mpjpe"] / fixed[seed].figures["p_mpjpe"] for seed in seeds]
    used = tuple(each[seed] for seed in seeds for each in (wild, fixed))
    return at_most(statistics.fmean(ratios), 1.15, f"{spread(ratios, 2)}, {used[0].head}", used)


def at_most(value: float, limit: float, figure: str, rows: tuple[Row, ...]) -> Finding:
    """Whether a value is no larger than its limit, and by how much it is not."""
    if value <= limit:
        return Finding(figure, MET, f"{limit - value:.2f} to spare", rows, value)
    excess = f"missed by {value - limit:.2f} ({100 * (value / limit - 1):.0f} %)"
    return Finding(figure, MISSED, excess, rows, value)


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation; the mean alone of one."""
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def told(best: Sequence[Row]) -> str:
    """What `best` is in a figure: its head, and its film where that is not the protocol's."""
    row = best[0]
    film = "" if row.film == row.protocol else f", trained on {row.film}"
    return f"`best` ({row.head}{film})"
