"""What the other benchmarks measured, as rows of one kind; read by `accuracy.py`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relations_page import STITCHED, both_ways

TEST, EXACT = "test subjects", "exact"
SUPERVISED, OURS, BASELINE, PEER, FLOOR = "supervised", "ours", "baseline", "2D only", "floor"
MIRROR = "mirror"
"""Kinds of rows; those of `MIRROR` are small trainings that say nothing of how good a lifter is."""
FLAT = "flat depth"
SAME_FRAMES = 0.01
"""mm by which flat depth may differ between files that measured the same frames."""
ALIKE = 4
"""Decimals in which two rows agree that are one measurement, told in two files."""


class Mixed(SystemExit):
    """Rows that may not stand in one table."""


@dataclass(frozen=True)
class Row:
    """One lifter, one seed, one protocol, measured once."""

    name: str
    kind: str
    protocol: str
    measured: str
    """`TEST`, or "held out" and the training subjects."""
    figures: Mapping[str, float]
    file: str
    commit: str
    seed: int = 0
    head: str = ""
    stage: str = ""
    """The stage after which it was measured; nothing where training has one."""
    seen: str = EXACT
    """The 2D that it was measured with."""
    film: str = ""
    """The protocol whose cameras filmed what it was trained on."""
    preset: str = ""
    budget: float = 1.0
    """The factor on the preset's steps."""
    frames: int | None = None
    windows: int | None = None
    """Windows that were trained on; one of nine frames counts once."""
    mirrored: float | None = None
    """P-MPJPE as trained, where the figures are of the depth negated."""
    right: bool | None = None
    pitch: float | None = None
    run: str = field(default="", compare=False)
    """The run's name in `relations.py`."""

    @property
    def shortened(self) -> str:
        """The factor on the preset's steps, where there is one, to stand behind a name."""
        return f", steps × {self.budget:g}" * (self.budget != 1)


def read(folder: Path) -> list[Row]:
    """The rows of all results in a folder; a measurement may be told in several.

    Raises:
        Mixed: two files measured flat depth otherwise, so their frames or 2D differ.
    """
    readers = {
        "relations*.json": relations,
        "peers.json": peers,
        "pretrained*.json": pretrained,
        "depth_mirror.json": depth_mirror,
        "pitch*.json": pitch,
    }
    rows: list[Row] = []
    for pattern, reader in readers.items():
        for path in sorted(folder.glob(pattern)):
            rows += reader(json.loads(path.read_text()), path.name)
    check_flat(rows)
    return rows


def check_flat(rows: Iterable[Row]) -> None:
    """Refuse rows of one protocol, of the same people and 2D, whose flat depth differs."""
    first: dict[tuple, Row] = {}
    for row in rows:
        if row.kind != FLOOR:
            continue
        place = (row.protocol, row.measured, row.seen)
        other = first.setdefault(place, row)
        one, two = (each.figures["p_mpjpe"] for each in (other, row))
        if abs(one - two) > SAME_FRAMES:
            raise Mixed(
                f"Expected one figure for flat depth on {', '.join(place)}; got {one:.2f} in "
                f"{other.file} and {two:.2f} in {row.file}: not the same frames or 2D. Measure "
                "one of them again."
            )


def once(rows: Iterable[Row]) -> list[Row]:
    """Each measurement once, flat depth once for all seeds; the first that tells of it stays."""
    kept: dict[tuple, Row] = {}
    for row in rows:
        place: tuple = (row.protocol, row.measured, row.seen, row.kind)
        if row.kind != FLOOR:
            told = (row.figures.get(name, 0.0) for name in ("p_mpjpe", "mpjve"))
            place += (row.seed, row.head, *(round(figure, ALIKE) for figure in told))
        kept.setdefault(place, row)
    return list(kept.values())


def held_out(subjects: Iterable[str]) -> str:
    """How a row calls people who were held out."""
    return f"held out {' '.join(sorted(subjects))}"


def relations(document: Mapping[str, Any], file: str) -> Iterator[Row]:
    """The rows of `relations.py`: every run, stage and head."""
    refuse_trials(document, file)
    measured = document["measured"]
    people = TEST if measured == "test" else held_out(measured)
    base = document["base"]
    for record in document["records"]:
        exact = record["seen"] == EXACT
        ours = record["run"].startswith("posenet3d")
        name = f"PoseNet3D `{base}`" if ours else record["run"].removesuffix("-exact")
        report = record["report"]
        for stage, heads in both_ways(record).items():
            for head, figures in heads.items():
                stitched = head.endswith(STITCHED)
                yield Row(
                    name=FLAT if head == "flat" else name,
                    kind=FLOOR if head == "flat" else OURS if ours else BASELINE,
                    protocol=document["protocol"],
                    measured=people,
                    figures=plain(figures),
                    file=file,
                    commit=(record["stitched"] if stitched else record)["commit"],
                    seed=record["seed"],
                    head="" if head == "flat" else head,
                    stage="" if head == "flat" else stage,
                    seen=EXACT if exact else f"{document['noise']}, no joint missing",
                    film=document["protocol"],
                    preset=base,
                    budget=document.get("budget", 1.0),
                    frames=record["config"]["network"]["frames"],
                    windows=windows_until(record["config"], report, stage),
                    right=figures.get("right_way_round"),
                    pitch=report.get("camera_pitch_degrees"),
                    run=record["run"],
                )


def pretrained(document: Mapping[str, Any], file: str) -> Iterator[Row]:
    """The rows of `pretrained.py`: every seed, protocol, kind of 2D and branch."""
    refuse_trials(document, file)
    if document["measured"] is None:
        return
    people = TEST if document["measured"] == "test" else held_out(document["hold_out"])
    for record in document["records"]:
        config, report = record["config"], record["report"]
        for protocol, kinds in record["figures"].items():
            for seen, heads in kinds.items():
                for head, figures in heads.items():
                    flat = head == "flat"
                    yield Row(
                        name=FLAT if flat else f"PoseNet3D `{document['preset']}`",
                        kind=FLOOR if flat else OURS,
                        protocol=protocol,
                        measured=people,
                        figures=plain(figures),
                        file=file,
                        commit=record["commit"],
                        seed=record["seed"],
                        head="" if flat else head,
                        stage="" if flat else config["stages"][-1]["name"],
                        seen=seen.replace(", whole", ", no joint missing"),
                        film=document["protocol"],
                        preset=document["preset"],
                        budget=document.get("budget", 1.0),
                        frames=config["network"]["frames"],
                        windows=windows_until(config, report, config["stages"][-1]["name"]),
                        right=figures.get("right_way_round"),
                        pitch=report.get("camera_pitch_degrees"),
                    )


def peers(rows: Iterable[Mapping[str, Any]], file: str) -> Iterator[Row]:
    """The rows of `peers.py`, but for smoke runs; our own runs beside them too."""
    for row in rows:
        if row.get("smoke"):
            continue
        judged = row["judged_on"]
        ours = row["kind"] == PEER and row["peer_commit"] is None
        name, _, head = row["name"].rpartition(", ") if ours else (row["name"], "", "")
        negated = row.get("depth_sign", "as trained") != "as trained"
        yield Row(
            name=f"PoseNet3D `{name}`" if ours else name,
            kind=OURS if ours else row["kind"],
            protocol=row["protocol"],
            measured=TEST if judged == TEST else held_out(judged.split()[2:]),
            figures=plain(row["metrics"]),
            file=file,
            commit=row["commit"] or "unknown",
            seed=row["seed"],
            head=head,
            film=row["protocol"] if row.get("same_training_film", True) else "other film",
            preset=name if ours else row["settings_name"],
            frames=row["frames"],
            windows=row["windows_seen"],
            mirrored=row["metrics_as_trained"]["p_mpjpe"] if negated else None,
        )


def depth_mirror(document: Mapping[str, Any], file: str) -> Iterator[Row]:
    """The trainings of `depth_mirror.py` with a learned pitch and the guard, nothing hidden."""
    for run in document["runs"]:
        if run["sampler"] != "learned" or not run["guard"] or run["hidden"]:
            continue
        clear = run["p_mpjpe"] != run["mirrored"]
        yield Row(
            name="the first stage of `best`, small",
            kind=MIRROR,
            protocol=run["rig"],
            measured=held_out(document["facts"]["held_out"]),
            figures={"p_mpjpe": run["p_mpjpe"]},
            file=file,
            commit=run.get("commit", "unknown"),
            seed=run["seed"],
            head="teacher",
            film=run["rig"],
            preset="best",
            right=run["p_mpjpe"] < run["mirrored"] if clear else None,
            pitch=run["pitch"],
        )


def pitch(document: Mapping[str, Any], file: str) -> Iterator[Row]:
    """The ten seeds of `pitch.py`."""
    facts = document["facts"]
    case = next(each for each in facts["cases"] if each["name"] == "steps-2000")
    for run in document["runs"]:
        if run["case"] != case["name"]:
            continue
        yield Row(
            name=f"the first stage of `best`, small, {case['says']}",
            kind=MIRROR,
            protocol="cmu14",
            measured=TEST if facts["measured"] == "test" else held_out(facts["held_out"]),
            figures={"p_mpjpe": run["p_mpjpe"]},
            file=file,
            commit=run["commit"],
            seed=run["seed"],
            head="teacher",
            film="cmu14",
            preset="best",
            windows=case["steps"] * case["batch"],
            right=run["p_mpjpe"] < run["mirrored"],
            pitch=run["pitch"],
        )


def plain(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are one number each."""
    return {
        name: float(value)
        for name, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def windows_until(config: Mapping[str, Any], report: Mapping[str, Any], last: str) -> int | None:
    """Windows that a run trained on until a stage was done; None where a batch is not known."""
    sizes = {stage["name"]: stage.get("batch_size") for stage in config["stages"]}
    total = 0
    for stage in report["stages"]:
        size = sizes.get(stage["name"]) or config.get("batch_size")
        if size is None:
            return None
        total += stage["steps"] * size
        if stage["name"] == last:
            break
    return total


def refuse_trials(document: Mapping[str, Any], file: str) -> None:
    """Refuse results of a few clips."""
    if document.get("clips") is not None:
        raise Mixed(f"{file}: a trial with {document['clips']} clips; measure all of them")
