"""A filled table as a page: ours beside the paper's, ratios beside ratios, and what made it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from posenet3d.reproduction.results import Results, commits, measured_subjects, spread
from posenet3d.reproduction.runs import DETECTED, EXACT
from posenet3d.reproduction.tables import Part, Row

_NONE = "–"


def render(results: Results) -> str:
    """The page in Markdown.

    Args:
        results: the table's figures, as far as they have got.

    Returns:
        The page.

    Example:
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> from posenet3d.reproduction import Material, plan_table
        >>> people = synthetic_motion(clips=2, seconds=0.5)
        >>> train, test = {"exact": people[:1]}, {"exact": people[1:]}
        >>> material = Material(train, test, "cmu14", rig="cmu14", noise="gentle")
        >>> plan = plan_table("table2", material, "tables", seeds=[0])
        >>> print(render(Results(plan, ())).splitlines()[0])
        # Table 2 of PoseNet3D, reproduced
    """
    parts = [line for part in results.plan.table.parts for line in _part(results, part)]
    return "\n".join([*_heading(results), *parts, *_runs(results)]) + "\n"


def _heading(results: Results) -> Iterator[str]:
    plan = results.plan
    yield f"# Table {plan.table.name.removeprefix('table')} of PoseNet3D, reproduced"
    yield ""
    yield f"In the paper: {plan.table.title}."
    yield ""
    if plan.material.filmed:
        yield (
            "**Not the paper's data:** motion capture of other people, filmed by cameras that were "
            "computed. Errors cannot be compared in millimetres; the ratios below can."
        )
        yield ""
    elif plan.material.protocol != plan.table.annotated_protocol:
        yield (
            f"**Not the paper's protocol:** measured by `{plan.material.protocol}`, in the paper "
            f"by `{plan.table.annotated_protocol}`."
        )
        yield ""
    if plan.budget < 1:
        yield (
            f"**Not the whole training:** every stage is {plan.budget:g} times as long as the "
            f"preset `{plan.preset}` has it."
        )
        yield ""
    if not results.complete:
        done = len(results.measurements)
        wanted = sum(len(job.stages) for job in plan.jobs)
        yield f"**Not finished:** {done} of {wanted} measurements are there."
        yield ""
    for job, fault in results.faults.items():
        yield f"**{job} was stopped:** {fault}"
        yield ""
    if results.command is not None:
        yield f"Command: `{results.command}`"
        yield ""
    changes = ", ".join(f"`{each}`" for each in plan.changes)
    changed = f", changed: {changes}" if changes else ""
    known = ", ".join(each[:12] for each in commits(results.measurements)) or "unknown"
    subjects = ", ".join(measured_subjects(results.measurements)) or _NONE
    seeds = ", ".join(map(str, plan.seeds))
    yield (
        f"* preset `{plan.preset}`, lengths × {plan.budget:g}{changed}; seeds {seeds}; "
        f"commit {known}"
    )
    for seen in plan.table.seen:
        yield f"* {_material(seen, plan.material.facts(seen))}"
    yield f"* measured: subjects {subjects}; protocol {plan.material.protocol}"
    yield (
        "* ours: mean ± standard deviation over seeds; P-MPJPE, PCK and AUC after a similarity a "
        "frame with det = +1; MPJVE is an error a frame"
    )
    yield ""


def _material(seen: str, facts: Mapping[str, Any]) -> str:
    """What a kind of 2D was made from, on one line."""
    called = {EXACT: "GT", DETECTED: "IMG"}[seen]
    told = []
    for what in ("training", "test"):
        source, noise = facts[what], facts[f"{what}_noise"]
        spoilt = f", spoilt by the noise model `{noise}` without missing joints" if noise else ""
        films = f", filmed by {facts['rig']}" if what == "training" and facts["rig"] else ""
        told.append(f"{what}: {source['name']} ({source['sha256'][:8]}){films}{spoilt}")
    return f"{seen} 2D ({called}): " + "; ".join(told)


def _part(results: Results, part: Part) -> Iterator[str]:
    yield f"## {part.title}"
    yield ""
    heads = [f"{column.title} ({column.unit})" for column in part.columns]
    yield from _table(
        ["method", *(f"{head}, {whose}" for head in heads for whose in ("paper", "ours")), ""],
        (_errors(results, part, row) for row in part.rows),
    )
    yield f"Ratio to {part.reference}:"
    yield ""
    titles = [column.title for column in part.columns]
    yield from _table(
        ["method", *(f"{title}, {whose}" for title in titles for whose in ("paper", "ours"))],
        (
            _ratios(results, part, number)
            for number, row in enumerate(part.rows)
            if row.method != part.reference
        ),
    )


def _errors(results: Results, part: Part, row: Row) -> list[str]:
    cells = [row.method]
    for column, printed, point in zip(part.columns, row.printed, row.points, strict=True):
        found = list(results.by_seed(point, column.figure).values())
        cells.append(_NONE if printed is None else f"{printed:.1f}")
        cells.append(spread(found).told() if found else _NONE)
    return [*cells, row.note]


def _ratios(results: Results, part: Part, number: int) -> list[str]:
    row = part.rows[number]
    under = next(each for each in part.rows if each.method == part.reference)
    cells = [row.method]
    for place, (over, to) in enumerate(zip(row.printed, under.printed, strict=True)):
        found = list(results.ratios(part, number, place).values())
        cells.append(_NONE if over is None or to is None else f"{over / to:.2f}")
        cells.append(spread(found).told(2) if found else _NONE)
    return cells


def _runs(results: Results) -> Iterator[str]:
    yield "## Runs"
    yield ""
    rows = ([job.name, job.run.seen, job.lengths] for job in results.plan.jobs)
    yield from _table(["run", "2D", "stages: steps × batch"], rows)


def _table(head: Sequence[str], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
