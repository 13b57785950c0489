"""The plug-in of Human3.6M on look-alikes of its files."""

import importlib.util
import re
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data import AnnotatedSequence, write_annotated
from posenet3d.data.datasets import load_dataset
from posenet3d.data.datasets.human36m.recordings import (
    ACTIONS,
    FIRST_RECORDINGS,
    TEST_SUBJECTS,
    action_of,
    in_use,
)
from posenet3d.errors import ConfigurationError, DataError, PoseNet3DError
from posenet3d.evaluation import evaluate
from posenet3d.keypoints.clips_npz import read_clips, write_clips
from posenet3d.skeletons import convert
from posenet3d.testing import check_dataset

PROGRAM = Path(__file__).with_name("human36m_files.py")
SPEC = importlib.util.spec_from_file_location("human36m_files", PROGRAM)
files = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(files)

KINDS = ("archives", "release")


@pytest.fixture(scope="module")
def standing():
    return files.cameras()


@pytest.fixture(scope="module")
def places():
    return files.world()


@pytest.fixture(scope="module")
def seen(standing, places):
    return files.views(standing, places)


@pytest.fixture(scope="module")
def folders(standing, places, seen, tmp_path_factory):
    """VideoPose3D's files with cameras, and the release's."""
    archives, release = (tmp_path_factory.mktemp(kind) for kind in KINDS)
    files.write_archives(archives, places, seen)
    files.write_detections(archives, seen)
    files.write_metadata_xml(archives / "metadata.xml", standing)
    files.write_release(release, places, seen)
    return {"archives": archives, "release": release}


def human36m(root, actions=files.ACTIONS, **options):
    return load_dataset("human36m", root, actions=list(actions), **options)


def truth_of(seen, sequence):
    views = seen[sequence.subject, sequence.key.partition("/")[2]]
    return views[files.CAMERAS.index(sequence.camera)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_what_a_dataset_promises(kind, folders):
    check_dataset("human36m", folders[kind], projected=0.05, actions=["Photo"], subjects=["S1"])


@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_the_2d_of_five_subjects_in_pixels(kind, folders, seen):
    found = dict(human36m(folders[kind]).training())
    subjects = ("S1", "S5", "S6", "S7", "S8")
    names = [f"{s}/{r}/{c}" for s in subjects for r in files.RECORDINGS for c in files.CAMERAS]
    assert list(found) == names
    for name, sequence in found.items():
        subject, recording, camera = name.split("/")
        pixels, _ = seen[subject, recording][files.CAMERAS.index(camera)]
        assert (sequence.layout, sequence.fps, sequence.unit) == ("h36m_17", 50.0, "pixels")
        np.testing.assert_allclose(sequence.points, pixels[:, files.KEPT], atol=1e-4)
    assert found["S1/Photo/54138969"].image_size == (1000, 1002)
    assert found["S1/Photo/58860488"].image_size == (1000, 1000)


@pytest.mark.parametrize("kind", KINDS)
def test_test_gives_metres_in_each_camera_s_frame(kind, folders, seen):
    found = list(human36m(folders[kind]).test())
    keys = [f"S9/{recording}" for recording in files.RECORDINGS]
    keys += [f"S11/{recording}" for recording in files.RECORDINGS if recording != "Directions"]
    assert [(s.key, s.camera) for s in found] == [(k, c) for k in keys for c in files.CAMERAS]
    for sequence in found:
        pixels, at = truth_of(seen, sequence)
        assert (sequence.joints_layout, sequence.keypoints.fps) == ("h36m_17", 50.0)
        np.testing.assert_allclose(sequence.joints, at[:, files.KEPT], atol=1e-5)
        np.testing.assert_allclose(sequence.keypoints.points, pixels[:, files.KEPT], atol=1e-4)
        assert sequence.counted.all()


def test_each_joint_is_where_anatomy_has_it(folders):
    """On the exact names: a swapped side or limb shows in where joints lie to each other."""
    for sequence in human36m(folders["archives"], actions=("Walking",)).test():
        joints = convert(sequence.joints, "h36m_17", "lsp_14").points.mean(axis=0)
        named = dict(zip(_lsp_names(), joints, strict=True))
        for side in ("left", "right"):
            down = [named[f"{side}_{joint}"][1] for joint in ("shoulder", "hip", "knee", "ankle")]
            assert down == sorted(down)  # y points down
        # a bent knee is before the line from hip to ankle
        across = named["left_hip"] - named["right_hip"]
        down = (named["left_hip"] + named["right_hip"]) / 2 - named["neck"]
        ahead = np.cross(down, across)
        bends = [named[f"{side}_knee"] - (named[f"{side}_hip"] + named[f"{side}_ankle"]) / 2
                 for side in ("left", "right")]  # fmt: skip
        assert sum(bends) @ ahead > 0
        assert named["head_top"][1] < named["neck"][1] < named["left_hip"][1]


def _lsp_names():
    from posenet3d.skeletons import LSP_14

    return LSP_14.joint_names


def test_detections_may_have_other_joints_and_more_frames(folders, seen):
    cpn = human36m(folders["archives"], actions=("Walking",), keypoints="cpn_ft_h36m_dbb")
    hourglass = human36m(folders["archives"], actions=("Walking",), keypoints="sh_ft_h36m")
    assert {len(sequence) for _, sequence in cpn.training()} == {files.FRAMES + 3}
    for sequence in cpn.test():  # cut to the 3D, as VideoPose3D does
        assert len(sequence) == files.FRAMES
        pixels, _ = truth_of(seen, sequence)
        off = sequence.keypoints.points - pixels[:, files.KEPT]
        assert 1 < off.std() < 3
    sequence = next(hourglass.test())
    assert sequence.keypoints.layout == "mpii_16"
    pixels, _ = truth_of(seen, sequence)
    want = convert(pixels[:, files.KEPT], "h36m_17", "lsp_14").points
    np.testing.assert_allclose(sequence.keypoints.to_layout("lsp_14").points, want, atol=1e-4)


def test_a_joint_at_the_corner_is_unknown(folders, tmp_path):
    root = tmp_path / "vp"
    shutil.copytree(folders["archives"], root)
    with np.load(root / "data_2d_h36m_gt.npz", allow_pickle=True) as arrays:
        positions, metadata = arrays["positions_2d"].item(), arrays["metadata"].item()
    positions["S1"]["Walking"][0][2, 5] = 0
    np.savez_compressed(root / "data_2d_h36m_gt", positions_2d=positions, metadata=metadata)
    _, sequence = next(human36m(root, actions=("Walking",)).training())
    assert np.argwhere(np.isnan(sequence.points[..., 0])).tolist() == [[2, 5]]


def test_the_paper_s_protocol_and_the_frontal_one_run(folders):
    people = human36m(folders["release"], actions=("Directions", "Walking"))
    sequences = list(people.test())
    report = evaluate(None, sequences, "h36m")
    assert (report.clips, report.views, report.fps, report.stride) == (7, 4, 50.0, 1)
    assert set(report["flat"].by_subject) == {"S9", "S11"}
    assert report["flat"].frames == 7 * 4 * files.FRAMES
    assert 50 < report["flat"].p_mpjpe < 250
    frontal = evaluate(None, sequences, "h36m-frontal")
    assert (frontal.views, frontal["flat"].frames) == (1, 7 * files.FRAMES / 5)


def test_hmr_s_protocol_takes_the_first_recording_of_each_action(folders):
    people = human36m(folders["release"], actions=("Directions", "Walking"))
    sequences = list(people.test())
    report = evaluate(None, sequences, "h36m-hmr")
    assert (report.clips, report.views, report.mean_over) == (4, 1, "sequences")
    wanted = [f"{who}/{what} 1" for who in ("S9", "S11") for what in ("Directions", "Walking")]
    first = [each for each in sequences if each.camera == files.CAMERAS[3] and each.key in wanted]
    errors = [evaluate(None, [each], "h36m-frontal")["flat"].p_mpjpe for each in first]
    assert len(errors) == 4
    assert report["flat"].p_mpjpe == pytest.approx(np.mean(errors))


def test_each_action_has_one_first_recording_by_each_test_subject():
    assert len(FIRST_RECORDINGS) == len(set(FIRST_RECORDINGS)) == 2 * len(ACTIONS)
    found = [(key.partition("/")[0], action_of(key.partition("/")[2])) for key in FIRST_RECORDINGS]
    assert sorted(found) == sorted((who, what) for who in TEST_SUBJECTS for what in ACTIONS)
    assert all(in_use(*key.split("/"), ACTIONS) for key in FIRST_RECORDINGS)
    # the others are called 1, says the mapping of metadata.xml
    assert {key for key in FIRST_RECORDINGS if not key.endswith(" 1")} == {
        *("S9/SittingDown", "S11/SittingDown"),
        *("S11/Greeting 2", "S11/Phoning 3", "S11/Smoking 2"),
    }


def test_an_oracle_has_no_error(folders):
    sequences = list(human36m(folders["archives"], actions=("Walking",)).test())
    oracle = _Oracle(sequences)
    report = evaluate(oracle, sequences, "h36m", frames=1)
    assert report["truth"].p_mpjpe < 1e-3  # millimetres
    assert report["flat"].p_mpjpe > 50


class _Oracle:
    """Knows the truth by the order in which windows come."""

    def __init__(self, sequences):
        import torch

        joints = [convert(s.joints, s.joints_layout, "lsp_14").points for s in sequences]
        self.joints = torch.as_tensor(np.concatenate(joints))
        self.done = 0

    def __call__(self, windows):
        found = self.joints[self.done : self.done + len(windows)]
        self.done += len(windows)
        return {"truth": found[:, None].float()}


def test_it_is_converted_to_the_library_s_own_files(folders, tmp_path):
    people = human36m(folders["archives"], actions=("Photo",))
    write_clips(tmp_path / "train.npz", people.training())
    clips = read_clips(tmp_path / "train.npz")
    assert len(clips) == 5 * 2 * 4
    assert clips["S8/Photo 1/60457274"].image_size == (1000, 1002)
    write_annotated(tmp_path / "test.npz", people.test())
    report = evaluate(None, tmp_path / "test.npz", "h36m")
    direct = evaluate(None, list(people.test()), "h36m")
    assert report["flat"].p_mpjpe == pytest.approx(direct["flat"].p_mpjpe)


@pytest.mark.parametrize("written", ["metadata.xml", "camera-parameters.json", "h36m_dataset.py"])
def test_each_camera_file_gives_the_same_truth(written, folders, standing, seen, tmp_path):
    writers = {
        "metadata.xml": files.write_metadata_xml,
        "camera-parameters.json": files.write_camera_json,
        "h36m_dataset.py": files.write_camera_module,
    }
    writers[written](tmp_path / written, standing)
    people = human36m(folders["archives"], actions=("Photo",), cameras=str(tmp_path / written))
    for sequence in people.test():
        _, at = truth_of(seen, sequence)
        np.testing.assert_allclose(sequence.joints, at[:, files.KEPT], atol=1e-6)


def test_cameras_are_fitted_where_no_file_tells_them(folders, seen, tmp_path):
    for name in ("data_3d_h36m.npz", "data_2d_h36m_gt.npz", "data_2d_h36m_sh_ft_h36m.npz"):
        shutil.copy(folders["archives"] / name, tmp_path / name)
    people = human36m(tmp_path, actions=("Photo", "Walking"), keypoints="sh_ft_h36m")
    for sequence in people.test():
        _, at = truth_of(seen, sequence)
        np.testing.assert_allclose(sequence.joints, at[:, files.KEPT], atol=1e-5)
    (tmp_path / "data_2d_h36m_gt.npz").unlink()
    with pytest.raises(DataError, match=r"expected the cameras, as metadata\.xml, .*got neither"):
        next(human36m(tmp_path, keypoints="sh_ft_h36m").test())


def test_world_poses_of_the_release_need_the_cameras_too(folders, standing, seen, tmp_path):
    for subject in ("S9", "S11"):
        shutil.copytree(folders["release"] / subject, tmp_path / subject)
        shutil.rmtree(tmp_path / subject / "MyPoseFeatures" / "D3_Positions_mono")
    files.write_camera_json(tmp_path / "camera-parameters.json", standing)
    for sequence in human36m(tmp_path, actions=("Photo",)).test():
        _, at = truth_of(seen, sequence)
        np.testing.assert_allclose(sequence.joints, at[:, files.KEPT], atol=1e-5)


def test_detections_go_with_the_release_s_3d(folders, seen, tmp_path):
    shutil.copytree(folders["release"] / "S9", tmp_path / "S9")
    shutil.copytree(folders["release"] / "S11", tmp_path / "S11")
    name = "data_2d_h36m_sh_ft_h36m.npz"
    shutil.copy(folders["archives"] / name, tmp_path / name)
    people = human36m(tmp_path, actions=("Photo",), keypoints="sh_ft_h36m")
    sequence = next(people.test())
    assert (sequence.key, sequence.keypoints.layout) == ("S9/Photo", "mpii_16")
    _, at = truth_of(seen, sequence)
    np.testing.assert_allclose(sequence.joints, at[:, files.KEPT], atol=1e-6)


def test_one_view_at_a_time_is_in_memory_from_the_release(folders):
    people = human36m(folders["release"], actions=("Photo",))
    for _ in people.test():  # imports and caches
        break
    tracemalloc.start()
    try:
        for _ in people.test():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**22  # a view takes 50 kB, all of them 1 MB


def changed(folders, tmp_path, kind="archives"):
    root = tmp_path / "changed"
    shutil.copytree(folders[kind], root)
    return root


@pytest.mark.parametrize("name", ["data_3d_h36m.npz", "data_2d_h36m_gt.npz"])
def test_a_download_that_ended_half_way_is_named(name, folders, tmp_path):
    root = changed(folders, tmp_path)
    files.lost_half(root / name)
    with pytest.raises(DataError, match=rf"{name}: expected an .npz archive.*cut off"):
        next(human36m(root).test())


def edited(root, name, array, edit):
    """A pickled dictionary with something changed."""
    with np.load(root / name, allow_pickle=True) as arrays:
        held = {key: arrays[key].item() for key in arrays}
    edit(held[array])
    np.savez_compressed(root / name, **held)


WORLD, PIXELS = ("data_3d_h36m.npz", "positions_3d"), ("data_2d_h36m_gt.npz", "positions_2d")
FAULTS = {
    "no subject": (PIXELS, lambda held: held.pop("S9"), "expected subject 'S9', got S1, S5"),
    "no 3D subject": (WORLD, lambda held: held.pop("S11"), "expected subject 'S11', got S1"),
    "one recording lost": (
        PIXELS, lambda held: held["S11"].pop("Photo 1"),
        "expected 2 recordings of 'Photo' by S11, got 'Photo'",
    ),
    "a camera lost": (
        PIXELS, lambda held: held["S9"]["Walking"].pop(),
        "S9/Walking: expected 4 arrays, one a camera, got 3",
    ),
    "17 joints of 3D": (
        WORLD, lambda held: held["S9"].update(Photo=np.ones((5, 17, 3))),
        r"S9/Photo: expected numbers \(frames, 32, 3\), got float64 \(5, 17, 3\)",
    ),
    "15 joints of 2D": (
        PIXELS, lambda held: held["S9"].update(Photo=[np.ones((25, 15, 2))] * 4),
        "S9/Photo/54138969: expected as many joints as the layout has .* got 15",
    ),
    "millimetres": (
        WORLD, lambda held: held["S9"].update(Photo=held["S9"]["Photo"] * 1000),
        "S9/Photo: expected metres, got numbers up to",
    ),
    "2D too short": (
        PIXELS, lambda held: held["S9"].update(Photo=[xy[:9] for xy in held["S9"]["Photo"]]),
        "S9/Photo/54138969: expected 2D for each of 25 frames of 3D, got 9",
    ),
    "other names": (
        WORLD, lambda held: held["S9"].update({"Photo 2": held["S9"].pop("Photo 1")}),
        "expected the 3D of S9/Photo 1, of which there is 2D, got none",
    ),
    "NaN": (
        WORLD, lambda held: held["S9"]["Photo"].__setitem__((3, 2), np.nan),
        "S9/Photo .54138969.: joints: expected finite joints, got NaN",
    ),
    "another subject": (
        PIXELS, lambda held: held["S9"].update(Photo=[xy + 200 for xy in held["S9"]["Photo"]]),
        "expected 2D within 150 pixels of the 3D's projection, got a median of",
    ),
    "a list": (WORLD, lambda held: held.update(S9=[1]), "expected subject 'S9'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_archive_is_told_with_file_and_place(fault, folders, tmp_path):
    (name, array), edit, message = FAULTS[fault]
    root = changed(folders, tmp_path)
    edited(root, name, array, edit)
    with pytest.raises(DataError, match=message) as caught:
        list(human36m(root).test())
    assert name in str(caught.value) or fault in ("2D too short", "another subject")


CDF = "S9/MyPoseFeatures/{}"


def test_a_damaged_release_is_told_with_file_and_place(folders, tmp_path):
    root = changed(folders, tmp_path, "release")
    name = CDF.format("D2_Positions/TakingPhoto.54138969.cdf")
    (root / name).rename(tmp_path / "kept.cdf")
    with pytest.raises(DataError, match=r"D2_Positions: expected 'Photo\.54138969\.cdf', got none"):
        list(human36m(root).test())
    content = (tmp_path / "kept.cdf").read_bytes()
    for part in (0, 100, len(content) // 2, len(content) - 100):
        (root / name).write_bytes(content[:part])
        with pytest.raises(DataError, match=rf"{re.escape(name)}: expected a CDF file with"):
            list(human36m(root).test())
    files.write_pose(root / name, np.ones((5, 31, 2)))
    with pytest.raises(DataError, match=r"expected numbers \(1, frames, 64\), 2 of each of 32"):
        list(human36m(root).test())
    shutil.move(tmp_path / "kept.cdf", root / name)
    wrong = CDF.format("D3_Positions_mono/TakingPhoto.54138969.cdf")
    files.write_pose(root / wrong, np.ones((files.FRAMES, 32, 3)))
    with pytest.raises(DataError, match=rf"{re.escape(wrong)}: expected millimetres, got"):
        list(human36m(root).test())


def test_cameras_of_others_are_noticed(folders, standing, tmp_path):
    for far, message in ((500.0, "a median of"), (-1500.0, "in front of the camera")):
        moved = {key: _further(at, far) for key, at in standing.items()}
        files.write_camera_json(tmp_path / "cameras.json", moved)
        people = human36m(folders["archives"], cameras=str(tmp_path / "cameras.json"))
        with pytest.raises(DataError, match=message):
            list(people.test())


def _further(at, far):
    """A camera that stands beside itself, or has the room behind it."""
    if far < 0:
        return at._replace(rotation=at.rotation * [[1.0], [-1.0], [-1.0]])
    return at._replace(position=at.position + 3 * far * at.rotation[0])


def test_2d_that_is_not_asked_for_or_not_there_is_told(folders, tmp_path):
    with pytest.raises(DataError, match=r"expected 2D keypoints, data_2d_h36m_sh\.npz, got data_2"):
        human36m(folders["archives"], keypoints="sh")
    with pytest.raises(DataError, match=r"data_2d_h36m_gt\.npz or S\*/MyPoseFeatures/D2_Positions"):
        human36m(tmp_path)
    shutil.copy(folders["archives"] / "data_2d_h36m_gt.npz", tmp_path)
    assert len(list(human36m(tmp_path).training())) == 120  # training needs no 3D
    with pytest.raises(DataError, match=r"expected the true joints, data_3d_h36m\.npz or"):
        list(human36m(tmp_path).test())


@pytest.mark.parametrize(
    "options",
    [{"subjects": ["S9"]}, {"actions": ["Dancing"]}, {"keypoints": "../gt"}, {"subjects": []}],
)
def test_options_that_do_not_fit_are_told(options, folders):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        load_dataset("human36m", folders["archives"], **options)


def test_nothing_in_a_pickle_is_run(folders, tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    held = np.array({"S9": Evil()}, dtype=object)
    np.savez(tmp_path / "data_2d_h36m_gt.npz", positions_2d=held, metadata={})
    with pytest.raises(PoseNet3DError, match="nothing of it was executed"):
        list(human36m(tmp_path).training())


def test_sequences_are_annotated_sequences(folders):
    assert isinstance(next(human36m(folders["release"]).test()), AnnotatedSequence)
