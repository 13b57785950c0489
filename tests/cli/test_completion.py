"""What the Tab key offers: the library's own names, from a real bash, without torch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import pytest
import typer
from typer.core import TyperGroup
from typer.models import OptionInfo

from posenet3d.cli.app import app
from posenet3d.data import RIGS
from posenet3d.data.detector_noise import NOISE
from posenet3d.evaluation import PROTOCOLS
from posenet3d.inference.resampling import RESAMPLINGS
from posenet3d.inference.stitching import STITCHES
from posenet3d.inference.wanted import FUSIONS
from posenet3d.keypoints.repair.repairing import SMOOTHERS
from posenet3d.networks import NetworkConfig
from posenet3d.networks.pretrained import pretrained_names
from posenet3d.plugins import GROUPS
from posenet3d.reproduction import TABLES
from posenet3d.skeletons import LAYOUTS
from posenet3d.training.engine import EngineConfig
from posenet3d.training.preflight import Resume
from posenet3d.training.presets import PRESETS

ENGINE = get_type_hints(EngineConfig)
PAPER_PROTOCOLS = {name for name in PROTOCOLS if name not in ("h36m-hmr", "3dpw", "aist")}
OFFERED = {
    "lift --format": GROUPS["keypoint_readers"].names(),
    "lift --layout": LAYOUTS,
    "lift --smooth": SMOOTHERS,
    "lift --fusion": FUSIONS,
    "lift --stitch": STITCHES,
    "lift --resample": RESAMPLINGS,
    "lift --weights": pretrained_names(),
    "lift --to": GROUPS["exporters"].names(),
    "export --format": GROUPS["exporters"].names(),
    "train --dataset": GROUPS["datasets"].names(),
    "train --preset": PRESETS,
    "train --protocol": RIGS,
    "train --start-from": pretrained_names(),
    "train --resume": get_args(Resume),
    "train --accelerator": get_args(ENGINE["accelerator"]),
    "train --strategy": get_args(ENGINE["strategy"]),
    "train --precision": get_args(ENGINE["precision"]),
    "train --step": get_args(ENGINE["step"]),
    "train --placement": get_args(ENGINE["data"]),
    "evaluate": pretrained_names(),
    "evaluate --protocol": PROTOCOLS,
    "evaluate --stitch": STITCHES,
    "reproduce": TABLES,
    "reproduce --noise": NOISE,
    "reproduce --protocol": PAPER_PROTOCOLS,
    "reproduce --rig": RIGS,
    "data convert": GROUPS["datasets"].names(),
    "data fetch": GROUPS["datasets"].names(),
    "data shard --normalization": get_args(get_type_hints(NetworkConfig)["normalization"]),
    "plugins": GROUPS,
}
"""The closed choices, as the library itself has them."""


def offered(words: str, incomplete: str = "") -> list[str]:
    """What is offered for a command's argument, or for its option."""
    command: Any = typer.main.get_command(app)
    *path, last = words.split()
    for word in path if last.startswith("-") else [*path, last]:
        assert isinstance(command, TyperGroup)
        command = command.commands[word]
    (parameter,) = (
        each
        for each in command.params
        if (last in each.opts if last.startswith("-") else each.param_type_name == "argument")
    )
    context = typer.Context(command)
    return [item.value for item in parameter.shell_complete(context, incomplete)]


@pytest.mark.parametrize("words", OFFERED)
def test_the_values_offered_are_the_ones_there_are(words: str) -> None:
    known: Iterable[str] = OFFERED[words]
    assert sorted(offered(words)) == sorted(known)


def words_told(typed: typer.Typer) -> Iterator[tuple[str, OptionInfo]]:
    """Each option whose value is a word of no special form, of all commands."""
    for group in typed.registered_groups:
        assert group.typer_instance is not None
        yield from words_told(group.typer_instance)
    for command in typed.registered_commands:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            kind, *told = get_args(hint) or (hint,)
            options = [each for each in told if isinstance(each, OptionInfo) and not each.metavar]
            if kind in (str, str | None) and options:
                yield f"{command.callback.__name__} {name}", options[0]


def test_every_option_of_a_word_offers_its_values() -> None:
    silent = {name for name, option in words_told(app) if option.autocompletion is None}
    assert silent == {"view host", "train devices", "convert family"}


@pytest.mark.parametrize("words", ["lift --out", "export --out"])
def test_the_suffix_of_a_file_to_write_is_offered_once_its_dot_is_there(words: str) -> None:
    every = [f"out/walk.{name}" for name in GROUPS["exporters"].names()]
    assert sorted(offered(words, "out/walk.")) == sorted(every)
    assert offered(words, "out/walk.g") == ["out/walk.gif", "out/walk.glb"]
    for other in ("", "walk", "../walk", "out.d/walk", "..", ".", "my walk.g", "walk.xyz"):
        assert offered(words, other) == [], other


def test_formats_are_offered_after_a_comma() -> None:
    assert offered("lift --to", "glb,b") == ["glb,bvh"]


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Has a real bash complete the words of a command line, with what typer installs for it."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("no bash on this machine")
    command = tmp_path_factory.mktemp("bin") / "posenet3d"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -X importtime -m posenet3d "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    script = subprocess.run(
        [command],
        env={**environment, "_POSENET3D_COMPLETE": "source_bash"},
        capture_output=True,
        text=True,
    ).stdout

    def complete(*words: str) -> tuple[list[str], str]:
        program = (
            f'{script}\nCOMP_WORDS=("$@"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n'
            '_posenet3d_completion posenet3d\nprintf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            [shell, "--norc", "-c", program, "bash", "posenet3d", *words],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.split(), done.stderr

    return complete


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("lift", "walk.json", "--fusion", "t"), ["teacher"]),
        (("lift", "walk.json", "--layout", "body_25"), ["body_25", "body_25b"]),
        (("lift", "walk.json", "--out", "walk.tr"), ["walk.trc"]),
        (("lift", "walk.json", "--fusion", "=", "te"), ["teacher"]),
        (("lift", "walk.json", "--fusion", "="), ["mean", "teacher", "student"]),
        (("lift", "walk.json", "--out", "=", "walk.tr"), ["walk.trc"]),
        (("lift", "--layout", "=", "coco_17", "walk.json", "--fusion", "=", "te"), ["teacher"]),
        (("lift", "wa"), []),
    ],
)
def test_a_real_bash_completes_values_without_importing_torch(
    bash: Any, words: tuple[str, ...], expected: list[str]
) -> None:
    completed, imported = bash(*words)
    assert completed == expected
    assert "posenet3d.cli.completion" in imported
    assert not [line for line in imported.splitlines() if line.split("|")[-1].strip() == "torch"]
