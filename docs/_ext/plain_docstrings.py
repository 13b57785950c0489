"""How docstrings are read, where Sphinx's own reading does not suit them.

* An attribute's docstring and a Returns section are sentences. Napoleon takes what stands before a
  colon for a type; here types come from the annotations, so the whole is text.
* A constant that a package re-exports is listed, with the docstring below its definition.
"""

import sys
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer


def whole_attribute(self: GoogleDocstring) -> tuple[str, list[str]]:
    """No type, and the docstring as it is."""
    return "", list(self._consume_to_end())


def whole_returns(
    self: GoogleDocstring, preprocess_types: bool = False
) -> list[tuple[str, str, list[str]]]:
    """No name, no type, and the section as it is."""
    lines = self._dedent(self._consume_to_next_section())
    return [("", "", lines)] if lines else []


def add_constants(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Let a package's page name the constants that it re-exports."""
    if what != "module":
        return
    own = ModuleAnalyzer.for_module(name)
    own.analyze()
    for constant in getattr(obj, "__all__", ()):
        if constant.isupper() and ("", constant) not in own.attr_docs:
            lines += ["", f".. autodata:: {name}.{constant}"]
            lines += [] if tells_itself(getattr(obj, constant)) else ["   :no-value:"]


def tells_itself(value: Any) -> bool:
    """Whether a value is short and plain enough to stand beside its name."""
    plain = isinstance(value, str | int | float) or (
        isinstance(value, tuple) and all(isinstance(each, str | int | float) for each in value)
    )
    return plain and len(repr(value)) <= 80


def skip_aliases(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out a named tuple's fields: its docstring tells them, theirs only their numbers."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field") else None


def find_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Give a re-exported constant the docstring of its definition."""
    if what != "data":
        return
    package, _, constant = name.rpartition(".")
    for module in sorted(each for each in sys.modules if each.startswith(f"{package}.")):
        try:
            analyzer = ModuleAnalyzer.for_module(module)
            analyzer.analyze()
        except PycodeError:
            continue
        if ("", constant) in analyzer.attr_docs:
            lines[:] = analyzer.attr_docs["", constant]
            return


def setup(app: Sphinx) -> dict[str, Any]:
    """Change napoleon's reading and add the handlers."""
    app.setup_extension("sphinx.ext.autodoc")
    GoogleDocstring._consume_inline_attribute = whole_attribute
    GoogleDocstring._consume_returns_section = whole_returns
    app.connect("autodoc-process-docstring", add_constants, priority=900)
    app.connect("autodoc-skip-member", skip_aliases, priority=100)
    app.connect("autodoc-process-docstring", find_docstring, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
