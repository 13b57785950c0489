"""The command line: one file a command, each importing what it needs only when it runs."""

from posenet3d.cli.app import main

__all__ = ["main"]
