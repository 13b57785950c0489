"""``posenet3d plugins``: what is installed, and whether it can be imported."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from posenet3d.plugins import Plugin


def plugins(
    group: Annotated[
        str | None, typer.Argument(help="One kind only, such as losses.", show_default="all kinds")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Import each one; exit code 2 if any fails.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the plug-ins of every installed package; without --check nothing is imported."""
    from posenet3d.plugins import list_plugins

    found = list_plugins(group)
    faults = {plugin: _fault(plugin) for plugin in found} if check else {}
    if as_json:
        rows = [asdict(plugin) | ({"error": faults[plugin]} if check else {}) for plugin in found]
        typer.echo(json.dumps(rows, indent=2))
    else:
        _print_table(found, faults)
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


def _print_table(found: tuple["Plugin", ...], faults: dict["Plugin", str | None]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Plug-ins", title_justify="left")
    for heading in ("group", "name", "package", "target"):
        table.add_column(heading, overflow="fold")
    for plugin in found:
        table.add_row(plugin.group, plugin.name, plugin.package, plugin.target)
    console = Console()
    console.print(table if found else "No plug-ins.")
    for fault in filter(None, faults.values()):
        console.print(f"Error: {fault}", style="red", markup=False)
