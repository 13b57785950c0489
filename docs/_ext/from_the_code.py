"""Directives that take tables, sources and commands from the code, so that no page goes stale.

``.. source:: posenet3d.losses.temporal_consistency``  a function without its docstring
``.. stages:: paper``                                  the stages of a preset
``.. presets:: paper quick``                           where two presets differ
``.. plugins::``                                       the built-in plug-ins by group
``.. datasets::``                                      the built-in datasets, with their pages
``.. layouts::``                                       the skeleton layouts
``.. joints::``                                        the canonical 14 joints
``.. root-names::``                                    the names of the root package
``.. command:: train``                                 a command's options
``.. fields:: health posenet3d.training.health.HealthConfig``  the fields of a configuration
``.. model-cards::``                                   the cards of the weights that ship

Beside them a check: each ``posenet3d`` or ``make`` command in a shell block of a page, and of
``README.md``, is parsed by the real command line, what torchrun and srun start too, and the changes
that ``train --set`` makes are tried on the preset. A page with a command that does not exist is a
warning, hence an error. Changes that need a package of somebody else are not tried in blocks of the
class ``own-plugins``.
"""

import ast
import importlib
import inspect
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]


class Source(SphinxDirective):
    """The source of a function, method or property without its docstring, and where it stands."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        target = find(self.arguments[0])
        target = getattr(target, "func", target)  # a cached_property's function
        target = inspect.unwrap(getattr(target, "fget", target))
        path = Path(inspect.getsourcefile(target))
        self.env.note_dependency(str(path))
        code = nodes.literal_block("", without_docstring(inspect.getsource(target)))
        code["language"] = "python"
        line = inspect.getsourcelines(target)[1]
        place = f"{path.relative_to(ROOT / 'src')}, line {line}"
        caption = nodes.caption("", "", nodes.literal("", place))
        return [nodes.container("", caption, code, literal_block=True, classes=CAPTIONED)]


CAPTIONED = ["literal-block-wrapper"]


def find(path: str) -> Any:
    """The object at a dotted path."""
    parts = path.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for name in parts[split:]:
            found = inspect.getattr_static(found, name, None) or getattr(found, name)
        return found
    raise ImportError(path)


def without_docstring(source: str) -> str:
    """The source with the docstring's lines taken out."""
    source = textwrap.dedent(source)
    lines = source.splitlines()
    node = ast.parse(source).body[0]
    first = node.body[0]
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        del lines[first.lineno - 1 : first.end_lineno]
    return "\n".join(lines).rstrip()


class Generated(SphinxDirective):
    """A directive whose content is reStructuredText that :meth:`text` makes."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(self.lines()))

    def lines(self) -> Iterator[str]:
        raise NotImplementedError


def table(head: list[str], rows: list[list[str]], widths: str = "auto") -> Iterator[str]:
    """A list-table in reStructuredText."""
    yield from (".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", "")
    for row in [head, *rows]:
        for number, cell in enumerate(row):
            yield f"   {'*' if number == 0 else ' '} - {cell}"
    yield ""


class Stages(Generated):
    """What each stage of a preset trains, by which losses, for how long."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        from posenet3d.training import TrainerConfig

        rows = []
        for stage in TrainerConfig.preset(self.arguments[0]).stages:
            length = f"{stage.epochs} epochs" if stage.epochs else f"{stage.steps} steps"
            losses = ", ".join(f"{number(w)} × ``{name}``" for name, w in stage.losses.items())
            game = [f"``{b}``" for branches in stage.discriminators.values() for b in branches]
            train = ", ".join(f"``{part}``" for part in stage.train)
            rows.append([f"``{stage.name}``", length, train, losses, ", ".join(game) or "none"])
        head = ["stage", "length", "what learns", "losses", "fakes for the discriminator"]
        yield from table(head, rows, "12 12 20 40 16")


class Presets(Generated):
    """The fields in which two presets differ, side by side."""

    required_arguments = 2

    def lines(self) -> Iterator[str]:
        from posenet3d.training import TrainerConfig

        one, other = (
            dict(flat(with_defaults(TrainerConfig.preset(name)))) for name in self.arguments
        )
        rows = [
            [f"``{path}``", shown(one.get(path)), shown(other.get(path))]
            for path in dict.fromkeys([*one, *other])
            if one.get(path) != other.get(path) and path != "name"
        ]
        yield from table(["field", *(f"``{name}``" for name in self.arguments)], rows, "50 25 25")


def with_defaults(config: Any) -> dict[str, Any]:
    """A configuration as plain values, its plug-ins' options filled in with their defaults."""
    from posenet3d.plugins import GROUPS

    values = config.model_dump(mode="json")
    groups = {
        "backbone": "backbones",
        "teacher": "lifters",
        "student": "students",
        "discriminator": "discriminators",
        "views": "view_samplers",
    }
    for part, group in groups.items():
        spec = values["network"][part]
        component = GROUPS[group].load(spec["name"])
        spec["options"] = component.Config(**spec["options"]).model_dump(mode="json")
    return values


def flat(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted path and value of every leaf; elements of a list go by their name."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from flat(value, f"{path}.{key}" if path else key)
    elif isinstance(values, list) and values and isinstance(values[0], dict):
        for value in values:
            yield from flat(value, f"{path}.{value['name']}")
    elif values is not None:
        yield path, values


def shown(value: Any) -> str:
    if value is None:
        return "—"
    return f"``{number(value) if isinstance(value, float) else value}``"


def number(value: float) -> str:
    return f"{value:g}"


class Plugins(Generated):
    """The library's own plug-ins by group."""

    def lines(self) -> Iterator[str]:
        from posenet3d.plugins import GROUPS

        rows = []
        for group in GROUPS.values():
            own = [p for p in group.advertised() if p.distribution == "posenet3d"]
            names = ", ".join(f"``{plugin.name}``" for plugin in own) or "none yet"
            rows.append([f"``{group.group}``", group.kind, names])
        yield from table(["entry-point group", "one member is a", "built in"], rows, "34 20 46")


class Datasets(Generated):
    """The library's own datasets, each with its page if it has one."""

    def lines(self) -> Iterator[str]:
        from posenet3d.plugins import GROUPS

        pages = {path.stem for path in (ROOT / "docs" / "datasets").glob("*.rst")}
        rows = []
        for plugin in GROUPS["datasets"].advertised():
            if plugin.distribution == "posenet3d":
                card, name = plugin.load().about, plugin.name
                named = f":doc:`{card.title} <{name}>`" if name in pages else card.title
                register = "yes" if card.registration else "no"
                rows.append([f"``{name}``", named, ", ".join(card.splits), register, card.licence])
        yield from table(["name", "dataset", "gives", "register", "licence"], rows, "18 26 12 9 35")


class Layouts(Generated):
    """The layouts of keypoints that the library knows."""

    def lines(self) -> Iterator[str]:
        from posenet3d.skeletons import LAYOUTS, layout

        rows = [
            [f"``{name}``", str(len(layout(name))), ", ".join(layout(name).joint_names)]
            for name in sorted(LAYOUTS)
        ]
        yield from table(["layout", "joints", "in this order"], rows, "15 8 77")


WRITTEN_BY = {
    "lsp_14": "what the networks see; Leeds Sports Poses",
    "h36m_17": "Human3.6M, right leg first: VideoPose3D, MotionBERT, MMPose",
    "h36m_17_left_first": "Human3.6M, left leg first: SPIN's regressor",
    "coco_17": "COCO: YOLO, MMPose, AlphaPose, Detectron2; the first 17 of COCO-WholeBody's 133",
    "body_25": "OpenPose's default",
    "body_25b": "OpenPose's BODY_25B",
    "coco_18": "OpenPose's COCO model",
    "mpi_15": "OpenPose's MPI model",
    "halpe_26": "AlphaPose, Pose2Sim and RTMPose with feet; the first 26 of Halpe's 136",
    "mpii_16": "MPII",
    "mediapipe_33": "MediaPipe, BlazePose",
    "smpl_24": "a body model's joints",
    "mpi_inf_3dhp_28": "MPI-INF-3DHP's training set",
    "mpi_inf_3dhp_17": "MPI-INF-3DHP's test set",
}
"""Who writes a layout; a layout that is not here fails the build."""


class LayoutFacts(Generated):
    """What each layout is written by, and where its neck and head top come from."""

    def lines(self) -> Iterator[str]:
        from posenet3d.skeletons import LAYOUTS

        rows = [
            [f"``{name}``", str(len(each)), WRITTEN_BY[name], neck_of(each), head_top_of(each)]
            for name, each in LAYOUTS.items()
        ]
        head = ["layout", "joints", "who writes it", "its neck", "its head top"]
        yield from table(head, rows, "20 8 40 16 16")


def neck_of(skeleton: Any) -> str:
    """The joint that is taken for the neck."""
    if is_made(skeleton, "neck"):
        return "made"
    names = [name for name in ("neck", "upper_neck", "thorax") if name in skeleton.joint_names]
    return f"``{names[0]}``"


def head_top_of(skeleton: Any) -> str:
    """Where the head top comes from."""
    if not is_made(skeleton, "head_top"):
        return "read"
    return "``head``, lower" if "head" in skeleton.joint_names else "made from the face"


def is_made(skeleton: Any, joint: str) -> bool:
    """Whether a canonical joint is made from others of a layout."""
    import numpy as np

    from posenet3d.skeletons import LSP_14, convert

    made = convert(np.ones((1, len(skeleton), 2)), skeleton, LSP_14)
    return bool(made.synthesized[LSP_14.index(joint)])


class PartNames(Generated):
    """The names of parts that are taken for a canonical joint."""

    def lines(self) -> Iterator[str]:
        from posenet3d.keypoints.named_parts import SYNONYMS, joint_named
        from posenet3d.skeletons import LSP_14

        rows = []
        for name in LSP_14.joint_names:
            side, _, part = name.partition("_")
            if side == "left":
                continue
            words = [part, *SYNONYMS.get(part, ())] if side == "right" else SYNONYMS.get(name, ())
            spellings = [f"R{word.title()}" for word in words] if side == "right" else list(words)
            wrong = [each for each in spellings if joint_named(each) != name]
            if wrong:
                raise ValueError(f"{wrong} are no longer {name}")
            others = ", ".join(f"``{each}``" for each in spellings)
            rows.append([f"``{name}``", others or "that alone"])
        yield from table(["joint", "also as"], rows, "30 70")


class ExporterOptions(Generated):
    """The options of every exporter of the library's own, with defaults and docstrings."""

    def lines(self) -> Iterator[str]:
        from posenet3d.plugins import CONFIG, GROUPS

        rows = []
        for plugin in GROUPS["exporters"].advertised():
            if plugin.distribution != "posenet3d":
                continue
            config = getattr(GROUPS["exporters"].load(plugin.name), CONFIG)
            for name, field in config.model_fields.items():
                default = json.dumps(field.get_default(), default=str)
                text = " ".join(option_text(config, name).split())
                rows.append([f"``{plugin.name}.{name}``", f"``{default}``", text])
        yield from table(["option", "default", "what it is"], rows, "20 16 64")


def option_text(config: Any, name: str) -> str:
    """The docstring of a configuration's field, or that of the class it has it from."""
    for each in config.__mro__:
        texts = ModuleAnalyzer.for_module(each.__module__).find_attr_docs()
        if (each.__name__, name) in texts:
            return " ".join(texts[each.__name__, name])
    raise KeyError(name)


class ResultRows(Generated):
    """Rows of a table of measured results, by how they begin: ``beginning => words for it``.

    The first argument is the file; the heading is the content's first line. Shown are as many of a
    row's last cells as the heading has columns beside its first.
    """

    required_arguments = 1
    has_content = True

    def lines(self) -> Iterator[str]:
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        written = [cells(line.strip("|")) for line in path.read_text().splitlines()]
        head, rows = cells(self.content[0]), []
        shown = len(head) - 1
        for line in self.content[1:]:
            beginning, _, words = line.partition("=>")
            wanted = cells(beginning)
            found = [row for row in written if row[: len(wanted)] == wanted]
            if len(found) != 1:
                raise self.error(f"{len(found)} rows of {path.name} begin with {beginning!r}")
            rows.append([words.strip(), *found[0][-shown:]])
        yield from table(head, rows, " ".join(["40", *[f"{60 // shown}"] * shown]))


def cells(line: str) -> list[str]:
    """The cells of a table's row."""
    return [cell.strip() for cell in line.split("|")]


class Joints(Generated):
    """The canonical joints, their parents and the joints of the body they are compared with."""

    def lines(self) -> Iterator[str]:
        from posenet3d.body import LSP_14_TO_BODY
        from posenet3d.skeletons import LSP_14

        names = LSP_14.joint_names
        rows = [
            [str(place), f"``{name}``", f"``{LSP_14_TO_BODY[name]}``"]
            for place, name in enumerate(names)
        ]
        yield from table(["index", "joint", "joint of the body it is compared with"], rows)


class RootNames(Generated):
    """The names of the root package, each with its docstring's first line."""

    def lines(self) -> Iterator[str]:
        import posenet3d

        rows = []
        for name in sorted(posenet3d._HOMES):
            home = f"posenet3d.{posenet3d._HOMES[name]}"
            summary = inspect.getdoc(getattr(posenet3d, name)).partition("\n")[0]
            rows.append([f":obj:`{name} <{home}.{name}>`", summary])
        yield from table(["name", "what it is"], rows, "32 68")


class Command(Generated):
    """Arguments and options of a sub-command of ``posenet3d``."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        command = command_line().commands[self.arguments[0]]
        yield from (command.help or "").splitlines()
        yield ""
        rows = []
        for each in command.params:
            name = " ".join(f"``{option}``" for option in each.opts)
            if each.param_type_name == "argument":
                name = f"``{each.name.upper()}``"
            default = each.default
            plain = isinstance(default, str | int | float | Path) and not isinstance(default, bool)
            need = "required" if each.required else f"``{default}``" if plain else ""
            rows.append([name, need, re.sub(r"\s+", " ", getattr(each, "help", "") or "")])
        yield from table(["option", "default", "what it does"], rows, "25 20 55")


class Fields(Generated):
    """The fields of a configuration: what they may be, their defaults, their docstrings."""

    required_arguments = 2

    def lines(self) -> Iterator[str]:
        from pydantic_core import PydanticUndefined

        prefix, config = self.arguments[0], find(self.arguments[1])
        texts = ModuleAnalyzer.for_module(config.__module__).find_attr_docs()
        rows = []
        for name, field in config.model_fields.items():
            default = field.get_default(call_default_factory=True)
            text = " ".join(" ".join(texts[config.__name__, name]).split())
            said = "required" if default is PydanticUndefined else f"``{json.dumps(default)}``"
            rows.append([f"``{prefix}.{name}``", said, choices_of(field.annotation) + text])
        yield from table(["field", "default", "what it is"], rows, "26 12 62")


def choices_of(annotation: Any) -> str:
    """What a field may be, where it is a choice among some texts and nothing else."""
    if get_origin(annotation) is not Literal:
        return ""
    *most, last = (f"``{choice}``" for choice in get_args(annotation))
    return f"{', '.join(most)} or {last}. "


class ModelCards(Generated):
    """The card of each of the weights that ship."""

    def lines(self) -> Iterator[str]:
        from posenet3d.networks import DEFAULT_WEIGHTS, model_card, pretrained, pretrained_names

        for name in pretrained_names() or (DEFAULT_WEIGHTS,):
            self.env.note_dependency(str(pretrained.SHIPPED / name / pretrained.CARD_FILE))
        if not pretrained_names():
            yield "No weights ship with this version."
        for name in pretrained_names():
            yield from (f"**The card of** ``{name}``", "")
            for section in model_card(name).sections():
                if section.title:
                    yield from (f".. rubric:: {section.title}", "")
                yield from section_lines(section)


def section_lines(section: Any) -> Iterator[str]:
    """A section of a card in reStructuredText."""
    for paragraph in section.text:
        yield from (in_rst(paragraph), "")
    if section.items:
        yield from (*(f"* {in_rst(item)}" for item in section.items), "")
    if section.rows:
        head, *rows = ([in_rst(cell) for cell in row] for row in section.rows)
        yield from table(head, rows)
    if section.code:
        indented = (f"   {line}" for line in section.code)
        yield from (".. code-block:: text", "", *indented, "")


def in_rst(text: str) -> str:
    """A card's text, whose code is in single backticks."""
    return text.replace("`", "``")


def command_line() -> Any:
    """The real command line, as click sees it."""
    import typer

    from posenet3d.cli.app import app

    return typer.main.get_command(app)


def check_commands(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of shell commands on a page that the project does not have."""
    for block in doctree.findall(nodes.literal_block):
        if block.get("language") in {"sh", "console", "bash"}:
            own = "own-plugins" in block["classes"]
            for line, fault in faults_of(block.astext(), try_changes=not own):
                log.warning("%s: %s", line, fault, location=block)


def check_readme(app: Sphinx) -> None:
    """Warn of shell commands in ``README.md`` that the project does not have."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line, fault in faults_of(block):
            log.warning("README.md: %s: %s", line, fault)


def faults_of(block: str, try_changes: bool = True) -> Iterator[tuple[str, str]]:
    """The lines of a shell block that name what the project does not have, and what is wrong."""
    for written in block.replace("\\\n", " ").splitlines():
        line = written.strip().removeprefix("$ ")
        if "$" in line:  # a script; what a variable holds is known when it runs
            continue
        fault = fault_of(started_by(shlex.split(line, comments=True)), try_changes)
        if fault:
            yield line, fault


def started_by(words: list[str]) -> list[str]:
    """The command without environment variables and without what starts its processes."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    launched = words and Path(words[0]).name in {"torchrun", "srun"} and "posenet3d" in words
    return words[words.index("posenet3d") :] if launched else words


def fault_of(words: list[str], try_changes: bool = True) -> str | None:
    """What is wrong with a shell command, if it is one of this project's."""
    if not words or Path(words[0]).name not in {"posenet3d", "make"}:
        return None
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        targets = [word for word in words[1:] if "=" not in word]
        missing = [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)]
        return f"the Makefile has no target {missing}" if missing else None
    import click

    name, command, rest = words[0], command_line(), words[1:]
    try:
        while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            name, command, rest = command.resolve_command(click.Context(command), rest)
        if not hasattr(command, "commands"):
            given = command.make_context(name, [word for word in rest if word != "--help"]).params
            if name == "train" and try_changes:
                configuration(given)
    except Exception as error:
        worded = getattr(error, "format_message", None)  # a usage error's str may be empty
        return worded() if worded else str(error)
    return None


def configuration(given: dict[str, Any]) -> Any:
    """The configuration that the options of ``posenet3d train`` ask for."""
    from posenet3d.cli.train import parse_changes
    from posenet3d.training import TrainerConfig

    engine = ("accelerator", "devices", "nodes", "strategy", "precision", "step")
    asked = {f"engine.{name}": given[name] for name in engine if given[name] is not None}
    changes = parse_changes(given["changes"] or ())
    return TrainerConfig.preset(given["preset"]).override({**asked, **changes})


def find_root_name(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """Where a name of the root package, ``posenet3d.Trainer.fit`` or ``Trainer``, is documented."""
    import posenet3d

    found = re.fullmatch(r"(?:posenet3d\.|(?=[A-Z]))(\w+)(\..*)?", node.get("reftarget", ""))
    if found is None or found[1] not in posenet3d._HOMES:
        return None
    target = f"posenet3d.{posenet3d._HOMES[found[1]]}.{found[1]}{found[2] or ''}"
    python, page = env.get_domain("py"), node["refdoc"]
    return python.resolve_xref(env, page, app.builder, node["reftype"], target, node, content)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives and the check."""
    directives = {
        "source": Source,
        "stages": Stages,
        "presets": Presets,
        "plugins": Plugins,
        "datasets": Datasets,
        "layouts": Layouts,
        "layout-facts": LayoutFacts,
        "part-names": PartNames,
        "result-rows": ResultRows,
        "exporter-options": ExporterOptions,
        "joints": Joints,
        "root-names": RootNames,
        "command": Command,
        "fields": Fields,
        "model-cards": ModelCards,
    }
    for name, directive in directives.items():
        app.add_directive(name, directive)
    app.connect("builder-inited", check_readme)
    app.connect("doctree-read", check_commands)
    app.connect("missing-reference", find_root_name)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
