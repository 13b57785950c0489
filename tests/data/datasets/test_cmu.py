"""CMU's motion capture: files whose joints are known, made into clips, a dataset and a command."""

import importlib.util
from pathlib import Path

import numpy as np
import pybvh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.cli import main
from posenet3d.data import AnnotatedFile, load_motion, write_annotated
from posenet3d.data.datasets import load_dataset
from posenet3d.data.datasets.cmu import (
    OPEN_SPLIT,
    Cutting,
    find_recordings,
    human36m_joints,
    read_amc,
    read_asf,
    read_bvh,
    with_lost_bones,
    write_motion,
)
from posenet3d.data.motion import MotionClip
from posenet3d.errors import ConfigurationError, DataError, StorageError, UnknownNameError
from posenet3d.evaluation import evaluate
from posenet3d.keypoints.clips_npz import read_clips, write_clips
from posenet3d.skeletons import layout
from posenet3d.testing import check_dataset

PROGRAM = Path(__file__).with_name("cmu_files.py")
SPEC = importlib.util.spec_from_file_location("cmu_files", PROGRAM)
files = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(files)

EXACT = 1e-9


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["data", "cmu", *map(str, arguments)])
    return left.value.code or 0


def relative(joints):
    """Joints as seen from where the pelvis was first: a clip is moved, but never turned."""
    return joints - joints[:1, :1]


# BVH


def test_the_command_gives_a_bvh_file_s_known_positions(tmp_path, capsys):
    rows = files.values(240)
    files.write_bvh(tmp_path / "in" / "07_01.bvh", rows)
    assert run("--root", tmp_path / "in", "--out", tmp_path / "cmu.npz", "--fps", 120) == 0
    (clip,) = load_motion(tmp_path / "cmu.npz")
    expected = files.human36m(files.bvh_places(rows))
    assert (clip.key, clip.layout, clip.fps, len(clip)) == ("S07/07_01", "h36m_17", 120.0, 240)
    np.testing.assert_allclose(relative(clip.joints), relative(expected), atol=1e-6)
    told = capsys.readouterr().out
    assert "1 clip of 1 subject, 240 frames at 120 a second, from 1 recording" in told
    assert f"Next: posenet3d train --data {tmp_path / 'cmu.npz'} --protocol cmu14" in told


def test_the_command_replaces_a_file_only_when_told_to(tmp_path, capsys):
    files.write_bvh(tmp_path / "in" / "07_01.bvh", files.values(240))
    out = tmp_path / "cmu.npz"
    out.write_text("precious")
    assert run("--root", tmp_path / "in", "--out", out) == 2
    assert "already there; add --force" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert run("--root", tmp_path / "in", "--out", out, "--force") == 0
    assert load_motion(out)[0].key == "S07/07_01"


def test_fifty_frames_a_second_are_on_straight_lines_between_the_recorded(tmp_path):
    rows = files.values(241)
    files.write_bvh(tmp_path / "in" / "07_01.bvh", rows)
    assert run("--root", tmp_path / "in", "--out", tmp_path / "cmu.npz") == 0
    (clip,) = load_motion(tmp_path / "cmu.npz")
    truth = files.human36m(files.bvh_places(rows))
    times, wanted = np.arange(241) / 120, np.arange(101) / 50
    flat = truth.reshape(241, -1)
    expected = np.stack([np.interp(wanted, times, column) for column in flat.T], axis=-1)
    np.testing.assert_allclose(
        relative(clip.joints), relative(expected.reshape(101, 17, 3)), atol=1e-6
    )


@pytest.mark.parametrize("order", ["XYZ", "ZXY", "YZX", "ZYX"])
def test_every_joint_of_a_bvh_file_is_where_scipy_puts_it(tmp_path, order):
    rows = files.values(20, seed=3) * ([1] * 3 + [10] * 3 * len(files.HAHNE))
    path = files.write_bvh(tmp_path / "a.bvh", rows, order=order)
    tracks = read_bvh(path).tracks()
    expected = files.bvh_places(rows, order=order)
    assert set(tracks.names) == set(expected)
    for name, places in expected.items():
        np.testing.assert_allclose(tracks.middle(name), places, atol=EXACT, err_msg=name)
    assert tracks.fps == 120.0


@settings(max_examples=6)
@given(
    parents=st.lists(st.integers(0, 7), min_size=1, max_size=7),
    order=st.sampled_from(["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]),
    seed=st.integers(0, 2**31),
)
def test_any_tree_is_what_pybvh_reads(tmp_path_factory, parents, order, seed):
    tree = {"root": (None, np.zeros(3))}
    random = np.random.default_rng(seed)
    for number, parent in enumerate(parents):
        tree[f"joint{number}"] = (list(tree)[parent % len(tree)], random.normal(size=3))
    leaves = set(tree) - {parent for parent, _ in tree.values()}
    ends = {leaf: random.normal(size=3) for leaf in leaves}
    depth_first = list(_depth_first(tree, "root"))
    tree = {name: tree[name] for name in depth_first}
    rows = random.uniform(-180, 180, (3, 3 + 3 * len(tree)))
    path = tmp_path_factory.mktemp("trees") / "a.bvh"
    files.write_bvh(path, rows, tree, order, seconds="0.01", ends=ends)
    theirs = pybvh.read_bvh_file(path, world_up="+y")
    ours = read_bvh(path).tracks()
    places = np.asarray(theirs.joint_positions())
    for number, name in enumerate(theirs.joint_names):
        np.testing.assert_allclose(ours.middle(name), places[:, number], atol=EXACT)


def _depth_first(tree, joint):
    yield joint
    for child, (parent, _) in tree.items():
        if parent == joint:
            yield from _depth_first(tree, child)


def test_positions_of_any_joint_are_added_to_its_offset(tmp_path):
    path = tmp_path / "a.bvh"
    path.write_text(
        "HIERARCHY ROOT a { OFFSET 1 0 0 CHANNELS 1 Zrotation JOINT b { OFFSET 1 0 0 "
        "CHANNELS 2 Yposition Xposition End Site { OFFSET 0 0 5 } } }\n"
        "MOTION\nFrames: 2\nFrame Time: 0.04\n0 0 0\n90 2 3\n"
    )
    places = read_bvh(path).tracks().positions
    np.testing.assert_allclose(places[0], [[1, 0, 0], [2, 0, 0], [2, 0, 5]], atol=EXACT)
    np.testing.assert_allclose(places[1], [[1, 0, 0], [-1, 4, 0], [-1, 4, 5]], atol=EXACT)


def test_the_conversion_s_t_pose_is_no_frame(tmp_path):
    rows = files.values(150)
    files.write_bvh(tmp_path / "07_01.bvh", rows, t_pose=files.t_pose(rows))
    files.write_bvh(tmp_path / "07_02.bvh", rows)
    with_pose, without = (each.joints()[0] for each in find_recordings(tmp_path))
    np.testing.assert_array_equal(with_pose, without)
    assert len(without) == 150


def test_the_bones_that_the_conversion_lost_are_put_back(tmp_path):
    rows = files.values(150)
    converted = files.as_converted()
    path = files.write_bvh(tmp_path / "07_01.bvh", rows, converted)
    put_back = dict(converted)
    for ends, like, share in (
        (("Neck", "LeftShoulder", "RightShoulder"), "Spine1", 1.0),
        (("LeftFingerBase", "LThumb"), "LeftHand", 0.5),
        (("RightFingerBase", "RThumb"), "RightHand", 0.5),
    ):
        put_back |= dict.fromkeys(ends, (like, share * files.HAHNE[like][1]))
    expected = files.human36m(files.bvh_places(rows, put_back))
    (recording,) = find_recordings(tmp_path)
    np.testing.assert_allclose(recording.joints()[0], expected, atol=EXACT)
    lost = files.human36m(files.bvh_places(rows, converted))
    chest = np.linalg.norm(expected - lost, axis=-1)[:, layout("h36m_17").index("thorax")]
    np.testing.assert_allclose(chest, np.linalg.norm(files.HAHNE["Spine1"][1]) * files.METRES)
    whole = read_bvh(files.write_bvh(path, rows))
    assert with_lost_bones(whole) is whole


def test_a_hand_without_a_finger_base_is_the_wrist(tmp_path):
    bare = {n: b for n, b in files.HAHNE.items() if "Finger" not in n and "Index" not in n}
    rows = files.values(2, bare)
    path = files.write_bvh(tmp_path / "07_01.bvh", rows, bare)
    joints = human36m_joints(read_bvh(path).tracks())
    expected = files.bvh_places(rows, bare)["LeftHand"]
    np.testing.assert_allclose(joints[:, layout("h36m_17").index("left_wrist")], expected)


DAMAGED_BVH = {
    "cut off": (lambda text: text[:-400], r"frame 150"),
    "too few rows": (lambda t: t.replace("Frames: 150", "Frames: 999"), "999 frames .* got 150"),
    "NaN": (lambda text: text.rstrip().rpartition(" ")[0] + " nan", "NaN .* frame 150"),
    "a word": (lambda text: text.rstrip().rpartition(" ")[0] + " knee", "knee"),
    "no motion": (lambda text: text.partition("MOTION")[0], "HIERARCHY and then MOTION"),
    "no frame time": (lambda text: text.replace("Frame Time:", "Time:"), "Frame Time:"),
    "a time of zero": (lambda text: text.replace(".0083333", "0"), "0.0 seconds"),
    "a missing brace": (lambda text: text.replace("}", "", 1), "line"),
    "another brace": (lambda text: text.replace("MOTION", "}\nMOTION"), "'}'"),
    "two of a name": (lambda text: text.replace("JOINT RHipJoint", "JOINT LHipJoint"), "name once"),
    "two offsets": (lambda t: t.replace("OFFSET 0 0 0", "OFFSET 0 0 0 OFFSET 0 0 0", 1), "one OFF"),
    "no offset": (lambda text: text.replace("OFFSET 0 0 0", "", 1), "OFFSET"),
    "an offset without end": (lambda t: t.replace("OFFSET 0 0 0", "OFFSET 0 0 1e999", 1), "1e9"),
    "a channel": (lambda text: text.replace("Zrotation", "Wrotation", 1), "Wrotation"),
    "a page": (lambda text: "<!DOCTYPE html><html>Not found</html>", "HIERARCHY"),
    "zeros": (lambda text: "\0" * 300, "binary"),
    "nothing": (lambda text: "", "HIERARCHY"),
}


@pytest.mark.parametrize("damage", DAMAGED_BVH)
def test_a_damaged_bvh_file_is_told_by_name_and_place(tmp_path, damage):
    spoil, told = DAMAGED_BVH[damage]
    path = files.write_bvh(tmp_path / "07_01.bvh", files.values(150))
    path.write_text(spoil(path.read_text()))
    with pytest.raises(DataError, match=told) as caught:
        find_recordings(tmp_path)[0].joints()
    assert "07_01.bvh" in str(caught.value)


def test_a_file_that_is_not_there_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match=r"no.bvh"):
        read_bvh(tmp_path / "no.bvh")


def test_a_skeleton_of_other_people_s_names_is_refused_by_joint(tmp_path):
    tree = {"Bip01": (None, np.zeros(3)), "Bip01_Head": ("Bip01", np.ones(3))}
    rows = files.values(2, tree)
    files.write_bvh(tmp_path / "a_1.bvh", rows, tree, ends={"Bip01_Head": (0, 1, 0)})
    with pytest.raises(DataError, match=r"LeftUpLeg.*Bip01_Head.*only CMU's skeletons"):
        find_recordings(tmp_path)[0].joints()


# Acclaim


@pytest.mark.parametrize("unit", ["DEGREES", "RADIANS"])
def test_every_bone_of_an_acclaim_file_ends_where_scipy_puts_it(tmp_path, unit):
    skeleton = read_asf(files.write_asf(tmp_path / "07.asf"))
    moves = files.amc_values(30, seed=4)
    share = 1.0 if unit == "DEGREES" else np.pi / 180
    written = {n: track * share for n, track in moves.items()}
    written["root"][:, :3] = moves["root"][:, :3]
    tracks = read_amc(files.write_amc(tmp_path / "07_01.amc", written, unit), skeleton)
    expected = files.amc_places(moves)
    assert set(tracks.names) == set(expected)
    for name, places in expected.items():
        np.testing.assert_allclose(tracks.middle(name), places, atol=EXACT, err_msg=name)
    assert skeleton.metres == pytest.approx(files.METRES)


def test_the_command_gives_an_acclaim_file_s_known_positions(tmp_path):
    files.write_acclaim_folder(tmp_path / "in", "07_01")
    assert run("--root", tmp_path / "in", "--out", tmp_path / "cmu.npz", "--fps", 120) == 0
    (clip,) = load_motion(tmp_path / "cmu.npz")
    expected = files.human36m(files.amc_places(files.amc_values(150)))
    np.testing.assert_allclose(relative(clip.joints), relative(expected), atol=1e-6)


def test_of_a_recording_in_both_formats_the_acclaim_file_counts(tmp_path):
    files.write_acclaim_folder(tmp_path, "07_01")
    files.write_bvh_folder(tmp_path, "07_01", "07_02")
    found = find_recordings(tmp_path)
    assert [each.path.name for each in found] == ["07_01.amc", "07_02.bvh"]


DAMAGED_AMC = {
    "cut off": (lambda text: text[: len(text) // 2], "frame"),
    "another bone": (lambda text: text.replace("head", "horn"), "frame 1.*'horn'"),
    "a bone more in one frame": (lambda t: t.replace("\n9\n", "\n9\nhorn 1 2\n"), "frame 9"),
    "a number less": (lambda text: text.replace("ltoes ", "ltoes\nltoes ", 1), "bones of .*07.asf"),
    "NaN": (lambda text: text.rstrip().rpartition(" ")[0] + " nan\n", "NaN .* frame 150"),
    "no header": (lambda text: text.partition(":DEGREES")[2], ":DEGREES"),
    "no frames": (lambda text: text.partition("\n1\n")[0] + "\n", "words a frame"),
    "a page": (lambda text: "<html>Not found</html>", ":DEGREES"),
}


@pytest.mark.parametrize("damage", DAMAGED_AMC)
def test_a_damaged_amc_file_is_told_by_name_and_place(tmp_path, damage):
    spoil, told = DAMAGED_AMC[damage]
    files.write_acclaim_folder(tmp_path, "07_01")
    path = tmp_path / "subjects" / "07" / "07_01.amc"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(DataError, match=told) as caught:
        find_recordings(tmp_path)[0].joints()
    assert "07_01.amc" in str(caught.value)


DAMAGED_ASF = {
    "cut off": (lambda text: text[: len(text) // 2], "expected an ASF file"),
    "a page": (lambda text: "<html>Not found</html>", "expected an ASF file"),
    "a turned root": (lambda t: t.replace("orientation 0 0 0", "orientation 0 9 0"), "zero"),
    "a bone in the air": (lambda t: t.replace("    root lhipjoint", "    moon lhipjoint"), "tree"),
    "two parents": (lambda t: t.replace("    head", "    x").replace("    root ", "    root head "),
                    "one parent"),
    "no bone of that name": (lambda text: text.replace("name head", "name horn"), "horn"),
    "a strange channel": (lambda text: text.replace("dof rx", "dof tx", 1), "got tx"),
    "no direction": (lambda text: text.replace("direction", "way", 1), "3 finite numbers"),
    "no length": (lambda text: text.replace("length 0.45", "length 0"), "positive length"),
    "a strange axis": (lambda t: t.replace("XYZ\r\n    dof", "XXZ\r\n    dof", 1), "RX RX RZ"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED_ASF)
def test_a_damaged_asf_file_is_told_by_name_and_place(tmp_path, damage):
    spoil, told = DAMAGED_ASF[damage]
    path = files.write_asf(tmp_path / "07.asf")
    spoilt = spoil(path.read_bytes().decode())
    assert spoilt != path.read_bytes().decode()
    path.write_bytes(spoilt.encode())
    with pytest.raises(DataError, match=told) as caught:
        read_asf(path)
    assert "07.asf" in str(caught.value)


def test_an_amc_without_its_skeleton_says_which_file_is_missing(tmp_path):
    files.write_acclaim_folder(tmp_path, "07_01")
    (tmp_path / "subjects" / "07" / "07.asf").unlink()
    with pytest.raises(DataError, match=r"07\.asf: expected the skeleton of 07_01\.amc"):
        find_recordings(tmp_path)


# Clips


def test_a_recording_is_cut_where_the_tracking_jumps():
    still = np.tile(np.arange(17.0)[:, None] * 0.05 * np.array([0, 0, 1]), (700, 1, 1))
    still[300:] += [0.2, 0, 0]  # 24 m a second
    still[360:] += [0.2, 0, 0]  # leaves 60 frames, half a second
    clips = list(Cutting().clips("S1/1_1", still, 120.0))
    assert [(clip.key, len(clip)) for clip in clips] == [("S1/1_1.1", 125), ("S1/1_1.2", 142)]
    assert [clip.key for clip in Cutting(max_speed=30.0).clips("S1/1_1", still, 120.0)] == [
        "S1/1_1"
    ]


def test_clips_stand_on_the_floor_over_the_origin():
    joints = files.human36m(files.amc_places(files.amc_values(300)))
    (clip,) = Cutting(fps=120.0).clips("S1/1_1", joints, 120.0)
    pelvis = clip.joints[:, layout("h36m_17").index("pelvis")]
    np.testing.assert_allclose((pelvis.max(0) + pelvis.min(0))[:2], 0.0, atol=1e-6)
    lowest = clip.joints[..., 2].min(axis=1)
    assert np.percentile(lowest, 1) == pytest.approx(0.08, abs=1e-6)
    assert (lowest >= 0.08 - 1e-6).mean() == pytest.approx(0.99, abs=0.01)


def test_a_file_without_any_clip_is_refused_and_not_written(tmp_path):
    files.write_bvh_folder(tmp_path / "in", "07_01", frames=60)
    assert run("--root", tmp_path / "in", "--out", tmp_path / "cmu.npz") == 2
    assert not (tmp_path / "cmu.npz").exists()


def test_a_damaged_recording_leaves_no_file(tmp_path, capsys):
    files.write_bvh_folder(tmp_path / "in", "07_01", "07_02")
    path = tmp_path / "in" / "007" / "07_02.bvh"
    path.write_text(path.read_text()[:-100])
    assert run("--root", tmp_path / "in", "--out", tmp_path / "cmu.npz") == 2
    assert "07_02.bvh" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_clips_of_another_layout_are_no_motion_file_of_cmu(tmp_path):
    clip = MotionClip("S1/a", np.zeros((9, 14, 3)), "lsp_14", fps=50.0)
    with pytest.raises(DataError, match=r"h36m_17.*lsp_14"):
        write_motion(tmp_path / "a.npz", [clip], 50.0)


def test_the_file_has_the_keys_of_the_open_protocols(tmp_path, data_folder):
    files.write_acclaim_folder(tmp_path, "07_01")
    assert run("--root", tmp_path, "--out", tmp_path / "cmu.npz") == 0
    with np.load(tmp_path / "cmu.npz") as made, np.load(data_folder / "cmu_train.npz") as open_one:
        assert set(made) - {"S07/07_01"} == {name for name in open_one if "/" not in name}
        for name in ("joint_names", "fps", "bones"):
            np.testing.assert_array_equal(made[name], open_one[name])
            assert made[name].dtype == open_one[name].dtype
        assert made["S07/07_01"].dtype == open_one["S07/07_01"].dtype


# Folders, subjects, splits


@pytest.mark.parametrize("asked", [("7",), ("07", "14"), ("S07,14",)])
def test_subjects_are_chosen_by_number(tmp_path, asked):
    files.write_bvh_folder(tmp_path / "in", "07_01", "14_02", "130_01", frames=122)
    options = [word for each in asked for word in ("--subjects", each)]
    assert run("--root", tmp_path / "in", "--out", tmp_path / "a.npz", *options) == 0
    subjects = {clip.subject for clip in load_motion(tmp_path / "a.npz")}
    assert subjects == ({"S07", "S14"} if "14" in "".join(asked) else {"S07"})


def test_recordings_come_in_the_order_of_their_subjects(tmp_path):
    files.write_bvh_folder(tmp_path, "130_01", "14_02", "07_10", "07_09", frames=2)
    names = [each.path.stem for each in find_recordings(tmp_path)]
    assert names == ["07_09", "07_10", "14_02", "130_01"]


def test_an_absent_subject_a_double_recording_and_an_empty_folder_are_told(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.*folder of CMU's"):
        find_recordings(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"expected .amc or .bvh"):
        find_recordings(tmp_path)
    files.write_bvh_folder(tmp_path, "07_01", frames=2)
    with pytest.raises(DataError, match=r"of subjects 99.*1 others"):
        find_recordings(tmp_path, ["99"])
    files.write_bvh(tmp_path / "copy" / "07_01.bvh", files.values(2))
    with pytest.raises(DataError, match=r"once.*07_01.bvh"):
        find_recordings(tmp_path)


def test_the_open_split_is_that_of_the_open_data(data_folder):
    for split, names in OPEN_SPLIT.items():
        with np.load(data_folder / f"cmu_{split}.npz") as arrays:
            keys = [name for name in arrays if "/" in name]
        assert names == tuple(dict.fromkeys(key.split("/")[1].split(".")[0] for key in keys))


def test_what_the_open_split_lacks_is_named(tmp_path, capsys):
    files.write_bvh_folder(tmp_path / "in", "01_01", frames=2)
    options = ("--root", tmp_path / "in", "--out", tmp_path / "a.npz")
    assert run(*options, "--split", "train") == 2
    assert "109 recordings" in (told := capsys.readouterr().err.replace("\n", " "))
    assert "01_08, 02_01" in told
    assert run(*options, "--split", "train", "--subjects", "01") == 2
    assert run(*options, "--split", "middle") == 2
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


# The dataset


OPTIONS = {"training_subjects": ["01"], "test_subjects": ["14"], "recordings": "all"}


@pytest.fixture(scope="module", params=["bvh", "motion files"])
def folder(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("cmu")
    write = files.write_bvh_folder if request.param == "bvh" else files.write_acclaim_folder
    write(root / "in", "01_01", "14_02")
    if request.param != "motion files":
        return root / "in"
    made = root / "made"
    made.mkdir()
    for split, subject in (("train", "01"), ("test", "14")):
        out = made / f"cmu_{split}.npz"
        assert run("--root", root / "in", "--out", out, "--subjects", subject) == 0
    return made


def test_it_keeps_the_contract_of_datasets(folder):
    check_dataset("cmu", folder, **OPTIONS)


def test_it_is_converted_and_evaluated(folder, tmp_path):
    people = load_dataset("cmu", folder, **OPTIONS)
    write_clips(tmp_path / "train.npz", people.training())
    assert "S01/01_01/view0" in read_clips(tmp_path / "train.npz")
    write_annotated(tmp_path / "test.npz", people.test())
    names = [sequence.name for sequence in AnnotatedFile(tmp_path / "test.npz")]
    assert names == [f"S14/14_02/view{view}" for view in range(4)]
    motion = tmp_path / "cmu_test.npz"
    assert write_motion(motion, people.motion("test"), 50.0) == 1
    assert 20 < evaluate(None, motion, "cmu14")["flat"].p_mpjpe < 250


def test_recordings_of_the_open_protocols_must_all_be_there(tmp_path):
    files.write_bvh_folder(tmp_path, "01_01", "14_04", frames=2)
    with pytest.raises(DataError, match=r"109 recordings.*01_08"):
        load_dataset("cmu", tmp_path)


def test_options_are_checked(folder):
    with pytest.raises(UnknownNameError, match="cmu14-wild"):
        load_dataset("cmu", folder, recordings="all", protocol="cmu15")
    with pytest.raises(ConfigurationError, match="recordings"):
        load_dataset("cmu", folder, recordings="some")


def test_the_open_data_is_a_folder_of_it(data_folder):
    name, sequence = next(load_dataset("cmu", data_folder).training())
    assert (name, sequence.layout, sequence.fps) == ("S01/01_01/view0", "h36m_17", 50.0)
