"""``posenet3d export``: a lifted result in the formats that other programs open."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.completion import plugin_of
from posenet3d.cli.options import Force, JsonReport, MaybeResult, Outs
from posenet3d.cli.writing import interrupts_told, why_not_written

if TYPE_CHECKING:
    from posenet3d.keypoints import KeypointSequence
    from posenet3d.plugins import PluginSpec
    from posenet3d.reconstruction import Reconstruction

Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="[FORMAT.]KEY=VALUE",
        help="An option of every file, or of one format, such as trc.unit=mm; may be repeated.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="The format, where a suffix does not tell it.",
        autocompletion=plugin_of("exporters"),
    ),
]
List = Annotated[bool, typer.Option("--list", help="List the formats and their options.")]


@dataclass(frozen=True)
class Job:
    """One file to write.

    Example:
        >>> Job(Path("walk.trc"), "trc", {"unit": "mm"}).options["unit"]
        'mm'
    """

    path: Path
    """The file."""
    format: str
    """The exporter's name."""
    options: Mapping[str, Any]
    """The exporter's own options."""

    @property
    def spec(self) -> "PluginSpec":
        """The exporter and its options, as plug-ins are named."""
        from posenet3d.plugins import PluginSpec

        return PluginSpec(name=self.format, options=dict(self.options))


def export(
    result: MaybeResult = None,
    out: Outs = None,
    option: Options = None,
    format: Format = None,
    force: Force = False,
    list_formats: List = False,
    as_json: JsonReport = False,
) -> None:
    """Write a lifted result as GLB, BVH, TRC, C3D, OBJ, PLY, CSV, JSON, HTML and more.

    Everything asked for is checked before the first file is written.
    """
    from posenet3d.errors import ConfigurationError

    if list_formats:
        tell_formats(as_json)
        return
    faults = [] if result else ["RESULT: expected the .npz file of a lifted motion, got none"]
    faults += [] if out else ["--out: expected at least one file to write, got none"]
    if result is None or not out or faults:
        raise ConfigurationError(faults)
    jobs = plan(out, option or (), format)
    check(jobs, force)
    from posenet3d.reconstruction import load_reconstruction

    lifted = load_reconstruction(result)
    check_fit(jobs, lifted.keypoints)
    written = write(lifted, jobs, quiet=as_json)
    if as_json:
        typer.echo(json.dumps({"result": str(result), "written": written}, indent=2))


def plan(out: Sequence[Path], option: Sequence[str] = (), format: str | None = None) -> list[Job]:
    """A job a file: its format, and the options that are meant for it.

    Args:
        out: the files.
        option: ``KEY=VALUE`` or ``FORMAT.KEY=VALUE``; a value is read as JSON where it is JSON,
            else as text.
        format: the exporter's name for all files, in place of their suffixes.

    Raises:
        ConfigurationError: a file without a suffix, an option without ``=``, or one for a format
            that no file has.

    Example:
        >>> plan([Path("a.trc"), Path("a.glb")], ["trc.unit=mm", "root=still"])[0].options
        {'unit': 'mm', 'root': 'still'}
    """
    from posenet3d.plugins import GROUPS

    formats = [format or path.suffix.removeprefix(".").lower() for path in out]
    known = ", ".join(f".{name}" for name in GROUPS["exporters"].names())
    faults = [
        f"--out {path}: expected a suffix that tells the format: {known}"
        for path, name in zip(out, formats, strict=True)
        if not name
    ]
    faults += [
        f"--out {path}: given twice" for path in sorted({p for p in out if out.count(p) > 1})
    ]
    options = options_of_formats(option, formats, faults)
    return [Job(path, name, options[name]) for path, name in zip(out, formats, strict=True)]


def options_of_formats(
    option: Sequence[str], formats: Sequence[str], faults: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """The options of each format out of ``KEY=VALUE`` and ``FORMAT.KEY=VALUE``.

    Args:
        option: the texts.
        formats: the formats that are written.
        faults: what is wrong already, told together with what is wrong here.

    Raises:
        ConfigurationError: an option without ``=``, or one for a format that is not written; or
            there were faults.

    Example:
        >>> options_of_formats(["trc.unit=mm", "root=still"], ["trc", "glb"])
        {'trc': {'unit': 'mm', 'root': 'still'}, 'glb': {'root': 'still'}}
    """
    from posenet3d.errors import ConfigurationError

    wrong = list(faults)
    parts = [(each, *_split(each)) for each in option]
    for text, only, key, _ in parts:
        if not key:
            wrong.append(f"--option {text}: expected KEY=VALUE or FORMAT.KEY=VALUE")
        elif only and only not in formats:
            wrong.append(f"--option {text}: no file has the format {only!r}")
    if wrong:
        raise ConfigurationError(wrong)
    return {
        name: {key: value for _, only, key, value in parts if only in ("", name)}
        for name in formats
    }


def _split(text: str) -> tuple[str, str, Any]:
    """The format ('' for all), the key ('' where there is none) and the value of an option."""
    name, equals, value = text.partition("=")
    only, _, key = name.strip().rpartition(".")
    try:
        read: Any = json.loads(value)
    except (ValueError, RecursionError):
        read = value
    return only, key if equals else "", read


def check(jobs: Sequence[Job], force: bool) -> None:
    """Nothing, if every job can begin: known format, known options, a folder, no file there.

    Args:
        jobs: what is to be written.
        force: whether files that are there may be replaced.

    Raises:
        ConfigurationError: all faults at once.
    """
    from posenet3d.errors import ConfigurationError
    from posenet3d.plugins import GROUPS

    faults = [fault for job in jobs for fault in GROUPS["exporters"].faults(job.spec)]
    for job in jobs:
        if why := why_not_written(job.path):
            faults.append(f"--out {job.path}: {why}")
            continue
        there = [path for path in (job.path, _sequence(job)) if path and path.exists()]
        if there and not force:
            faults.append(f"--out {job.path}: {there[0]} is there already; --force replaces it")
    if faults:
        raise ConfigurationError(faults)


def check_fit(jobs: Sequence[Job], seen: "KeypointSequence") -> None:
    """Nothing, if every job can be done with a motion that is made of these keypoints.

    Args:
        jobs: what is to be written.
        seen: the 2D.

    Raises:
        PoseNet3DError: the first thing that is wrong: it is too long for a format, or the part that
            is asked for is not in it.
    """
    from posenet3d.plugins import GROUPS

    for job in jobs:
        GROUPS["exporters"].check_fit(job.spec, seen)


def _sequence(job: Job) -> Path | None:
    """The folder that a format of one mesh a file may write instead."""
    from posenet3d.export.mesh_frames import sequence_folder

    return sequence_folder(job.path) if job.format in ("obj", "ply") else None


def write(
    lifted: "Reconstruction", jobs: Sequence[Job], quiet: bool = False
) -> list[dict[str, Any]]:
    """Write each file, and say so; a spinner on the terminal tells which is under way.

    Args:
        lifted: the motion.
        jobs: what is to be written.
        quiet: whether to say nothing on standard output.

    Returns:
        Path, format, bytes and seconds of each.

    Raises:
        Exit: with 130 where it was interrupted, which is told.
        PoseNet3DError: a format needs a body that there is not, or a file cannot be written.
            Files written before stay.
    """
    from rich.console import Console
    from rich.text import Text

    from posenet3d.errors import StorageError
    from posenet3d.plugins import GROUPS

    written: list[dict[str, Any]] = []
    for job in jobs:
        start = time.perf_counter()
        telling = Text(f"Writing {job.path} ...")  # paths have brackets
        with interrupts_told(job.path), Console(stderr=True).status(telling):
            made = GROUPS["exporters"].build(job.spec, path=job.path, reconstruction=lifted)
        place = Path(made) if isinstance(made, str | Path) else job.path
        if not place.exists():
            wrong = (
                f"expected a file from the exporter {job.format!r}, got none; mend that plug-in."
            )
            raise StorageError(place, wrong)
        fact = {"path": str(place), "format": job.format, "bytes": _size(place)}
        written.append(fact | {"seconds": round(time.perf_counter() - start, 3)})
        if not quiet:
            files = f", {sum(1 for _ in place.iterdir())} files" if place.is_dir() else ""
            typer.echo(f"{place}  {_size(place) / 1e6:.2f} MB{files}")
    return written


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files if each.is_file())


def tell_formats(as_json: bool = False) -> None:
    """Print every exporter that is installed, with its options and their defaults.

    Args:
        as_json: whether as JSON.
    """
    from rich.console import Console
    from rich.table import Table

    from posenet3d.plugins import GROUPS

    rows = {plugin.name: _options_of(plugin.name) for plugin in GROUPS["exporters"].advertised()}
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(title="Formats", title_justify="left")
    for heading in ("suffix", "options"):
        table.add_column(heading, overflow="fold")
    for name, options in rows.items():
        told = "\n".join(f"{key}={json.dumps(value)}" for key, value in options.items())
        table.add_row(f".{name}", told)
    Console().print(table)


def _options_of(name: str) -> dict[str, Any]:
    """An exporter's options with their defaults; none where it cannot be imported or tells none."""
    from posenet3d.errors import PoseNet3DError
    from posenet3d.plugins import CONFIG, GROUPS

    try:
        config = getattr(GROUPS["exporters"].load(name), CONFIG, None)
    except PoseNet3DError:
        return {}
    fields = getattr(config, "model_fields", {})
    defaults = {key: field.get_default() for key, field in fields.items()}
    told: dict[str, Any] = json.loads(json.dumps(defaults, default=str))
    return told
