"""The command that makes the paper's tables: its plan, its end, and what it says of wrong input."""

from pathlib import Path

import numpy as np
import pytest

import posenet3d.reproduction
from posenet3d.cli import main
from posenet3d.cli.several_values import repeated
from posenet3d.data.synthetic import synthetic_motion

TOY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "batch_size=4",
    "validation.picture=false",
    "posenet3d:stages.distillation.batch_size=4",
    "posenet3d:stages.sja.batch_size=4",
]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's motion."""
    clips = synthetic_motion(clips=2, seconds=0.6)
    joints = {f"S{number}/walk": clip.joints for number, clip in enumerate(clips, 1)}
    path = tmp_path_factory.mktemp("data") / "motion.npz"
    np.savez(path, fps=clips[0].fps, layout=clips[0].layout, **joints)
    return path


def command(motion: Path, out: Path, *more: object) -> list[object]:
    changes = [word for change in TOY for word in ("--set", change)]
    told = ["reproduce", "table2", "--data", motion, "--hold-out", "S2", "--out", out]
    return [*told, "--budget", 0.001, "--device", "cpu", *changes, *more]


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tables"
    assert run(*command(motion, out, "--seeds", 0, 1, 2, "--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "Left: 3 of 3 runs" in shown
    assert "Not the paper's data" in shown
    assert "teacher 4 × 4" in shown
    assert not out.exists()


def test_a_table_is_made_shown_and_not_made_again(
    motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command(motion, tmp_path, "--seeds", 0)) == 0
    shown = capsys.readouterr()
    assert "[1/1] posenet3d, seed 0" in shown.err
    assert "| PoseNet3D-Student-FT | 60.5 |" in shown.out
    assert f"Table: {tmp_path / 'table2'}.md" in shown.out
    weights = tmp_path / "runs" / "posenet3d-0" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    assert run(*command(motion, tmp_path, "--seeds", 0)) == 0
    assert "Left: 0 of 1 runs" in capsys.readouterr().out
    assert weights.stat().st_mtime_ns == before


def test_ctrl_c_leaves_with_130_and_says_how_to_go_on(
    motion: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(posenet3d.reproduction, "reproduce", interrupted)
    assert run(*command(motion, tmp_path)) == 130
    assert "The same command goes on from there." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--preset", "quik"], "did you mean 'quick'?"),
        (["--preset", "chen2019"], "four stages"),
        (["--protocol", "cmu15"], "did you mean 'cmu14'?"),
        (["--rig", "h36m"], "h36m"),
        (["--noise", "loud"], "loud"),
        (["--budget", "0"], "positive factor"),
        (["--seeds", "1", "1"], "each once"),
        (["--set", "batch_size"], "expected [RUN:]KEY=VALUE"),
        (["--set", "nobody:batch_size=3"], "no run 'nobody'"),
        (["--set", "bath_size=3"], "bath_size"),
        (["--hold-out", "S9"], "Unknown subject 'S9'"),
        (["--data", "no_such_file.npz"], "no_such_file.npz"),
        (["--test-data", "no_such_file.npz"], "got both"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    motion: Path,
    tmp_path: Path,
    options: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*command(motion, tmp_path, *options)) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


def test_an_unknown_table_is_told(capsys: pytest.CaptureFixture[str], motion: Path) -> None:
    assert run("reproduce", "table5", "--data", motion) == 2
    assert "Known: 'table1', 'table2', 'table3', 'table4'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--seeds 0 1 --out a", "--seeds 0 --seeds 1 --out a"),
        ("--seeds 0 --seeds 1", "--seeds 0 --seeds 1"),
        ("--out a b --seeds -1", "--out a b --seeds -1"),
        ("--seeds=0 --out a", "--seeds=0 --out a"),
        ("--seeds", "--seeds"),
    ],
)
def test_an_option_may_have_several_values(given: str, expected: str) -> None:
    assert repeated(given.split(), ["--seeds"]) == expected.split()
