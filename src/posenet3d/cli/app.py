"""The command ``posenet3d``: its sub-commands, and how it ends.

Exit codes: 0 done, 2 an error that the user can mend (wrong usage, bad input), 130 interrupted,
1 anything else.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from posenet3d import __version__
from posenet3d.cli.body import body
from posenet3d.cli.completion import join_option_and_value
from posenet3d.cli.data import data
from posenet3d.cli.demo import demo
from posenet3d.cli.detect import detect
from posenet3d.cli.doctor import doctor
from posenet3d.cli.evaluate import evaluate
from posenet3d.cli.export import export
from posenet3d.cli.lift import lift
from posenet3d.cli.option_names import names_of_command
from posenet3d.cli.plugins import plugins
from posenet3d.cli.reproduce import ReproduceCommand, reproduce
from posenet3d.cli.train import train
from posenet3d.cli.view import view
from posenet3d.errors import PoseNet3DError

app = typer.Typer(
    name="posenet3d",
    help="3D human pose and shape, learnt from 2D keypoints alone.",
    epilog="Exit codes: 0, done; 2, an error that you can mend (wrong usage, bad input); 130, "
    "interrupted; 1, anything else.",
    rich_markup_mode="markdown",  # lines of a paragraph are joined
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(lift)
app.command()(detect)
app.command()(export)
app.command()(view)
app.command()(train)
app.command()(evaluate)
app.command(cls=ReproduceCommand)(reproduce)
app.command()(demo)
app.add_typer(body, name="body")
app.add_typer(data, name="data")
app.command()(plugins)
app.command()(doctor)


def _print_version(asked: bool | None) -> bool | None:
    if asked:
        typer.echo(f"posenet3d {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _options(
    version: Annotated[
        bool | None,  # typer gives None where a callback gives nothing
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="On an error, print the traceback too (anywhere).")
    ] = False,
) -> None:
    """3D human pose and shape, learnt from 2D keypoints alone."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process.

    An error that a user can mend is one message on standard error and exit code 2; ``--debug``,
    which may stand anywhere among the arguments, adds the traceback.

    Args:
        arguments: what follows the command's name; ``None`` for those of the process.

    Raises:
        SystemExit: always, with the exit code.

    Example:
        >>> try:
        ...     main(["--version"])
        ... except SystemExit as exit:
        ...     print(exit.code)
        posenet3d 0.1.0
        0
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    join_option_and_value(os.environ)
    try:
        app(args=[each for each in given if each != "--debug"], prog_name="posenet3d")
    except PoseNet3DError as error:
        if "--debug" in given:
            traceback.print_exception(error)
        else:
            print(f"Error: {error.told(options_of(given))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def options_of(arguments: Sequence[str]) -> dict[str, str]:
    """The options of the sub-command that is called, by the arguments that they stand for.

    Example:
        >>> options_of(["lift", "walk.json"])["image_size"]
        '--image-size'
    """
    command: Any = typer.main.get_command(app)
    for word in arguments:
        if isinstance(command, TyperGroup) and word in command.commands:
            command = command.commands[word]
    return names_of_command(command)
