"""What a command's arguments are called by whoever types it."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperOption


def names_of_function(function: Callable[..., Any]) -> dict[str, str]:
    """The options of the command that a function is, by the arguments that they stand for.

    Example:
        >>> from posenet3d.cli.lift import lift
        >>> names_of_function(lift)["min_confidence"]
        '--min-confidence'
    """
    alone = typer.Typer()
    alone.command()(function)
    return names_of_command(typer.main.get_command(alone))


def names_of_command(command: Any) -> dict[str, str]:
    """As `names_of_function`, of a command that typer made.

    Example:
        >>> from posenet3d.cli.app import app
        >>> names_of_command(typer.main.get_command(app).commands["lift"])["joints"]
        '--joint'
    """
    found = {
        each.name: max(each.opts, key=len)
        for each in command.params
        if isinstance(each, TyperOption) and each.name is not None
    }
    return {**found, "joints": found["joint"]} if "joint" in found else found
