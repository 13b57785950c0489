"""The page of a lifted motion that :doc:`looking` shows, made when the pages are built."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


def write_player(app: Sphinx) -> None:
    """Lift a made-up walk and write it as the page that plays offline."""
    if app.builder.format != "html":
        return
    from made_up import filmed

    from posenet3d import Estimator

    page = Path(app.srcdir) / "_static" / "walk.html"
    Estimator.from_pretrained().predict(filmed("walk", 4.0)).save(page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Write when the builder is ready."""
    app.connect("builder-inited", write_player)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
