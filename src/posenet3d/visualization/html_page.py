"""A motion as one HTML file that plays from the disk: no network, nothing to install."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.files import atomic_write
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction
from posenet3d.reconstruction.world import RootMotion
from posenet3d.visualization.page_data import PageData, page_data

_PROGRAM = ("motion.js", "scene.js", "flat.js", "player.js")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


class HtmlConfig(BaseModel):
    """Options of the exporter ``html``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mesh: bool | None = None
    """Whether the body's mesh is in the file; by default where its licence lets anyone share it."""

    most_frames: int = Field(default=20_000, ge=2)
    """Longer motions keep every second, third ... frame only, and the page says so."""

    root: RootMotion = "grounded"
    """``track`` moves the root as the assumed camera says, ``still`` holds it over the origin."""


@configured_by(HtmlConfig)
def write_html(
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    mesh: bool | None = None,
    most_frames: int = 20_000,
    root: RootMotion = "grounded",
) -> None:
    """A motion as one HTML file that plays from the disk: the exporter ``html``.

    The page shows the 2D keypoints beside upright skeletons and the body's mesh, with a bar for
    playback, buttons, keys, and labels for screen readers. It asks nothing of a network, and any
    browser since 2023 opens it. A second of 60 frames takes some 20 KB with the body, which itself
    takes 0.4 MB once.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: what to show.
        mesh: see :class:`HtmlConfig`.
        most_frames: see there.
        root: see there.

    Raises:
        PoseNet3DError: a mesh is asked for, and there is none that a page can pose.
        StorageError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> path = Path(tempfile.mkdtemp(), "still.html")
        >>> write_html(path, Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen))
        >>> path.read_text(encoding="utf-8")[:15]
        '<!doctype html>'
    """
    page = html_page(reconstruction, mesh=mesh, most_frames=most_frames, root=root)
    with atomic_write(path) as file:
        file.write(page.encode("utf-8"))


def html_page(
    reconstruction: Reconstruction,
    *,
    mesh: bool | None = None,
    most_frames: int = 20_000,
    root: RootMotion = "grounded",
) -> str:
    """The page of :func:`write_html` as text; the same motion gives the same text.

    Args:
        reconstruction: what to show.
        mesh: see :class:`HtmlConfig`.
        most_frames: see there.
        root: see there.

    Raises:
        PoseNet3DError: a mesh is asked for, and there is none that a page can pose.

    Example:
        >>> import numpy as np
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0, source="<b>")
        >>> page = html_page(Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen))
        >>> "<title>&lt;b&gt;</title>" in page
        True
    """
    data = page_data(reconstruction, mesh=mesh, most_frames=most_frames, root=root)
    style = _asset("page.css")
    program = "".join(_asset(name) for name in _PROGRAM)
    program = f'"use strict";\n{program}'
    return _filled(
        _asset("page.html"),
        {
            "policy": escape(_policy(style, program)),
            "style": style,
            "program": program,
            "data": _inert_json(data.facts),
            "arrays": data.arrays,
            "labels": "".join(_label(name) for name in data.skeletons),
            "toggles": "\n".join(_toggles(data)),
            "facts": "\n".join(
                f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
                for name, value in data.about.items()
            ),
            **{name: escape(text) for name, text in data.texts.items()},
        },
    )


def _asset(name: str) -> str:
    return (files("posenet3d.visualization") / "page" / name).read_text(encoding="utf-8")


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """Each place filled in once: what is filled in is not looked at for further places."""
    return _PLACE.sub(lambda place: texts[place.group(1)], template)


def _policy(style: str, program: str) -> str:
    """Nothing is loaded, and no script runs but this program, whatever the data hold."""
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(program)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _inert_json(facts: Mapping[str, object]) -> str:
    """JSON in which no text can end the script element that holds it."""
    text = json.dumps(facts, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _label(name: str) -> str:
    return f'<span data-name="{escape(name)}" hidden>{escape(name)}</span>'


def _toggles(data: PageData) -> list[str]:
    shown = [_toggle(name, f"{name} skeleton", colours) for name, colours in data.skeletons.items()]
    if data.has_mesh:
        shown.append(_toggle("mesh", "body"))
    if len(data.skeletons) > 1:
        shown.append(_toggle("apart", "side by side"))
    if data.has_reprojection:
        shown.append(_toggle("again", "3D seen again in 2D"))
    return [*shown, _toggle("follow", "follow")]


def _toggle(name: str, text: str, colours: str = "") -> str:
    key = f'<span class="key"><i class="{colours}-left"></i><i class="{colours}-right"></i></span>'
    return (
        f'<label><input type="checkbox" data-toggle="{escape(name)}">'
        f"{key if colours else ''}{escape(text)}</label>"
    )
