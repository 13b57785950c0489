"""The page of all records."""

from trials.records import Record

COMMAND = (
    "OMP_NUM_THREADS=1 python benchmarks/teacher_trials.py "
    "--data cmu_train.npz --steps STEPS --seeds SEED --trial TRIAL"
)
COLUMNS = (
    "trial", "seed", "steps", "P-MPJPE, mm", "flat, mm", "MPJVE, mm", "pitch",
    "D accuracy at the end", "turned round", "CPU s", "held out", "commit",
)  # fmt: skip


def render(records: list[Record]) -> str:
    """The page of results."""
    lines = [
        "# Trials of the teacher's stage, on held-out training subjects",
        "",
        f"Command: `{COMMAND}`; one thread. The first stage alone, on all training subjects but "
        "those held out, which are judged as `posenet3d evaluate` does. Choices were made on "
        "these subjects: the figures say which change helps, not how good a lifter is on new "
        "people. A row is one run; `benchmarks/trials/catalogue.py` says what each changes, and "
        "[findings](findings.md) what they say.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(f"| {' | '.join(cells(record))} |" for record in records),
    ]
    return "\n".join(lines) + "\n"


def cells(record: Record) -> list[str]:
    """One row."""
    return [
        f"`{record['trial']}`",
        str(record["seed"]),
        str(record["steps"]),
        number(record["p_mpjpe"], 1) + (" (stopped)" if record.get("failed") else ""),
        number(record["flat"], 1),
        number(record.get("mpjve"), 1),
        number(record["pitch"], 1),
        number(record["accuracy"], 2),
        str(record["turns"]),
        number(record["cpu_seconds"], 0),
        ", ".join(record["held_out"]),
        record["commit"][:10] + ("+" if record["commit"].endswith("+changes") else ""),
    ]


def number(value: float | None, digits: int) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
