"""``posenet3d data list`` and ``fetch``: which datasets there are, and how to come by one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posenet3d.cli.options import DatasetName, JsonTable
from posenet3d.cli.progress import progress_bar
from posenet3d.errors import how_many

if TYPE_CHECKING:
    from posenet3d.data.datasets import DatasetCard

_MEGABYTE = 1e6


def list_datasets(
    as_json: JsonTable = False,
) -> None:
    """List the datasets: name, what each gives, whether one has to register, licence.

    One whose plug-in is broken is told of on standard error.
    """
    from posenet3d.errors import PluginError
    from posenet3d.plugins import GROUPS

    rows = []
    for name in GROUPS["datasets"].names():
        try:
            rows.append(_row(name, card_of(name)))
        except PluginError as error:
            typer.echo(f"Not listed: {error}", err=True)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        _print_rows(rows)
        typer.echo("How to come by one: posenet3d data fetch NAME")


def fetch(
    name: DatasetName,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="The folder for its files.", show_default=False),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Download nothing; only tell what is there.")
    ] = False,
) -> None:
    """Look for a dataset's files, download what anyone may, and tell how to come by the rest.

    Leaves with exit code 2 while files are missing.
    """
    card = card_of(name)
    typer.echo(
        f"{card.title}\n  {card.homepage}\n  Licence: {card.licence}\n  Cite: {card.citation}"
    )
    if not card.files:
        _print_steps(card)
        return
    folder = root or Path(name)
    before = _missing(card, folder)
    came = root is None or dry_run or _download(card, root, complete=not before)
    typer.echo(f"Files in {folder}:" if root else "Files of its folder (say --root to look there):")
    for line in _lines(card, folder):
        typer.echo(line)
    if before:
        _print_steps(card)
    if root is None:
        return
    if not came or _missing(card, folder):
        raise typer.Exit(2)
    typer.echo(f"Next: posenet3d data convert {name} --root {folder} --out data/{name}")


def card_of(name: str) -> "DatasetCard":
    """The card of a dataset.

    Raises:
        PluginConflictError: two packages have such a dataset.
        PluginLoadError: it cannot be imported, or has no card.
        UnknownPluginError: there is no such dataset.

    Example:
        >>> card_of("synthetic").licence
        'Apache-2.0, as the library'
    """
    from posenet3d.data.datasets import DatasetCard
    from posenet3d.errors import PluginLoadError
    from posenet3d.plugins import GROUPS

    plugin = GROUPS["datasets"].find(name)
    card = getattr(plugin.load(), "about", None)
    if not isinstance(card, DatasetCard):
        raise PluginLoadError(
            plugin.group,
            name,
            f"Plug-in {plugin} of group {plugin.group!r}: expected a class with a DatasetCard "
            f"'about', got {type(card).__name__}; mend {plugin.distribution!r}.",
        )
    return card


def _row(name: str, card: "DatasetCard") -> dict[str, Any]:
    return {
        "name": name,
        "title": card.title,
        "splits": list(card.splits),
        "registration": card.registration,
        "licence": card.licence,
        "homepage": card.homepage,
    }


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "title", "gives", "register", title="Datasets", title_justify="left")
    table.add_column("licence", overflow="fold")
    for row in rows:
        register = "yes" if row["registration"] else "no"
        table.add_row(row["name"], row["title"], ", ".join(row["splits"]), register, row["licence"])
    Console().print(table, markup=False)


def _missing(card: "DatasetCard", root: Path) -> list[str]:
    """The files that are needed and not there; where all are optional, one will do."""
    found = card.found(root)
    if len(card.optional) == len(card.files):
        return [] if any(found.values()) else list(card.files)
    return [each for each in card.files if not found[each] and each not in card.optional]


def _lines(card: "DatasetCard", root: Path) -> Iterator[str]:
    nothing = bool(card.files) and _missing(card, root) == [*card.files]
    for pattern, paths in card.found(root).items():
        whole = sum(path.stat().st_size for path in paths if path.is_file()) / _MEGABYTE
        count = f"{how_many(len(paths), 'file')}, " if "*" in pattern else ""
        absent = "optional" if pattern in card.optional and not nothing else "missing"
        state = f"found ({count}{whole:.1f} MB)" if paths else absent
        yield f"  {state:<28} {pattern}: {card.files[pattern]}"
    for file in card.downloads:
        if not (root / file.path).is_file():
            yield f"  {'can be downloaded':<28} {file.path}: {file.url}"


def _print_steps(card: "DatasetCard") -> None:
    typer.echo("How to come by it:")
    for number, step in enumerate(card.steps, start=1):
        typer.echo(f"  {number}. {step}")


def _download(card: "DatasetCard", root: Path, complete: bool) -> bool:
    """Fetch what may be fetched, but no archive whose files are there; whether all of it came."""
    from posenet3d.data.datasets.fetching import download
    from posenet3d.errors import StorageError

    came = True
    for file in card.downloads:
        fetched = (root / file.path).is_file()  # may have been unpacked in part
        if complete and file.path not in card.files and not fetched:
            continue
        try:
            with progress_bar(file.path, unit="bytes") as on_bytes:
                path = download(file, root, on_bytes)
        except KeyboardInterrupt:
            typer.echo("Interrupted; the same command goes on from there.", err=True)
            raise typer.Exit(130) from None
        except StorageError as error:
            typer.echo(f"Error: {error}", err=True)
            came = False
            continue
        checked = "as its checksum says" if file.sha256 else "its publisher gives no checksum"
        typer.echo(f"Downloaded: {path} ({checked})")
    return came
