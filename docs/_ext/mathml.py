"""Formulas as MathML, which browsers draw themselves: no script, no network, no LaTeX."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)

REGROUPED = (
    (r"\\tilde (\w)(?=[_^])", r"{\\tilde \1 {}}"),  # else the index lands under the letter
    (r"\\\|(.*?)\\\|", r"{\\|\1\\|}"),  # else bars are as tall as the line, or of two heights
    (r"(\w)'", r"{\1'}"),  # else an index belongs to the prime alone
)
"""What docutils' converter groups otherwise than LaTeX."""


def visit_inline(self: Any, node: nodes.math) -> None:
    """A formula in a line of text."""
    self.body.append(mathml(node, block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    """A formula on lines of its own."""
    self.body.append(f'<div class="math-block">{mathml(node, block=True)}</div>')
    raise nodes.SkipNode


def mathml(node: nodes.Element, *, block: bool) -> str:
    """A formula's MathML; one that cannot be read is a warning, hence an error."""
    tex = node.astext()
    for pattern, grouped in REGROUPED:
        tex = re.sub(pattern, grouped, tex, flags=re.DOTALL)
    try:
        return str(tex2mathml(tex, as_block=block))
    except MathError as error:
        log.warning("formula %r: %s", node.astext(), error, location=node)
        return node.astext()


def setup(app: Sphinx) -> dict[str, Any]:
    """Offer the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
