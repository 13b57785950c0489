"""``posenet3d doctor``: what this installation is made of and what it lacks."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import typer

from posenet3d.cli.options import JsonTable

_EXTRA = re.compile(r"""^(?P<package>[\w.-]+).*;\s*extra\s*==\s*["'](?P<extra>[\w-]+)["']$""")


def doctor(as_json: JsonTable = False) -> None:
    """Report versions, devices, shipped weights, and which extras are missing, how to get them."""
    report = examine()
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print_report(report)


def examine() -> dict[str, Any]:
    """What ``posenet3d doctor`` reports, as values that JSON can hold.

    Example:
        >>> sorted(examine())
        ['devices', 'extras', 'platform', 'posenet3d', 'python', 'threads', 'versions', 'weights']
    """
    import torch

    from posenet3d import __version__

    return {
        "posenet3d": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {
            package: _version(package) for package, extra in _requirements() if extra is None
        },
        "devices": list(_devices()),
        "threads": {"torch": torch.get_num_threads(), "cores": os.cpu_count() or 1},
        "weights": _weights(),
        "extras": _extras(),
    }


def _weights() -> dict[str, dict[str, Any]]:
    """The weights that ship, by name: size in bytes, and whether the default is meant."""
    from posenet3d.networks import DEFAULT_WEIGHTS, pretrained_folder, pretrained_names

    return {
        name: {
            "bytes": sum(each.stat().st_size for each in pretrained_folder(name).iterdir()),
            "default": name == DEFAULT_WEIGHTS,
        }
        for name in pretrained_names()
    }


def _requirements() -> Iterator[tuple[str, str | None]]:
    """Each package that ``posenet3d`` names, with the extra it belongs to."""
    for line in metadata.requires("posenet3d") or []:
        if match := _EXTRA.match(line):
            yield match["package"], match["extra"]
        elif name := re.match(r"[\w.-]+", line):
            yield name[0], None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _extras() -> dict[str, dict[str, Any]]:
    extras: dict[str, list[str]] = {}
    for package, extra in _requirements():
        if extra is not None and package != "posenet3d":
            extras.setdefault(extra, []).append(package)
    return {
        extra: {
            "missing": [package for package in packages if _version(package) is None],
            "install": f'pip install "posenet3d[{extra}]"',
        }
        for extra, packages in sorted(extras.items())
    }


def _devices() -> Iterator[str]:
    import torch

    yield f"cpu ({platform.processor() or platform.machine()})"
    for index in range(torch.cuda.device_count()):
        yield f"cuda:{index} ({torch.cuda.get_device_name(index)})"
    if torch.backends.mps.is_available():
        yield "mps"


def _print_report(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title="posenet3d doctor", title_justify="left")
    table.add_row("posenet3d", report["posenet3d"])
    table.add_row("python", f"{report['python']} ({sys.executable})")
    table.add_row("platform", report["platform"])
    for package, version in report["versions"].items():
        table.add_row(package, version or "[red]missing[/red]")
    table.add_row("devices", ", ".join(report["devices"]))
    table.add_row("threads", "{torch} of {cores} cores".format(**report["threads"]))
    for name, facts in report["weights"].items():
        default = ", from_pretrained()'s default" if facts["default"] else ""
        table.add_row(f"weights {name}", f"{facts['bytes'] / 1e6:.1f} MB{default}")
    if not report["weights"]:
        table.add_row("weights", "[red]none ship with this installation[/red]")
    for extra, state in report["extras"].items():
        missing = ", ".join(state["missing"])
        # The brackets of an extra's name are no markup here.
        install = state["install"].replace("[", r"\[")
        table.add_row(
            f"extra {extra}", f"missing {missing}; {install}" if missing else "[green]ready[/green]"
        )
    Console().print(table)
