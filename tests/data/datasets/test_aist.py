"""AIST++'s annotations: cameras, views, lists, and what a damaged file is told."""

import importlib.util
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data import AnnotatedFile, write_annotated
from posenet3d.data.datasets import load_dataset
from posenet3d.data.datasets.aist_files import read_cameras, read_keypoints3d
from posenet3d.errors import ConfigurationError, DataError
from posenet3d.evaluation import evaluate
from posenet3d.keypoints.clips_npz import read_clips, write_clips
from posenet3d.skeletons import convert, layout
from posenet3d.testing import check_dataset

PROGRAM = Path(__file__).with_name("aist_files.py")
SPEC = importlib.util.spec_from_file_location("aist_files", PROGRAM)
files = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return files.write_folder(tmp_path_factory.mktemp("aist"))


@pytest.fixture
def own(folder, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(folder, tmp_path / "aist")


def first(folder, **options):
    return next(load_dataset("aist", folder, **options).training())


def test_it_keeps_the_contract_of_datasets(folder):
    check_dataset("aist", folder, projected=None)


def test_what_is_projected_is_what_a_pinhole_camera_sees(folder):
    check_dataset("aist", folder, keypoints="projected", cameras=["c01", "c09"])


def test_the_truth_is_in_metres_in_each_camera_s_frame(folder):
    joints = files.world(seed=2)
    found = list(load_dataset("aist", folder).test())
    assert [each.name for each in found] == [f"d06/{files.TEST}/c0{n}" for n in range(1, 10)]
    for sequence, camera in zip(found, files.cameras(), strict=True):
        expected = files.camera_frame(camera, joints)
        np.testing.assert_allclose(sequence.joints, expected, atol=1e-9)
        assert sequence.counted.all()
        assert (sequence.joints_layout, sequence.keypoints.fps) == ("coco_17", 60.0)


def test_cameras_that_were_put_right_are_read_anew(own):
    setting = next(own.glob("cameras/setting*.json"))
    told = json.loads(setting.read_text())
    told[0]["matrix"][0][2] += 100.0
    before = first(own, keypoints="projected", cameras=["c01"])[1].points
    setting.write_text(json.dumps(told))
    after = first(own, keypoints="projected", cameras=["c01"])[1].points
    np.testing.assert_allclose(
        after - before, np.broadcast_to([100.0, 0.0], after.shape), atol=1e-6
    )


def test_the_made_up_dancer_stands_upright_in_every_camera(folder):
    nose, *ankles = layout("coco_17").indices("nose", "left_ankle", "right_ankle")
    for _, seen in load_dataset("aist", folder).training():
        assert (seen.points[:, [nose], 1] < seen.points[:, ankles, 1]).all()


def test_detected_2d_is_as_it_is_in_the_file(folder):
    name, seen = first(folder)
    assert name == f"d04/{files.TRAIN}/c01"
    expected = files.pixels(files.cameras()[0], files.world()).astype(np.float32)
    np.testing.assert_array_equal(seen.points, expected)
    assert (seen.image_size, seen.unit, seen.layout) == ((1920, 1080), "pixels", "coco_17")
    np.testing.assert_allclose(seen.confidence, 0.9, atol=1e-7)
    straight = first(folder, keypoints="projected")[1].points
    wanted = files.pixels(files.cameras()[0], files.world(), distorted=False)
    np.testing.assert_allclose(straight, wanted, atol=1e-6)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickles_of_every_protocol_are_read(tmp_path, protocol):
    joints = files.world(3)
    path = files.write_pickle(tmp_path / "a.pkl", files.keypoints3d(joints), protocol)
    np.testing.assert_array_equal(read_keypoints3d(path), joints)


def test_neck_and_head_top_are_made_in_3d_as_in_2d(folder):
    sequence = next(load_dataset("aist", folder).test())
    made = convert(sequence.joints, sequence.joints_layout, "lsp_14")
    names = np.array(layout("lsp_14").joint_names)[made.synthesized]
    assert names.tolist() == ["neck", "head_top"]
    assert np.isfinite(made.points).all()


def test_frames_without_anybody_are_left_out_and_unknown_3d_does_not_count(own):
    path = own / "keypoints2d" / f"{files.TEST}.pkl"
    told = pickle.loads(path.read_bytes())
    told["keypoints2d"][0, 2:5] = np.nan
    told["keypoints2d"][0, 7, 3] = np.nan
    told["keypoints2d"][1] = np.nan
    files.write_pickle(path, told)
    truth = files.keypoints3d(files.world(seed=2))
    truth["keypoints3d_optim"][9, 4] = np.nan
    files.write_pickle(own / "keypoints3d" / f"{files.TEST}.pkl", truth)
    found = list(load_dataset("aist", own).test())
    assert [each.camera for each in found] == ["c01", *(f"c0{n}" for n in range(3, 10))]
    assert found[0].keypoints.frame_index.tolist() == [0, 1, 5, 6, 7, 8, 9, 10, 11]
    assert np.argwhere(np.isnan(found[0].keypoints.points[..., 0])).tolist() == [[4, 3]]
    assert np.flatnonzero(~found[0].counted).tolist() == [6]
    assert np.flatnonzero(~found[1].counted).tolist() == [9]


def test_lists_say_who_is_trained_on_and_tested(folder):
    assert {each.subject for each in load_dataset("aist", folder).test()} == {"d06"}
    assert {each.subject for each in load_dataset("aist", folder, test_split="val").test()} == {
        "d05"
    }
    everything = load_dataset("aist", folder, ignored=True, cameras=["c05"])
    assert [each.key for each in everything.test()] == [
        f"d06/{files.TEST}",
        f"d06/{files.IGNORED}",
    ]


def test_the_views_that_are_known_to_be_wrong_are_left_out(folder):
    names = [name.rpartition("/")[2] for name, _ in load_dataset("aist", folder).training()]
    assert names == ["c01", "c02", "c03", "c04", "c06", "c07", "c08", "c09"]


def test_it_is_converted_and_evaluated(folder, tmp_path):
    people = load_dataset("aist", folder)
    write_clips(tmp_path / "train.npz", people.training())
    assert len(read_clips(tmp_path / "train.npz")) == 8
    write_annotated(tmp_path / "test.npz", people.test())
    assert len(AnnotatedFile(tmp_path / "test.npz")) == 9
    report = evaluate(None, tmp_path / "test.npz", "aist")
    assert (report.views, report.stride, report["flat"].frames) == (9, 1, 9 * 12)
    assert 20 < report["flat"].p_mpjpe < 250


def test_options_are_checked(folder):
    with pytest.raises(ConfigurationError, match="cameras"):
        load_dataset("aist", folder, cameras=["c10"])
    with pytest.raises(ConfigurationError, match="keypoints"):
        load_dataset("aist", folder, keypoints="guessed")


def spoil_text(name, old, new):
    def spoil(root):
        path = root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return spoil


def spoil_pickle(folder, **changes):
    def spoil(root):
        path = root / folder / f"{files.TRAIN}.pkl"
        told = pickle.loads(path.read_bytes()) | changes
        files.write_pickle(path, {k: v for k, v in told.items() if v is not None})

    return spoil


def cut(root):
    path = root / "keypoints2d" / f"{files.TRAIN}.pkl"
    path.write_bytes(path.read_bytes()[:500])


def remove(root):
    (root / "keypoints3d" / f"{files.TRAIN}.pkl").unlink()


class _Evil:
    def __reduce__(self):
        return print, ("run",)


SETTING = "cameras/setting1.json"
DAMAGED = {
    "cut off": (cut, "d04.*expected a pickle"),
    "missing": (remove, r"keypoints3d/gBR.*d04.*unpack fullset\.zip"),
    "2D of another layout": (
        spoil_pickle("keypoints2d", keypoints2d=np.zeros((9, 12, 133, 3))),
        r"\(9, frames, 17, 3\), got \(9, 12, 133, 3\)",
    ),
    "2D of other keys": (spoil_pickle("keypoints2d", keypoints2d=None), "'keypoints2d', got"),
    "3D of other frames": (
        spoil_pickle("keypoints3d", keypoints3d_optim=np.zeros((11, 17, 3))),
        "12 frames as in keypoints2d, got 11",
    ),
    "3D of texts": (spoil_pickle("keypoints3d", keypoints3d_optim="none"), "array of numbers"),
    "3D that runs code": (
        spoil_pickle("keypoints3d", keypoints3d_optim=_Evil()),
        r"'builtins\.print'",
    ),
    "no sequence": (spoil_text("splits/pose_train.txt", "cAll", "c01"), "such as 'gBR_sBM_cAll"),
    "no setting": (spoil_text("cameras/mapping.txt", files.TRAIN, "other"), "mapping.txt"),
    "half a mapping": (spoil_text("cameras/mapping.txt", " setting1", ""), "line 1"),
    "no such setting": (spoil_text("cameras/mapping.txt", "setting1", "setting7"), "setting7"),
    "no JSON": (spoil_text(SETTING, "[", "["[:0]), "expected JSON"),
    "a camera less": (spoil_text(SETTING, '"name": "c03"', '"name": "c04"'), "camera 'c03'"),
    "a camera's size": (spoil_text(SETTING, "[1920, 1080]", "[1920]"), "c01: size: .*1920"),
    "a camera's matrix": (spoil_text(SETTING, "[1500.0", "[-1500.0"), "c01: matrix"),
    "a camera's place": (spoil_text(SETTING, "[0.0, 90.0", '["left", 90.0'), "translation"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_told_by_name(own, damage, capsys):
    spoil, told = DAMAGED[damage]
    spoil(own)
    with pytest.raises((DataError, OSError), match=told):
        list(load_dataset("aist", own).training())
    assert capsys.readouterr().out == ""


def test_opencv_s_columns_are_vectors_too(own):
    path = own / "cameras" / "setting1.json"
    told = json.loads(path.read_text())
    for camera in told:
        camera["translation"] = [[value] for value in camera["translation"]]
    columns = own / "columns.json"
    columns.write_text(json.dumps(told))
    one, other = read_cameras(path)["c02"], read_cameras(columns)["c02"]
    np.testing.assert_array_equal(one.translation, other.translation)
