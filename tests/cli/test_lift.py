import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from posenet3d.cli.app import app, main
from posenet3d.cli.keypoint_options import parse_size
from posenet3d.cli.lift_options import parse_joints
from posenet3d.data import camera_rig, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import (
    ConfigurationError,
    DataError,
    KeypointFormatError,
    PoseNet3DError,
    UnknownNameError,
)
from posenet3d.inference import Estimator
from posenet3d.networks import DEFAULT_WEIGHTS
from posenet3d.reconstruction import load_reconstruction
from posenet3d.skeletons import layout

FACTS = ["--fps", "50", "--image-size", "1920x1080", "--device", "cpu"]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keypoint file of forty frames, in pixels, with a gap in one wrist."""
    clip = synthetic_motion(clips=1, seconds=0.8, seed=3)[0]
    seen = observe(clip, camera_rig("cmu14-wild", "test").cameras(clip)[0]).to_layout("lsp_14")
    points = seen.points * 960 + np.array([960.0, 540.0])
    points[10:13, 6] = np.nan
    confidence = np.where(np.isnan(points[..., 0]), 0.0, 0.9)
    confidence[20, 7] = 0.05
    path = tmp_path_factory.mktemp("keypoints") / "walk.npz"
    np.savez(path, points=points, confidence=confidence, layout="lsp_14")
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["lift", *map(str, arguments)])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_file_is_lifted_into_every_format_asked_for(walk: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"walk.{suffix}" for suffix in ("npz", "trc", "json")]
    told = run(walk, *FACTS, *(word for out in outs for word in ("--out", out)))
    assert all(out.stat().st_size > 0 for out in outs)
    assert "Lifted 40 frames (0.8 s) of 'walk'" in told
    assert "--height-m" in told
    lifted = load_reconstruction(outs[0])
    assert lifted.joints3d.shape == (40, 14, 3)
    assert lifted.invented is not None
    assert lifted.invented[10:13, 6].all()


@pytest.mark.parametrize(
    ("source", "options", "told"),
    [
        ("nowhere", ("gif.start=2", "gif.stop=1"), "expected start before stop, got 2 and 1 s"),
        ("walk", ("gif.start=60",), "before stop and the end (0.8 s), got 60"),
    ],
)
def test_a_part_that_is_not_there_is_told_before_anything_is_lifted(
    walk: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    options: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setattr(Estimator, "predict", lambda *_, **__: pytest.fail("it was lifted"))
    words = [word for option in options for word in ("--option", option)]
    path = walk if source == "walk" else tmp_path / source
    with pytest.raises(SystemExit) as left:
        main(["lift", str(path), *FACTS, "-o", str(tmp_path / "a.gif"), *words])
    assert left.value.code == 2
    assert told in capsys.readouterr().err


def test_gaps_and_an_image_on_its_side_are_told(
    walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "gaps.npz", tmp_path / "out.npz"
    with np.load(walk) as arrays:
        tall = {**arrays, "points": arrays["points"][..., ::-1]}  # wide becomes tall
    np.savez(path, **tall, frame_index=np.r_[0:20, 30:50])
    with pytest.raises(SystemExit):
        main(["lift", str(path), *FACTS, "--out", str(out)])
    told = capsys.readouterr()
    assert "Lifted 40 frames (1.0 s) of 'gaps'" in told.out
    assert "10 frames in between, in 1 gap, had nobody or no file; --longest-gap" in told.out
    assert "none outside 1080x1920: are width and height exchanged?" in told.err


def test_fast_footage_is_resampled_unless_told_otherwise(walk: Path, tmp_path: Path) -> None:
    out, fast = tmp_path / "walk.npz", ["--fps", "100", "--device", "cpu"]
    told = run(walk, *fast, "--out", out)
    assert (
        "Resampled to 50 frames a second for the network; the result has the footage's 100." in told
    )
    assert (len(load_reconstruction(out)), load_reconstruction(out).fps) == (40, 100.0)
    assert "Resampled" not in run(walk, *fast, "--resample", "none", "--out", out, "--force")
    with pytest.raises(ConfigurationError, match="--resample: expected auto, none or frames"):
        run(walk, *fast, "--resample", "fast", "--out", out, "--force")


def test_json_tells_everything_that_was_done(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "walk.npz"
    repair = ["--longest-gap", "0.2", "--min-confidence", "0.3", "--smooth", "one_euro"]
    tilt = ["--height-m", "1.8", "--pitch", "20", "--roll", "0", "--focal", "1500"]
    told = json.loads(run(walk, *FACTS, *repair, *tilt, "--out", out, "--json"))
    assert (told["frames"], told["fps"], told["metric"], told["height_m"]) == (40, 50.0, True, 1.8)
    assert told["camera"] == {"focal": 1500.0, "centre": [960.0, 540.0], "given": True}
    assert told["up_from"] == "given"
    np.testing.assert_allclose(told["up"], [0, -np.cos(np.radians(20)), -np.sin(np.radians(20))])
    assert [line.split(":")[0] for line in told["repaired"]] == [
        "drop_below",
        "fill_gaps",
        "one_euro",
    ]
    assert told["invented_share"] == pytest.approx(4 / (40 * 14))  # filled in is not seen
    assert told["provenance"]["weights"] == "best-detected"
    assert [each["path"] for each in told["written"]] == [str(out)]


def test_a_file_that_is_there_is_replaced_with_force_alone(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "walk.trc"
    out.write_text("mine")
    with pytest.raises(ConfigurationError, match="--force"):
        run(walk, *FACTS, "--out", out)
    assert out.read_text() == "mine"
    run(walk, *FACTS, "--out", out, "--force")
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ([], ConfigurationError, "--out"),
        (["--out", "a.trk"], ConfigurationError, "trc"),
        (["--out", "a.trc", "--image-size", "big"], ConfigurationError, "WIDTHxHEIGHT"),
        (["--out", "a.trc", "--fusion", "best"], UnknownNameError, "teacher"),
        (["--out", "a.trc", "--weights", "best-wlid"], UnknownNameError, "best-wild"),
        (["--out", "a.trc", "--device", "tpu"], PoseNet3DError, "device"),
        (["--out", "a.trc", "--layout", "coco_17"], KeypointFormatError, "17"),
        (["--out", "a.trc", "--person", "7"], ConfigurationError, "track"),
        (["--out", "a.trc", "--height-m", "-1"], PoseNet3DError, "height_m"),
        (["--out", "a.trc", "--smooth", "lots"], UnknownNameError, "one_euro"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    walk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    error: type[PoseNet3DError],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        run(walk, "--fps", "50", *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--height-m", "178", "--height-m: expected metres"),
        ("--focal", "-3", "--focal: expected a positive number, got -3"),
        ("--resample", "0", "--resample: expected 'auto', 'none' or 1 to 1000"),
        ("--fusion", "both", "Unknown fusion 'both'"),
        ("--stitch", "none", "Unknown stitching 'none'"),
        ("--min-confidence", "-0.5", "--min-confidence: expected a number from 0, got -0.5"),
        ("--longest-gap", "nan", "--longest-gap: expected a number from 0, got nan"),
        ("--smooth", "kalman", "Unknown filter 'kalman'"),
        ("--fps", "0", "--fps: expected a positive number, got 0"),
        ("--layout", "body25b", "did you mean 'body_25b'"),
        ("--format", "opnpose", "did you mean 'openpose'"),
    ],
)
@pytest.mark.parametrize("many", [(), ("--many",)])
def test_options_that_can_never_be_are_refused_before_anything_is_looked_at(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    told: str,
    many: tuple[str, ...],
) -> None:
    words = ["lift", str(tmp_path / "nowhere"), "--out", str(tmp_path / "a.npz")]
    with pytest.raises(SystemExit) as end:
        main([*words, option, value, "--weights", "none", *many])
    assert end.value.code == 2
    assert told in capsys.readouterr().err


def test_what_a_repair_dropped_is_told_even_where_nothing_is_left_to_lift(
    walk: Path, tmp_path: Path
) -> None:
    words = ["lift", walk, *FACTS, "--min-confidence", "2", "--out", tmp_path / "a.npz"]
    result = CliRunner().invoke(app, [*map(str, words)])
    assert isinstance(result.exception, DataError)
    assert "drop_below: dropped 557 of 560 joints" in result.stdout


def test_of_several_people_whoever_is_seen_most_is_lifted_and_the_others_are_told(
    tmp_path: Path,
) -> None:
    rows = [
        {"image_id": f"{frame}.jpg", "category_id": 1, "score": 1.0, "idx": track,
         "keypoints": [value for joint in range(17)
                       for value in (tall * joint + frame, 10.0 + tall * joint * joint, 0.9)]}
        for frame in range(12) for track, tall in ((1, 5.0), (2, 20.0))
    ]  # fmt: skip
    path = tmp_path / "alphapose.json"
    path.write_text(json.dumps(rows))
    words = [path, "--format", "alphapose", "--layout", "coco_17", "--fps", "25", "--json"]
    result = CliRunner().invoke(app, ["lift", *map(str, [*words, "--out", tmp_path / "a.npz"])])
    assert "lifting track 2 (12 frames from 0). For --person: track 1 (12 fr" in result.stderr
    told = json.loads(result.stdout)
    assert told["person"] == 2
    assert sorted(each["track"] for each in told["people"]) == [1, 2]
    other = json.loads(run(*words, "--out", tmp_path / "b.npz", "--person", "1"))
    assert other["person"] == 1


@pytest.mark.parametrize("text", ["1920x1080", "1920X1080", " 1920 x 1080", "1920,1080"])
def test_a_size_is_read_as_people_write_it(text: str) -> None:
    assert parse_size(text) == (1920, 1080)


@pytest.mark.parametrize("text", ["1920", "0x10", "-3x4", "1e3x5", "x", ""])
def test_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="image-size"):
        parse_size(text)


def test_parts_that_a_user_named_are_told_by_joint(walk: Path, tmp_path: Path) -> None:
    points = np.nan_to_num(np.load(walk)["points"], nan=0.0)
    names = [name if name != "head_top" else "hat" for name in layout("lsp_14").joint_names]
    head = [
        ["scorer", *["net"] * 42],
        ["bodyparts", *np.repeat(names, 3)],
        ["coords", *["x", "y", "likelihood"] * 14],
    ]
    seen = np.concatenate([points, np.full((40, 14, 1), 0.9)], axis=-1).reshape(40, 42)
    rows = [[frame, *row] for frame, row in enumerate(seen.tolist())]
    path, out = tmp_path / "walkDLC.csv", tmp_path / "walk.npz"
    path.write_text("\n".join(",".join(map(str, row)) for row in [*head, *rows]))
    with pytest.raises(KeypointFormatError, match="hat"):
        run(path, *FACTS, "--out", out)
    run(path, *FACTS, "--layout", "lsp_14", "--joint", "head_top=hat", "--out", out)
    lifted = load_reconstruction(out)
    assert lifted.invented is not None
    assert not lifted.invented[:, layout("lsp_14").index("head_top")].any()


@pytest.mark.parametrize("format", [[], ["--format", "npz"]])
def test_joints_of_a_format_that_names_its_own_are_refused_by_the_options_name(
    format: list[str], walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "walk.npz"
    with pytest.raises(SystemExit) as left:
        main(["lift", str(walk), *FACTS, *format, "--joint", "head_top=hat", "--out", str(out)])
    assert left.value.code == 2
    assert "--joint: expected none for format 'npz'" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["head_top"], ["=hat"], ["head_top=a", "head_top=b"]])
def test_no_name_of_a_joint_is_refused(given: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="--joint"):
        parse_joints(given)


def test_the_real_clip_gives_a_person_who_balances_the_right_way_up(
    data_folder: Path, tmp_path: Path
) -> None:
    clip = data_folder / "openpose_body25b"
    if not clip.is_dir():
        pytest.skip(f"no OpenPose clip in {data_folder}")
    out = tmp_path / "clip.npz"
    facts = ["--layout", "body_25b", "--fps", "60", "--image-size", "1088x1920", "--json"]
    told = json.loads(run(clip, *facts, "--out", out, "--device", "cpu"))
    assert told["frames"] == 100
    lifted = load_reconstruction(out)
    neck, ankles = lifted.joints3d[:, 12], lifted.joints3d[:, [0, 5]].max(axis=1)
    assert (neck[:, 1] < 0).all()  # above the hips: y is down
    assert (ankles[:, 1] > 0.3).all()
    assert 2.0 < lifted.root[:, 2].mean() < 5.0


def test_the_help_names_the_weights_that_are_taken_if_none_are_given():
    shown = " ".join(CliRunner().invoke(app, ["lift", "--help"]).stdout.replace("│", " ").split())
    assert f"{DEFAULT_WEIGHTS} if not given" in shown
