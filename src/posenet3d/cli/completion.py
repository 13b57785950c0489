"""The values that a shell completes: closed choices, told within a moment.

Nothing here imports torch, which takes seconds: what only such modules know is written out beside
the option, and a test compares it with them.
"""

import re
from collections.abc import Callable, MutableMapping

Values = Callable[[str], list[str]]
"""From what is typed so far to the values that begin so; for typer's ``autocompletion``."""

_UNQUOTED = re.compile(r"[\w@%+,./~-]*")


def join_option_and_value(environment: MutableMapping[str, str]) -> None:
    r"""Lets ``--fusion=te`` be completed as ``--fusion te`` is.

    Bash breaks words at ``=``, and typer, which it asks, takes the sign for the option's value.

    Args:
        environment: of a process that a shell asks for completions; other ones stay as they are.

    Example:
        >>> asked = {"COMP_WORDS": "posenet3d\nlift\n--fusion\n=\nte", "COMP_CWORD": "4"}
        >>> join_option_and_value(asked)
        >>> asked["COMP_WORDS"].split(), asked["COMP_CWORD"]
        (['posenet3d', 'lift', '--fusion', 'te'], '3')
    """
    words = environment.get("COMP_WORDS", "").split("\n")
    last = environment.get("COMP_CWORD", "")
    if last.isdecimal() and len(words) > int(last) > 1:
        option, sign = words[int(last) - 2 : int(last)]
        if option.startswith("--") and sign == "=":
            del words[int(last) - 1]
            environment.update(COMP_WORDS="\n".join(words), COMP_CWORD=str(int(last) - 1))


def one_of(*values: str) -> Values:
    """Those of the values that begin as typed.

    Args:
        *values: all that may be said.

    Example:
        >>> one_of("mean", "teacher", "student")("te")
        ['teacher']
    """

    def complete(incomplete: str) -> list[str]:
        return [value for value in values if value.startswith(incomplete)]

    return complete


DEVICES = one_of("auto", "cpu", "cuda")
"""Where torch computes; ``cuda:1`` is typed."""

PRESETS = one_of(
    "best", "chen2019", "detected", "paper", "quick", "reprojection_only", "reprojection_only_sja"
)
"""What trainings are preset to."""

RIGS = one_of("cmu14", "cmu14-wild")
"""Cameras that film motion."""

SPLITS = one_of("train", "test")
"""Halves of a data set."""

STITCHES = one_of("average", "centre")
"""What becomes of overlapping windows."""

WEIGHTS = one_of("best-detected", "best-wild")
"""Weights that ship; a run's folder is completed by the shell."""


def plugin_of(group: str) -> Values:
    """The names of a group's plug-ins, a stranger's among them.

    Args:
        group: the group, as ``posenet3d plugins`` names it.

    Example:
        >>> plugin_of("keypoint_readers")("op")
        ['openpose']
    """

    def complete(incomplete: str) -> list[str]:
        from posenet3d.plugins import GROUPS

        return one_of(*GROUPS[group].names())(incomplete)

    return complete


def plugin_groups(incomplete: str) -> list[str]:
    """The kinds of plug-ins.

    Args:
        incomplete: what is typed so far.

    Example:
        >>> plugin_groups("los")
        ['losses']
    """
    from posenet3d.plugins import GROUPS

    return one_of(*sorted(GROUPS))(incomplete)


def layouts(incomplete: str) -> list[str]:
    """The joints' layouts.

    Args:
        incomplete: what is typed so far.

    Example:
        >>> layouts("coco")
        ['coco_17', 'coco_18']
    """
    from posenet3d.skeletons.layouts import LAYOUTS

    return one_of(*sorted(LAYOUTS))(incomplete)


def formats(incomplete: str) -> list[str]:
    """The formats of motion, one after a comma too.

    Args:
        incomplete: what is typed so far.

    Example:
        >>> formats("glb,bv")
        ['glb,bvh']
    """
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in plugin_of("exporters")(last)]


def motion_files(incomplete: str) -> list[str]:
    """A file's name with each suffix that tells a format, once its dot is typed.

    Until then, and where the name needs quotes, there is nothing, and the shell lists files.

    Args:
        incomplete: what is typed so far.

    Example:
        >>> motion_files("out/walk.g")
        ['out/walk.gif', 'out/walk.glb']
        >>> motion_files("../walk")
        []
    """
    stem, dot, suffix = incomplete.rpartition(".")
    if stem.endswith((".", "/")) or not stem or not _UNQUOTED.fullmatch(incomplete):
        return []
    return [stem + dot + name for name in plugin_of("exporters")(suffix)]
