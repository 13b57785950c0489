"""Pictures show what they say: checked on the drawn lines and texts, not on pixels."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import (
    DataError,
    MissingExtraError,
    ShapeError,
    StorageError,
    UnknownNameError,
)
from posenet3d.skeletons import LSP_14
from posenet3d.visualization import skeleton_sheet, training_curves
from posenet3d.visualization.figures import BLUE, VERMILION
from posenet3d.visualization.metrics_file import read_metrics

matplotlib = pytest.importorskip("matplotlib")

SAMPLES = 2
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def standing():
    """A person facing the camera (samples, 14, 3), mm: left limbs at +x, head at negative y."""
    across = {"ankle": 100, "knee": 110, "hip": 120, "wrist": 300, "elbow": 250, "shoulder": 180}
    height = {"ankle": 800, "knee": 400, "hip": 0, "wrist": -50, "elbow": -250, "shoulder": -500}
    pose = np.zeros((14, 3))
    for index, name in enumerate(LSP_14.joint_names):
        side, _, part = name.partition("_")
        if part in across:
            pose[index] = (across[part] * (1 if side == "left" else -1), height[part], 0)
    pose[LSP_14.index("neck")] = (0, -520, 10)
    pose[LSP_14.index("head_top")] = (0, -780, -40)
    return np.stack([pose] * SAMPLES)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def lines(axes, colour):
    return [line.get_xydata() for line in axes.lines if line.get_color() == colour]


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_a_sheet_is_a_picture_and_the_same_one_each_time(tmp_path, ending):
    truth = standing()
    first, again = tmp_path / f"first.{ending}", tmp_path / f"again.{ending}"
    for path in (first, again):
        skeleton_sheet(truth, {"teacher": truth}, truth[..., :2], path)
    assert first.read_bytes().startswith(MAGIC[ending])
    assert first.read_bytes() == again.read_bytes()


def test_a_sheet_has_a_row_a_sample_and_two_views_a_head(tmp_path, drawn):
    truth = standing()
    heads = {"flat": truth, "teacher": truth, "mean": truth}
    skeleton_sheet(truth, heads, truth[..., :2], tmp_path / "sheet.png", labels=["S14", "S35"])
    (figure,) = drawn
    assert len(figure.axes) == SAMPLES * (1 + 2 * len(heads))
    shown = texts(figure)
    assert {"S14", "S35", "Input (2D)", "flat", "teacher", "mean"} <= set(shown)
    assert shown.count("front") == shown.count("side") == len(heads)


def test_people_stand_upright_with_their_left_limbs_blue(tmp_path, drawn):
    truth = standing()
    skeleton_sheet(None, {"teacher": truth}, truth[..., :2] / 5000, tmp_path / "sheet.png")
    for axes in drawn[0].axes[:2]:
        bottom, top = axes.get_ylim()
        assert bottom > top  # y runs down, so the head, at negative y, is on top
        assert axes.get_aspect() == 1.0
        assert all((ends[:, 0] >= 0).all() for ends in lines(axes, BLUE))
        assert all((ends[:, 0] <= 0).all() for ends in lines(axes, VERMILION))
        assert len(lines(axes, BLUE)) == len(lines(axes, VERMILION)) == 6


def test_the_side_view_shows_depth_to_the_right(tmp_path, drawn):
    pose = standing()
    pose[:, LSP_14.index("left_wrist"), 2] = 400
    skeleton_sheet(None, {"teacher": pose}, pose[..., :2], tmp_path / "sheet.png")
    side = drawn[0].axes[2]
    assert max(ends[:, 0].max() for ends in lines(side, BLUE)) == 400


def test_the_caption_is_the_mean_distance_of_the_joints(tmp_path, drawn):
    truth = standing()
    moved = truth + np.array([0, 0, 250.0])
    moved[1, :, 2] = 3.0 + truth[1, :, 2]
    skeleton_sheet(truth, {"a": moved}, truth[..., :2], tmp_path / "sheet.png", unit="cm")
    shown = texts(drawn[0])
    assert "250 cm" in shown
    assert "3.0 cm" in shown


def test_unknown_joints_are_left_out_of_picture_and_error(tmp_path, drawn):
    truth = standing()
    predicted, seen = truth + np.array([40.0, 0, 0]), truth[..., :2].copy()
    predicted[0, LSP_14.index("left_wrist")] = np.nan
    seen[0] = np.nan
    skeleton_sheet(truth, {"a": predicted}, seen, tmp_path / "sheet.png")
    assert texts(drawn[0]).count("40 mm") == SAMPLES


def test_every_skeleton_lies_inside_its_cell(tmp_path, drawn):
    truth = standing()
    wild = truth * np.array([1.0, 1.4, 1.0]) + np.array([0, 0, 900.0])
    skeleton_sheet(truth, {"a": wild, "b": truth}, truth[..., :2], tmp_path / "sheet.png")
    for axes in drawn[0].axes:
        left, right = axes.get_xlim()
        bottom, top = axes.get_ylim()
        for line in axes.lines:
            across, down = line.get_xydata().T
            assert left <= across.min()
            assert across.max() <= right
            assert top <= down.min()
            assert down.max() <= bottom


def test_wrong_numbers_of_samples_and_endings_are_refused(tmp_path):
    truth = standing()
    flat = truth[..., :2]
    with pytest.raises(ShapeError, match="labels: expected 2 samples as in input2d, got 1"):
        skeleton_sheet(truth, {}, flat, tmp_path / "sheet.png", labels=["one"])
    with pytest.raises(ShapeError, match="at least one sample"):
        skeleton_sheet(None, {}, flat[:0], tmp_path / "sheet.png")
    with pytest.raises(UnknownNameError, match="Unknown picture format 'pgn'; did you mean 'png'"):
        skeleton_sheet(truth, {}, flat, tmp_path / "sheet.pgn")
    with pytest.raises(StorageError):
        skeleton_sheet(truth, {}, flat, tmp_path / "absent" / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    truth = standing()
    with pytest.raises(MissingExtraError, match=r"pip install 'posenet3d\[viz\]'") as caught:
        skeleton_sheet(truth, {}, truth[..., :2], tmp_path / "sheet.png")
    assert (caught.value.package, caught.value.extra) == ("matplotlib", "viz")


def test_importing_the_pictures_does_not_import_matplotlib():
    code = "import sys, posenet3d.visualization; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def write_metrics(path, rows, names):
    table = [",".join(["stage", "step", *names])]
    table += [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(table) + "\n")
    return path


@pytest.fixture
def run(tmp_path):
    """The metrics of a run of three stages."""
    rows = [("teacher", k, 1000 / k, "", 1.4, 0.8, 0.6, 13 - 12.9 / k) for k in range(1, 101)]
    rows += [("distillation", k, "", 50 / k, "", "", "", "") for k in range(1, 51)]
    rows += [("joint", k, 9.5, 1.0, 1.4, 0.7, 0.7, 13) for k in (1,)]
    names = ["self_supervision", "knowledge_distillation", "teacher_adversarial", "accuracy_real",
             "accuracy_fake", "camera_pitch_degrees"]  # fmt: skip
    return write_metrics(tmp_path / "metrics.csv", rows, names)


def test_curves_have_a_panel_a_number_and_one_for_accuracy(run, tmp_path, drawn):
    training_curves(run, tmp_path / "curves.png")
    panels = {axes.get_title(loc="left"): axes for axes in drawn[0].axes}
    assert set(panels) == {
        "Self-supervision (Eq. 2)", "Knowledge distillation (Eq. 7)",
        "Adversarial, teacher (Eq. 5)",
        "Camera pitch (degrees)", "Discriminator accuracy",
    }  # fmt: skip
    accuracy = panels["Discriminator accuracy"]
    names = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert names == ["real", "reprojected"]
    assert panels["Self-supervision (Eq. 2)"].get_yscale() == "log"
    assert panels["Adversarial, teacher (Eq. 5)"].get_yscale() == "linear"
    assert panels["Camera pitch (degrees)"].get_yscale() == "linear"


def test_no_line_joins_two_stages(run, tmp_path, drawn):
    training_curves(run, tmp_path / "curves.png")
    ends = {0, 100, 150, 151}
    for axes in drawn[0].axes:
        for line in axes.lines:
            if line.get_linestyle() == "-":
                steps = line.get_xdata()
                inner = ends & set(range(int(steps[0]) + 1, int(steps[-1])))
                assert not inner - {0}


def test_every_second_stage_is_shaded_and_named(run, tmp_path, drawn):
    training_curves(run, tmp_path / "curves.png")
    axes = drawn[0].axes[0]
    assert len(axes.patches) == 1
    assert [text.get_text() for text in axes.texts][:2] == ["teacher", "distillation"]


@pytest.mark.parametrize("names", [["loss"], ["loss", "other"]])
def test_a_single_row_and_few_panels_make_a_picture(tmp_path, names):
    path = write_metrics(tmp_path / "metrics.csv", [("teacher", 0, *[1.0] * len(names))], names)
    training_curves(path, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(MAGIC["png"])


def test_zero_and_negative_losses_stay_on_a_linear_axis(tmp_path, drawn):
    rows = [("teacher", 1, 0.0, -5.0, "inf"), ("teacher", 2, 900.0, 400.0, "inf")]
    path = write_metrics(tmp_path / "metrics.csv", rows, ["zero", "negative", "lost"])
    training_curves(path, tmp_path / "curves.png")
    assert {axes.get_yscale() for axes in drawn[0].axes} == {"linear"}


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    again=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=25)
def test_steps_of_resumed_runs_rise_and_the_later_row_wins(tmp_path_factory, lengths, again, order):
    rows = [
        (f"s{n}", k + 1, n * 100 + k) for n, length in enumerate(lengths) for k in range(length)
    ]
    last = rows[-(again + 1) :]
    repeated = [(stage, step, value + 0.5) for stage, step, value in last]
    stale = rows[: len(rows) - len(last)] + order.sample(last, len(last)) + repeated
    path = write_metrics(tmp_path_factory.mktemp("run") / "metrics.csv", stale, ["loss"])
    metrics = read_metrics(path)
    assert metrics.steps.tolist() == list(range(1, len(rows) + 1))
    expected = [row[2] for row in rows[: len(rows) - len(last)]] + [row[2] for row in repeated]
    assert metrics.curves["loss"].tolist() == expected


def test_a_count_has_a_panel_where_something_was_counted(tmp_path, drawn):
    path = tmp_path / "metrics.csv"
    path.write_text("stage,step,loss,skipped_steps,collapses\nteacher,1,2,0,0\nteacher,2,1,3,0\n")
    training_curves(path, tmp_path / "curves.png")
    assert [axes.get_title(loc="left") for axes in drawn[0].axes] == ["Loss", "Skipped steps"]


def test_a_row_that_was_cut_off_counts_as_far_as_it_goes(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("stage,step,a,b\nteacher,1,2,3\nteacher,2,4")
    metrics = read_metrics(path)
    assert metrics.curves["a"].tolist() == [2, 4]
    assert np.isnan(metrics.curves["b"][1])
    path.write_text("stage,step,a,b\nteacher,1,2,3\nteac")
    assert len(read_metrics(path).steps) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks \\['stage', 'step'\\]"),
        (b"stage,loss\nteacher,1\n", "lacks \\['step'\\]"),
        (b"stage,step,loss\n", "got none"),
        (b"stage,step,loss\nteacher,first,1\n", "got none"),
        (b"stage,step,note\nteacher,1,good\n", "expected a column of numbers"),
        (b"\xff\xfe\x00stage", "expected a CSV table"),
        (b'stage,step,a\nteacher,1,"' + b"x" * 200_000, "expected a CSV table"),
    ],
)
def test_what_is_no_metrics_file_is_refused(tmp_path, content, message):
    (tmp_path / "metrics.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        training_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_a_missing_metrics_file_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"metrics\.csv: cannot be read"):
        training_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
