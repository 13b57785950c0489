"""``posenet3d view``: a lifted result in the browser, or as one HTML file."""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posenet3d.cli.options import Force, Result

if TYPE_CHECKING:
    from posenet3d.reconstruction import Reconstruction


def view(
    result: Result,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write one offline HTML file instead of serving a page."
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve the page.")] = 8080,
    host: Annotated[
        str, typer.Option(help="The address to serve at; 0.0.0.0 lets other machines see it.")
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser on it.")
    ] = True,
    force: Force = False,
) -> None:
    """Look at a result: 2D, skeletons, body and camera, with playback.

    The page is served until Ctrl-C, by viser (extra viz). Where viser is absent, or with --html,
    one HTML file is written that plays without a network and without posenet3d.
    """
    from posenet3d.cli.writing import check_not_there
    from posenet3d.errors import MissingExtraError, StorageError
    from posenet3d.reconstruction import load_reconstruction

    if html is not None:
        if html.suffix != ".html":
            raise StorageError(html, "expected a name that ends in .html.")
        check_not_there(html, force)
    lifted = load_reconstruction(result)
    if html is None:
        try:
            serve(lifted, host, port, browser)
            return
        except MissingExtraError as error:
            html = result.with_suffix(".html")
            typer.echo(f"{error}. One HTML file instead:", err=True)
            check_not_there(html, force)
            write(lifted, html)
            if browser:
                webbrowser.open(html.resolve().as_uri())
            return
    write(lifted, html)


def serve(lifted: "Reconstruction", host: str, port: int, browser: bool) -> None:
    """Serve a result until it is interrupted.

    Args:
        lifted: what to show.
        host: the address.
        port: the port, or the next free one.
        browser: whether to open a browser.

    Raises:
        MissingExtraError: viser is not installed.
        StorageError: nothing can be served there.
    """
    from posenet3d.visualization.viewer import MotionViewer

    viewer = MotionViewer(lifted, host, port)
    typer.echo(f"{lifted!r}\n{viewer.url} (Ctrl-C ends it)")
    if browser:
        webbrowser.open(viewer.url)
    try:
        viewer.serve()
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def write(lifted: "Reconstruction", path: Path) -> None:
    """Write a result as an HTML file and tell its size.

    Args:
        lifted: what to show.
        path: the file.

    Raises:
        StorageError: the file cannot be written.
    """
    from posenet3d.errors import how_many

    lifted.save(path, format="html")
    size = f"{path.stat().st_size / 1e6:.2f} MB"
    typer.echo(f"{path}: {how_many(len(lifted), 'frame')}, {size}, plays offline")
