"""The page and the plot of `training.py`'s results."""

import statistics
from collections.abc import Iterator
from pathlib import Path

STAGES = ("teacher", "distillation", "sja", "joint")
TITLES = {
    "teacher": "Stage 1: teacher and discriminator",
    "distillation": "Stage 2: distillation",
    "sja": "Stage 3: semantic joint adaptation",
    "joint": "Stage 4: everything",
}
DEVICES = {"cuda": "On a CUDA device", "cpu": "On a CPU"}
FRAMES, BATCH, EPOCHS = 1_560_000, 6000, 150
STEPS = EPOCHS * round(FRAMES / BATCH)
GIB, DAY, HOUR = 2**30, 86400.0, 3600.0

INTRODUCTION = """\
# Training: windows a second, and the share of the machine's ceiling

A window is nine frames. *posenet3d* takes the step that the trainer takes: windows drawn on the
device, both halves of the game, Adam. *literal* is `benchmarks/literal_paper.py`, the paper as it
reads: DataLoader workers, plain Adam, `.item()` on each loss, the mannequin's whole mesh through
`smplx`; its losses equal ours on equal weights (run the file alone to see). *VideoPose3D* is the
published supervised step of that repository (nine frames, 17 joints): one pass of a lifter, where
our stage 1 takes three and asks the discriminator three times.

The step is the median of several repeats after a warm-up, every case in a process of its own. Its
operations are its matrix products, forward and backward, as torch counts them, each method's own;
the ceiling is the fastest product of large square matrices in the same process and precision
(for fp32 and tf32 each its own). *Faster* is windows a second over the literal's at that batch.
Memory is the process's highest resident size on a CPU, torch included and the loader's workers
not; on CUDA what torch held at most. Literal and VideoPose3D run with torch's default precision
settings."""

ON_ONE_THREAD = """\
Times on one CPU thread are the seconds that the process itself computed, which on an idle machine
are wall seconds: what other programs took of the cores is not counted, nor is the literal one's
waiting for its loader. They still share caches and memory with those programs; *load* is the
machine's load average when the case began, one's own process not included."""


def render(results: dict, picture: str) -> str:
    """The page.

    Args:
        results: header and records by device.
        picture: the plot's file name.
    """
    parts = [INTRODUCTION, f"![Windows a second]({picture})"]
    for device, title in DEVICES.items():
        parts.append(f"## {title}")
        if device in results:
            parts += list(device_sections(results[device], device))
        else:
            parts += list(not_measured(device))
    return "\n\n".join(parts) + "\n"


def device_sections(result: dict, device: str) -> Iterator[str]:
    """Everything about one device."""
    header, records = result["header"], result["records"]
    commits = ", then ".join(dict.fromkeys(record["commit"] for record in records))
    commands = ", then ".join(
        f"`{each}`" if each.startswith(("python", "OMP")) else each for each in header["commands"]
    )
    yield (
        f"Command: {commands}, seed {header['seed']}, commit {commits}, "
        f"{header['date']}.\nMachine: {header['device']}, {header['cores']} cores, "
        f"{header['threads']} thread(s), Python {header['python']}, torch {header['torch']}, "
        f"preset `{header['preset']}`."
    )
    steps = [record for record in records if record["kind"] == "step"]
    if device == "cpu" and header["threads"] == 1:
        yield ON_ONE_THREAD
    yield ceilings(steps)
    for stage in STAGES:
        chosen = [record for record in steps if record["stage"] == stage]
        if chosen:
            yield f"### {TITLES[stage]}"
            yield stage_table(chosen)
    ranks = [record for record in records if record["kind"] == "ranks"]
    if ranks:
        yield "### Two ranks against one"
        yield ranks_table(ranks)
    yield "### The paper's whole recipe"
    yield recipe_section(records)


def ceilings(records: list[dict]) -> str:
    """The highest ceiling of each precision."""
    best: dict[str, float] = {}
    for record in records:
        if "ceiling" in record:
            best[record["precision"]] = max(best.get(record["precision"], 0), record["ceiling"])
    told = ", ".join(f"{name} {operations_text(value)}/s" for name, value in sorted(best.items()))
    return f"Highest ceiling of all cases: {told}."


def stage_table(records: list[dict]) -> str:
    """A row a case, by batch."""
    lines = [
        "| batch | method | precision, step | windows/s | a step | operations a step "
        "| share of the ceiling | faster than literal | memory | first step | repeats apart "
        "| load |",
        "|" + "---|" * 12,
    ]
    order = {"posenet3d": 0, "literal": 1, "videopose3d": 2}
    for record in sorted(records, key=lambda r: (r["batch"], order[r["method"]])):
        kind = f"{record['precision']}, {record['step']}"
        row = [str(record["batch"]), record["method"], kind]
        if "seconds" not in record:
            lines.append(row_of([*row, told(record), *[""] * 8]))
            continue
        once, speed = seconds(record), record["batch"] / seconds(record)
        literal = [
            r for r in records
            if r["method"] == "literal" and r["batch"] == record["batch"] and "seconds" in r
        ]  # fmt: skip
        faster = f"{seconds(literal[0]) / once:.1f}" if literal else "–"
        row += [
            f"{speed:,.0f}",
            duration(once),
            operations_text(record["flops"]),
            f"{100 * record['flops'] / once / record['ceiling']:.0f} %",
            faster,
            f"{record['memory'] / GIB:.1f} GiB",
            duration(record["first"]),
            f"{max(record['seconds']) / min(record['seconds']):.2f}",
            f"{record['load'][0]:.1f}",
        ]
        lines.append(row_of(row))
    return "\n".join(lines)


def ranks_table(records: list[dict]) -> str:
    """One rank and two."""
    one = next((r for r in records if r["ranks"] == 1 and "seconds" in r), None)
    lines = [
        "| ranks | windows a step | a step, wall | windows/s | of one rank's "
        "| a step, processors | of one rank's | load |",
        "|" + "---|" * 8,
    ]
    for record in records:
        if "seconds" not in record or one is None:
            lines.append(row_of([str(record["ranks"]), "", told(record), *[""] * 5]))
            continue
        row = [
            str(record["ranks"]),
            str(record["batch"]),
            duration(seconds(record)),
            f"{record['batch'] / seconds(record):,.0f}",
            f"{seconds(one) / seconds(record):.2f}",
            duration(record["processor"]),
            f"{record['processor'] / one['processor']:.2f}",
            f"{record['load'][0]:.1f}",
        ]
        lines.append(row_of(row))
    return (
        "Preset `quick`, stage 1, one batch divided among the ranks (gloo, one thread each), "
        "through the trainer's own engine. Wall seconds are the median between records; where the "
        "load says that others used the cores, two ranks could not show what they gain. Processor "
        "seconds of all ranks together do not depend on others: were they the same for two as for "
        "one, two ranks on two free cores would be twice as fast.\n\n" + "\n".join(lines)
    )


def recipe_section(records: list[dict]) -> str:
    """The measured time of the recipe, or what follows from the steps."""
    measured = [r for r in records if r["kind"] == "recipe"]
    lead = (
        f"{EPOCHS} epochs of each stage over {FRAMES:,} frames, batch {BATCH}: {STEPS:,} steps a "
        "stage."
    )
    lines = [lead, ""]
    for record in measured:
        if "seconds" in record:
            told_by = ", ".join(f"{n} {span(s)}" for n, s in record["stages"].items())
            lines += [
                f"**Measured end to end: {span(record['seconds'])}** ({record['precision']}, "
                f"{record['step']}; {told_by}; validation, records and checkpoints included; "
                f"making the synthetic data, {span(record['data_seconds'])}, not).", "",
            ]  # fmt: skip
        else:
            lines += [f"The run end to end: {told(record)}.", ""]
    if not any("seconds" in record for record in measured):
        lines += ["End to end: **not measured**.", ""]
    lines += [
        "**Extrapolated** from the measured steps, records and checkpoints not counted; where a "
        "method was not measured at that batch, from the time a window took at its largest:",
        "",
        "| method | " + " | ".join(STAGES) + " | all |",
        "|" + "---|" * (len(STAGES) + 2),
    ]
    for title, chosen in methods_of(records):
        times = [longest_batch_time(chosen, stage) for stage in STAGES]
        cells = [span(t) if t else "–" for t in times]
        total = span(sum(t for t in times if t)) if all(times) else "–"
        lines.append(row_of([title, *cells, total]))
    return "\n".join(lines)


def methods_of(records: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    """The step records of each method, precision and step."""
    steps = [r for r in records if r["kind"] == "step" and "seconds" in r]
    for key in dict.fromkeys((r["method"], r["precision"], r["step"]) for r in steps):
        if key[0] != "videopose3d":
            chosen = [r for r in steps if (r["method"], r["precision"], r["step"]) == key]
            yield f"{key[0]}, {key[1]}, {key[2]}", chosen


def longest_batch_time(records: list[dict], stage: str) -> float | None:
    """Seconds of a stage of the recipe, from the case that is nearest to its batch."""
    chosen = [record for record in records if record["stage"] == stage]
    if not chosen:
        return None
    nearest = min(chosen, key=lambda record: abs(record["batch"] - BATCH))
    return seconds(nearest) / nearest["batch"] * BATCH * STEPS


def not_measured(device: str) -> Iterator[str]:
    """The rows that wait for a device."""
    yield (
        "**Not measured**: no such device was at hand. "
        f"`python benchmarks/training.py --device {device}"
        f"{' --recipe' if device == 'cuda' else ''} --videopose3d CHECKOUT` fills this in and "
        "keeps the rest."
    )
    lines = [
        "| stage, batch 6000 | posenet3d, bf16, graph | share of the bf16 ceiling | literal "
        "| faster than literal | memory |",
        "|" + "---|" * 6,
    ]
    lines += [row_of([TITLES[stage], *["not measured"] * 5]) for stage in STAGES]
    lines.append(row_of(["The paper's whole recipe, 1.56 M frames", *["not measured"] * 5]))
    yield "\n".join(lines)


def draw(results: dict, path: Path) -> None:
    """Windows a second over the batch: a row a device, a panel a stage."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    from posenet3d.visualization.figures import (
        BLUE,
        GREEN,
        GREY,
        PURPLE,
        VERMILION,
        new_figure,
        save_figure,
    )

    devices = [device for device in DEVICES if device in results]
    looks = {
        ("posenet3d", "fp32", "eager"): (BLUE, "o-"),
        ("posenet3d", "fp32", "compiled"): (BLUE, "s--"),
        ("posenet3d", "bf16", "eager"): (GREEN, "o-"),
        ("posenet3d", "bf16", "compiled"): (GREEN, "s--"),
        ("posenet3d", "bf16", "graph"): (GREEN, "^:"),
        ("posenet3d", "tf32", "graph"): (PURPLE, "^:"),
        ("literal", "fp32", "eager"): (VERMILION, "o-"),
        ("videopose3d", "fp32", "eager"): (GREY, "o-"),
    }
    figure = new_figure(12.0, 1.0 + 2.9 * len(devices))
    grid = figure.subplots(len(devices), len(STAGES), sharex="row", sharey="row", squeeze=False)
    shown = {}
    for row, device in zip(grid, devices, strict=True):
        for axes, stage in zip(row, STAGES, strict=True):
            for key, (colour, style) in looks.items():
                points = sorted(
                    (r["batch"], r["batch"] / seconds(r))
                    for r in results[device]["records"]
                    if r["kind"] == "step" and "seconds" in r
                    and (r["method"], r["precision"], r["step"], r["stage"]) == (*key, stage)
                )  # fmt: skip
                if points:
                    (line,) = axes.plot(
                        *zip(*points, strict=True), style, color=colour, markersize=5
                    )
                    shown.setdefault(f"{key[0]}, {key[1]}, {key[2]}", line)
            axes.set(xscale="log", yscale="log")
            batches = sorted({r["batch"] for r in results[device]["records"] if "batch" in r})
            axes.set_xticks(batches, [str(batch) for batch in batches])
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.minorticks_off()
            axes.set_title(TITLES[stage], fontsize=9, loc="left")
            axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlabel("windows a step", fontsize=9)
        row[0].set_ylabel(f"windows a second, {device.upper()}", fontsize=9)
    figure.tight_layout(rect=(0, 0.1 / len(devices), 1, 1))
    figure.legend(shown.values(), shown.keys(), loc="lower center", ncols=4, frameon=False,
                  fontsize=9)  # fmt: skip
    save_figure(figure, path)


def seconds(record: dict) -> float:
    """A record's seconds a step."""
    return statistics.median(record["seconds"])


def told(record: dict) -> str:
    """Why there is no figure."""
    reason = record.get("failed", "not run")
    return "out of memory" if "out of memory" in reason.lower() else f"failed: {reason[:60]}"


def row_of(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def duration(value: float) -> str:
    """Seconds with a unit."""
    return f"{1e3 * value:.3g} ms" if value < 1 else f"{value:.1f} s"


def span(value: float) -> str:
    """A long time with a unit."""
    for unit, name in ((365 * DAY, "years"), (DAY, "days"), (HOUR, "h"), (60.0, "min")):
        if value >= 2 * unit:
            return f"{value / unit:.1f} {name}"
    return f"{value:.0f} s"


def operations_text(value: float) -> str:
    """Floating point operations with a unit."""
    return f"{value / 1e12:.3g} TFLOP" if value >= 1e12 else f"{value / 1e9:.3g} GFLOP"
