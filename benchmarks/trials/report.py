"""The findings as a page: paragraphs written by hand, figures and tables from the records."""

import re
import statistics
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trials.catalogue import TRIALS
from trials.records import Record, chosen

NAMED = re.compile(
    r"\{(?P<trial>[a-z0-9-]+)(?:@(?P<steps>\d+))?(?:\.(?P<figure>[A-Za-z0-9_.]+))?\}"
)
"""A figure in a paragraph: `{best}`, `{best@2000}`, `{best.pitch}`, `{best.axis_errors.2}`."""
DIGITS = {
    "accuracy": 2,
    "axis_errors": 0,
    "cpu_seconds": 0,
    "depth_correlation": 2,
    "held_out_figures.discriminator_accuracy": 2,
    "held_out_figures.limb_asymmetry": 3,
    "held_out_figures.teacher_distance": 5,
    "losses": 2,
    "per_joint": 0,
}
"""Digits after the point by the beginning of a figure's name; others have one, counts none."""
SAYS = {trial.name: trial.says for trial in TRIALS}


@dataclass(frozen=True)
class Findings:
    """The records, and the length at which trials are compared."""

    records: Sequence[Record]
    steps: int

    def of(self, trial: str, steps: int | None = None) -> list[Record]:
        """A trial's records by seed."""
        return chosen(list(self.records), trial, steps or self.steps)

    @property
    def trials(self) -> list[str]:
        """The trials that were run at this length, best first."""
        names = dict.fromkeys(each["trial"] for each in self.records)
        return sorted((name for name in names if self.of(name)), key=self.error)

    def error(self, trial: str) -> float:
        """A trial's P-MPJPE, the mean over its seeds."""
        return statistics.fmean(self.values(trial, "p_mpjpe"))

    def values(self, trial: str, figure: str, steps: int | None = None) -> list[float]:
        """A figure of a trial, by seed; a dot leads into a record's inner values."""
        found = []
        for value in self.of(trial, steps):
            for name in figure.split("."):
                value = value[int(name) if name.isdigit() else name]
            found.append(value)
        return found

    def joint_errors(self, trial: str) -> list[float]:
        """Each joint's error, the mean over a trial's seeds; empty where it was not kept."""
        kept = [record["per_joint"] for record in self.of(trial) if "per_joint" in record]
        return [statistics.fmean(joint) for joint in zip(*kept, strict=True)]

    def text(self, trial: str, figure: str = "p_mpjpe", steps: int | None = None) -> str:
        """A figure in words: its mean, and its standard deviation where seeds differ."""
        values = self.values(trial, figure, steps)
        if not values:  # the queue may have more to do
            return f"(`{trial}` was not run)"
        if None in values:
            return "–"
        digits = next((DIGITS[name] for name in DIGITS if figure.startswith(name)), 1)
        if all(isinstance(value, int) for value in values):
            digits = 0
        mean = f"{statistics.fmean(values):.{digits}f}"
        return mean if len(set(values)) < 2 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def render(findings: Findings, text: Path) -> str:
    """The page."""
    told = tomllib.loads(text.read_text())
    lines = ["# What limits the lifter: findings", "", filled(told["introduction"], findings), ""]
    lines += ["## All trials", "", "![Every trial](findings_trials.png)", "", *table(findings), ""]
    for question in told["question"]:
        lines += [f"## {question['title']}", "", filled(question["text"], findings), ""]
        if picture := question.get("picture"):
            lines += [f"![{question['title']}]({picture})", ""]
    return "\n".join(lines)


def filled(text: str, findings: Findings) -> str:
    """A paragraph with its figures."""

    def figure(found: re.Match[str]) -> str:
        steps = found["steps"] and int(found["steps"])
        return findings.text(found["trial"], found["figure"] or "p_mpjpe", steps)

    return NAMED.sub(figure, text.strip())


def table(findings: Findings) -> list[str]:
    """Every trial at the compared length, best first."""
    lines = [
        "| trial | what differs from `best` | P-MPJPE, mm | seeds | MPJVE, mm "
        "| D accuracy: end of training | held-out people | pitch | CPU s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in findings.trials:
        records = findings.of(name)
        held_out = "held_out_figures.discriminator_accuracy"
        cells = [
            f"`{name}`",
            SAYS.get(name, ""),
            findings.text(name) + (" (stopped)" if any(r.get("failed") for r in records) else ""),
            ", ".join(str(record["seed"]) for record in records),
            findings.text(name, "mpjve"),
            findings.text(name, "accuracy"),
            findings.text(name, held_out) if "held_out_figures" in records[0] else "–",
            findings.text(name, "pitch"),
            findings.text(name, "cpu_seconds"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
