"""Formulas as MathML, which browsers draw themselves: no script, no network, no LaTeX."""

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)


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
    try:
        return str(tex2mathml(node.astext(), as_block=block))
    except MathError as error:
        log.warning("formula %r: %s", node.astext(), error, location=node)
        return node.astext()


def setup(app: Sphinx) -> dict[str, Any]:
    """Offer the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
