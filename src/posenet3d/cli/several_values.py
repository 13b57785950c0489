"""Options that take several values: ``--seeds 0 1 2`` beside ``--seeds 0 --seeds 1 --seeds 2``."""

from collections.abc import Iterable, Sequence
from typing import Any

from typer.core import TyperCommand


def command_with(*options: str) -> type[TyperCommand]:
    """A command some of whose options take every value up to the next option.

    What is no option comes before them on the command line.

    Args:
        *options: their names, such as ``"--seeds"``; declare them as lists.

    Returns:
        The class, for ``app.command(cls=...)``.

    Example:
        >>> command_with("--seeds").__name__
        'SeveralValues'
    """

    class SeveralValues(TyperCommand):
        """A command that repeats an option's name before each of its values."""

        # Some versions of typer bring a click of their own, so the context's class is left open.
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, repeated(args, options))

    return SeveralValues


def repeated(arguments: Sequence[str], options: Iterable[str]) -> list[str]:
    """The arguments with an option's name before each of its values.

    Args:
        arguments: the command line.
        options: the options that take several values.

    Example:
        >>> repeated(["table4", "--seeds", "0", "1", "--out", "runs"], ["--seeds"])
        ['table4', '--seeds', '0', '--seeds', '1', '--out', 'runs']
    """
    several = set(options)
    found: list[str] = []
    current = ""
    for argument in arguments:
        if argument.startswith("--"):
            current = argument if argument in several else ""
        elif current and found[-1] != current:
            found.append(current)
        found.append(argument)
    return found
