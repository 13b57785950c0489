"""The page of accuracy: one table a protocol, the goals, and what the figures rest on."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from accuracy_findings import MET, MISSED, Finding, spread
from accuracy_goals import Verdict
from accuracy_rows import BASELINE, EXACT, FLOOR, MIRROR, OURS, SUPERVISED, TEST, Row, once

FIGURES = {
    "p_mpjpe": "P-MPJPE",
    "p_mpjpe_reflected": "reflected",
    "n_mpjpe": "N-MPJPE",
    "mpjve": "MPJVE",
    "mblstd": "MBLSTD",
    "pck_150": "PCK",
    "auc": "AUC",
}
PROTOCOLS = {"cmu14": "CMU-14", "cmu14-wild": "CMU-14 wild"}
ORDER = {SUPERVISED: 0, FLOOR: 2}
MEASURE = (
    "python benchmarks/relations.py --data $POSENET3D_DATA --test --seeds 0 1 2",
    "python benchmarks/peers.py --peers DIR --data $POSENET3D_DATA --settings small "
    "--budget-windows WINDOWS --test --seeds 0 1 2 --ours best=RUN",
    "python benchmarks/pretrained.py --data $POSENET3D_DATA --test",
)


class Line(NamedTuple):
    """Rows that differ by the seed alone."""

    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Lifter, head, and the stage where training goes on after it."""
        row = self.rows[0]
        head = f", {row.head}" if row.head and row.kind in (OURS, BASELINE) else ""
        early = row.kind == OURS and row.stage not in ("", "joint")
        return row.name + head + f" after stage `{row.stage}`" * early

    def mean(self, figure: str) -> float:
        """The mean of a figure over the seeds."""
        return statistics.fmean(row.figures[figure] for row in self.rows)

    def cell(self, figure: str) -> str:
        """Mean and spread; of a mirrored peer also as it was trained."""
        if any(figure not in row.figures for row in self.rows):
            return "–"
        told = spread([row.figures[figure] for row in self.rows], 1)
        turned = [row.mirrored for row in self.rows if row.mirrored is not None]
        if figure == "p_mpjpe" and turned:
            told += f" ({', '.join(f'{value:.1f}' for value in turned)})"
        return told


def lines_of(rows: Sequence[Row]) -> list[Line]:
    """One line for rows that differ by the seed alone; ceilings first, the floor last."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        told = (row.name, row.kind, row.head, row.stage, row.film, row.preset, row.frames)
        groups.setdefault((*told, row.windows, row.file), []).append(row)
    lines = [Line(tuple(sorted(each, key=lambda row: row.seed))) for each in groups.values()]
    return sorted(lines, key=lambda x: (ORDER.get(x.rows[0].kind, 1), x.mean("p_mpjpe")))


def tables(rows: Sequence[Row], people: str) -> list[str]:
    """The tables of one group of people: CMU-14 first, exact 2D first."""
    made = []
    chosen = once(row for row in rows if row.measured == people and row.kind != MIRROR)
    places = {(row.protocol, row.seen) for row in chosen}
    for protocol, seen in sorted(places, key=lambda each: (each[0], each[1] != EXACT, each[1])):
        some = [row for row in chosen if (row.protocol, row.seen) == (protocol, seen)]
        what = "exact 2D" if seen == EXACT else f"2D with detector noise `{seen}`"
        made += [f"### {PROTOCOLS.get(protocol, protocol)}, {people}, {what}", "", *table(some), ""]
    return made


def table(rows: Sequence[Row]) -> list[str]:
    """One protocol, one kind of 2D, one group of people."""
    head = ["", "kind", "frames", "trained on", *FIGURES.values()]
    head += ["windows, million", "settings", "seeds", "commit", "from"]
    made = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for line in lines_of(rows):
        row = line.rows[0]
        plain = row.kind == FLOOR
        windows = "–" if row.windows is None or plain else f"{row.windows / 1e6:.2f}"
        cells = [line.name, row.kind, "–" if plain else str(row.frames)]
        cells += ["–" if plain else PROTOCOLS.get(row.film, row.film)]
        cells += [line.cell(figure) for figure in FIGURES]
        cells += [windows, row.preset + row.shortened or "–"]
        cells += ["–" if plain else ", ".join(str(each.seed) for each in line.rows)]
        cells += [", ".join(sorted({each.commit[:8] for each in line.rows})), f"`{row.file}`"]
        made.append(f"| {' | '.join(cells)} |")
    return made


def render(rows: Sequence[Row], found: Sequence[Verdict], notes: Mapping[str, str]) -> str:
    """The page."""
    lines = [
        "# Accuracy",
        "",
        "Written by `python benchmarks/accuracy.py` from what the other benchmarks measured; it "
        "measures nothing. Errors in mm, MPJVE in mm a frame at 50 Hz, PCK at 150 mm and AUC in "
        "percent. P-MPJPE is per frame with det = +1; *reflected* allows a reflection. Mean ± "
        "standard deviation over seeds. A 2D-only peer that is better with its depth negated "
        "stands here with it negated, chosen by the truth, in its favour; as trained it has the "
        "figure in brackets. A window of nine frames counts once. A frame is the centre of its "
        "window, as the protocol says; in rows that are *stitched* it is made of all windows "
        "that hold it, as `Estimator.predict` lifts by default (`posenet3d.inference.STITCHES`). "
        "Peers were trained with the settings that they publish and with `small` ones, that suit "
        "two cores (peers.md says what differs); a goal is held against the better figure.",
        "",
        count(found),
        "",
        "## On the test subjects",
        "",
    ]
    lines += tables(rows, TEST) or [
        "Nothing is measured on them yet. It takes:",
        "",
        *(f"- `{command}`" for command in MEASURE),
        "",
    ]
    lines += ["## Goals", "", *goals(found), "", *missed(found, notes)]
    others = sorted({row.measured for row in rows} - {TEST})
    if others:
        lines += [
            "## On held-out training subjects",
            "",
            "Choices were made on these people: no goal is met by these figures.",
            "",
        ]
    for people in others:
        lines += tables(rows, people)
    return "\n".join(lines) + "\n"


def count(found: Sequence[Verdict]) -> str:
    """How many goals are met: by the protocol, and where stitched readings take their places."""
    states = {each.goal.key: each.state for each in found if not each.goal.reads}
    met, lost = (list(states.values()).count(state) for state in (MET, MISSED))
    told = (
        f"Of {len(states)} goals {met} are met on the test subjects by the protocol's centre "
        f"frame, {lost} are missed, and {len(states) - met - lost} are not settled."
    )
    readings = {
        each.goal.reads: each.state for each in found if each.goal.stitched and each.on_test
    }
    if not readings:
        return told
    met = list((states | readings).values()).count(MET)
    return f"{told} With {len(readings)} of them stitched, as the library lifts, {met} are met."


def goals(found: Sequence[Verdict]) -> list[str]:
    """Every goal: what the test subjects say, what held-out ones say, and whence."""
    made = [
        "Only figures of the test subjects meet or miss a goal. WINDOWS: no fewer than ours. Rows "
        "that begin with ↳ read the goal above otherwise; the goal stays as it is above.",
        "",
        "| goal | on the test subjects | so it is | on held-out people, settling nothing | from |",
        "|---|---|---|---|---|",
    ]
    for each in found:
        test, held = each.on_test, each.held_out
        why = test.why if test else f"`{each.goal.command}`"
        state = f"**{each.state}**: {why}".replace(f"**{MISSED}**: {MISSED}", f"**{MISSED}**")
        cells = [
            f"↳ {each.goal.title}" if each.goal.reads else each.goal.title,
            test.figure if test else "not measured",
            state,
            f"{held.figure} ({held.why}; {held.rows[0].measured})" if held else "not measured",
            whence([finding for finding in (test, held) if finding]),
        ]
        made.append(f"| {' | '.join(cells)} |")
    return made


def whence(findings: Sequence[Finding]) -> str:
    """Files, seeds and commits of the rows that a goal was read from."""
    told = []
    for finding in findings:
        for file in sorted({row.file for row in finding.rows}):
            some = [row for row in finding.rows if row.file == file]
            seeds = sorted({row.seed for row in some})
            commits = ", ".join(sorted({row.commit[:8] for row in some}))
            told.append(f"`{file}`, {plural(seeds)}, {commits}")
    return "; ".join(dict.fromkeys(told)) or "–"


def plural(seeds: Sequence[int]) -> str:
    """Seeds in words."""
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def missed(found: Sequence[Verdict], notes: Mapping[str, str]) -> list[str]:
    """What was tried and what is next, of goals that the test subjects miss."""
    lost = [each.goal for each in found if each.state == MISSED and not each.goal.reads]
    if not lost:
        return []
    made = ["### Missed: what was tried, what is next", ""]
    for goal in lost:
        made += [f"- {goal.title}. {notes.get(goal.key) or 'Nothing is written down yet.'}"]
    return [*made, ""]


def document(rows: Sequence[Row], found: Sequence[Verdict], command: str) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "command": command,
        "rows": [
            {
                **{name: getattr(line.rows[0], name) for name in TOLD},
                "name": line.name,
                "seeds": [row.seed for row in line.rows],
                "commits": sorted({row.commit for row in line.rows}),
                "figures": {name: [r.figures.get(name) for r in line.rows] for name in FIGURES},
                "as_trained": [row.mirrored for row in line.rows],
            }
            for line in every_line(rows)
        ],
        "goals": [
            {
                "key": each.goal.key,
                "reads": each.goal.reads,
                "goal": each.goal.title,
                "state": each.state,
                "test": plain(each.on_test),
                "held_out": plain(each.held_out),
                "command": each.goal.command,
            }
            for each in found
        ],
    }


TOLD = ("kind", "protocol", "measured", "seen", "film", "preset", "budget")
TOLD += ("frames", "windows", "file")


def every_line(rows: Sequence[Row]) -> list[Line]:
    """The lines of all tables."""
    rows = once(rows)
    places = sorted({(row.measured != TEST, row.measured, row.protocol, row.seen) for row in rows})
    return [
        line
        for _, *place in places
        for line in lines_of([r for r in rows if [r.measured, r.protocol, r.seen] == place])
    ]


def plain(finding: Finding | None) -> dict[str, Any] | None:
    """A finding as plain values."""
    if finding is None:
        return None
    return {
        "figure": finding.figure,
        "value": finding.value,
        "state": finding.state,
        "why": finding.why,
        "measured": finding.rows[0].measured,
        "files": sorted({row.file for row in finding.rows}),
        "seeds": sorted({row.seed for row in finding.rows}),
        "commits": sorted({row.commit for row in finding.rows}),
    }
