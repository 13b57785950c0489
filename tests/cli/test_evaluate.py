import json
from pathlib import Path

import numpy as np
import pytest
import torch

from posenet3d.cli import main
from posenet3d.networks import NetworkConfig, PoseNet3D, load_model, pretrained, save_model


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights of a tiny network that has learnt nothing."""
    torch.manual_seed(0)
    small = {"name": "temporal", "options": {"channels": 8}}
    config = NetworkConfig(
        backbone=small, discriminator=small, student={"name": "student", "options": {"blocks": 0}}
    )
    model = PoseNet3D(config)
    model.metres_per_unit.fill_(0.8)
    return save_model(model, tmp_path_factory.mktemp("run"))


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    """An npz file with one clip of 20 frames: a stiff figure that walks and bows a little."""
    upright = np.linspace(0, 1.7, 14)[:, None] * [0.05, 0.02, 1.0] + np.array([[0.1, 0.0, 0.0]])
    steps = np.linspace(0, 1, 20)[:, None, None] * [0.5, 0.2, 0.0]
    bow = np.sin(np.linspace(0, 3, 20))[:, None, None] * np.linspace(0, 0.2, 14)[:, None]
    path = tmp_path / "motion.npz"
    np.savez(path, **{"S1/walk": upright + steps + bow, "fps": 50.0, "layout": "lsp_14"})
    return path


def test_the_figures_are_shown_and_written(
    trained: Path, motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval.json"
    assert run("evaluate", trained, "--data", motion, "--out", out, "--device", "cpu") == 0
    figures = json.loads(out.read_text())
    for head in ("flat", "teacher", "student", "mean"):
        for metric in ("p_mpjpe", "n_mpjpe", "mpjve", "mblstd", "p_mpjpe_reflected"):
            assert figures[head][metric] > 0, (head, metric)
    assert figures["command"].startswith("posenet3d")
    assert "teacher" in capsys.readouterr().out


def test_overlapping_windows_are_averaged_on_demand(
    trained: Path, motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval.json"
    stitched = ("evaluate", trained, "--data", motion, "--out", out, "--stitch", "average")
    assert run(*stitched) == 0
    assert json.loads(out.read_text())["stitch"] == "average"
    assert "mean of all windows" in capsys.readouterr().out
    assert run("evaluate", trained, "--data", motion, "--stitch", "center") == 2
    assert "'centre'" in capsys.readouterr().err


def test_the_picture_sheet_is_drawn(
    trained: Path, motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "pictures"
    assert run("evaluate", trained, "--data", motion, "--pictures", folder) == 0
    assert (folder / "skeletons.png").stat().st_size > 1000
    assert str(folder) in capsys.readouterr().out.replace("\n", "")


def test_without_matplotlib_the_pictures_are_skipped_with_a_line(
    trained: Path,
    motion: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from posenet3d.errors import MissingExtraError
    from posenet3d.evaluation import EvaluationReport

    def absent(*_: object) -> None:
        raise MissingExtraError("matplotlib", "viz", "Pictures")

    monkeypatch.setattr(EvaluationReport, "write_sheet", absent)
    assert run("evaluate", trained, "--data", motion, "--pictures", tmp_path) == 0
    assert "posenet3d[viz]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--protocol", "cmu41"], "did you mean 'cmu14'?"),
        (["--device", "abacus"], "got 'abacus'"),
        (["--batch-size", "0"], "--batch-size"),
        (["--data", "no_such_file.npz"], "no_such_file.npz"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    trained: Path,
    motion: Path,
    options: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("evaluate", trained, "--data", motion, *options) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


def test_a_folder_without_a_network_is_told(
    motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", tmp_path, "--data", motion) == 2
    assert "finished run" in capsys.readouterr().err


def test_weights_that_ship_are_evaluated_by_their_name(
    trained: Path, motion: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pretrained, "SHIPPED", trained.parent)
    assert run("evaluate", trained.name, "--data", motion, "--device", "cpu") == 0
    assert "teacher" in capsys.readouterr().out
    assert run("evaluate", f"{trained.name}x", "--data", motion) == 2
    assert f"did you mean '{trained.name}'?" in capsys.readouterr().err


def test_a_taken_place_for_the_pictures_is_told(
    trained: Path, motion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", trained, "--data", motion, "--pictures", motion / "below") == 2
    assert "cannot be made" in capsys.readouterr().err


def test_a_network_trained_on_the_scale_of_its_data_set_keeps_that_scale(
    motion: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "run", tmp_path / "eval.json"
    small = '{"name": "temporal", "options": {"channels": 8}}'
    shorter = [f"stages.{name}.steps=1" for name in ("teacher", "distillation", "sja", "joint")]
    changes = [
        "network.normalization=dataset",
        f"network.backbone={small}",
        f"network.discriminator={small}",
        "batch_size=4",
        *shorter,
    ]
    options = [argument for change in changes for argument in ("--set", change)]
    given = ("--data", motion, "--protocol", "cmu14", "--device", "cpu")
    assert run("train", *given, "--run", folder, *options) == 0
    assert load_model(folder).input_length > 0
    assert run("evaluate", folder, *given, "--out", out) == 0
    assert json.loads(out.read_text())["normalization"] == "dataset"
