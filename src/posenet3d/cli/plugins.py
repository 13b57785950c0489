"""``posenet3d plugins``: what is installed, and whether it can be imported."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.completion import plugin_groups
from posenet3d.cli.options import JsonTable

if TYPE_CHECKING:
    from posenet3d.plugins import Plugin

BODIES = {
    "posenet3d.body:load_linear_blend": ("the file's", "the file's"),
    "posenet3d.body:load_mannequin": ("makehuman-cc0", "CC0 1.0"),
    "posenet3d.body:load_smpl": (
        "smpl: and a digest, or the file's",
        "SMPL's, non-commercial; so is the code of smplx",
    ),
}
"""Family and licence of the library's own bodies, so that the list need not import them."""


def plugins(
    group: Annotated[
        str | None,
        typer.Argument(
            metavar="GROUP",
            help="One kind only, such as losses.",
            show_default="all kinds",
            autocompletion=plugin_groups,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Import each one; exit code 2 if any fails.")
    ] = False,
    as_json: JsonTable = False,
) -> None:
    """List the plug-ins of every installed package, with family and licence of body models.

    Without --check nothing is imported; a stranger's body model tells its family and licence only
    then. --json also tells what each one's entry point is.
    """
    from posenet3d.plugins import list_plugins

    found = list_plugins(group)
    faults = {plugin: _fault(plugin) for plugin in found} if check else {}
    bodies = {
        plugin: _family_and_licence(plugin, check and not faults[plugin])
        for plugin in found
        if plugin.group == "posenet3d.body_models"
    }
    if as_json:
        rows = [
            asdict(plugin)
            | ({"error": faults[plugin]} if check else {})
            | dict(zip(("family", "license"), bodies.get(plugin, ()), strict=False))
            for plugin in found
        ]
        typer.echo(json.dumps(rows, indent=2))
    else:
        _print_table(found, faults)
        _print_bodies(bodies)
    if any(faults.values()):
        raise typer.Exit(2)


def _fault(plugin: "Plugin") -> str | None:
    from posenet3d.errors import PluginConflictError, PluginLoadError
    from posenet3d.plugins import plugin_group

    try:
        plugin_group(plugin.group).load(plugin.name)
    except (PluginConflictError, PluginLoadError) as error:
        return str(error)
    return None


def _family_and_licence(plugin: "Plugin", loads: bool) -> tuple[str, str]:
    """What the component's attributes ``family`` and ``license`` say, where it may be imported."""
    if plugin.target in BODIES:
        return BODIES[plugin.target]
    if not loads:
        return "--check tells", "--check tells"
    component = plugin.load()
    family, licence = (getattr(component, name, None) for name in ("family", "license"))
    return (
        family if isinstance(family, str) else "not told",
        licence if isinstance(licence, str) else "not told",
    )


def _print_bodies(bodies: dict["Plugin", tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not bodies:
        return
    table = Table(title="Body models", title_justify="left")
    for heading in ("name", "family", "licence"):
        table.add_column(heading, overflow="fold")
    for plugin, facts in bodies.items():
        table.add_row(plugin.name, *facts)
    Console().print(table)


def _print_table(found: tuple["Plugin", ...], faults: dict["Plugin", str | None]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Plug-ins", title_justify="left")
    for heading in ("group", "name", "package"):
        table.add_column(heading, overflow="fold")
    for plugin in found:
        table.add_row(plugin.group, plugin.name, plugin.package)
    console = Console()
    console.print(table if found else "No plug-ins.")
    for fault in filter(None, faults.values()):
        console.print(f"Error: {fault}", style="red", markup=False)
