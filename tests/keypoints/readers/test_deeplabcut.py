import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from posenet3d.errors import KeypointFormatError, UnknownNameError
from posenet3d.keypoints import KeypointSource, Told, load_people
from posenet3d.keypoints.readers import DeepLabCutReader
from posenet3d.skeletons import LSP_14
from posenet3d.testing.contracts import check_keypoint_reader, check_malformed

GOLDEN = Path(__file__).parent / "golden"
# As golden/make_golden.py has them.
POINTS = np.arange(2 * 4 * 3 * 2, dtype=float).reshape(2, 4, 3, 2) / 3 + 1
LIKELIHOOD = np.linspace(0.5, 1, 24).reshape(2, 4, 3)
COCO = {"nose": 0, "left_knee": 13, "right_knee": 14}


def expected(person, frames):
    points, confidence = np.full((len(frames), 17, 2), np.nan), np.zeros((len(frames), 17))
    points[:, list(COCO.values())] = POINTS[person, frames]
    confidence[:, list(COCO.values())] = LIKELIHOOD[person, frames]
    return points, confidence


@pytest.mark.parametrize("file", ["dlc_two.csv", "dlc_two_table.h5", "dlc_two_fixed.h5"])
def test_files_that_deeplabcut_writes_give_each_individual_by_name(file):
    ann, bob = load_people(GOLDEN / file, fps=30)
    for person, who, frames in ((ann, 0, [0, 1, 2, 3]), (bob, 1, [0, 1, 3])):
        points, confidence = expected(who, frames)
        np.testing.assert_allclose(person.points, points, atol=1e-9)
        np.testing.assert_allclose(person.confidence, confidence, atol=1e-9)
        assert person.frame_index.tolist() == frames
        assert (person.layout, person.track_id, person.fps) == ("coco_17", who, 30)
    assert ann.source.endswith("/ann")


def test_one_animal_has_no_track():
    (person,) = load_people(GOLDEN / "dlc_one.csv", fps=30)
    np.testing.assert_allclose(person.points, expected(0, [0, 1, 2, 3])[0], atol=1e-9)
    assert person.track_id is None


@pytest.mark.parametrize("file", ["dlc_labels.csv", "dlc_labels_fixed.h5"])
def test_labels_are_frames_by_the_numbers_of_their_images_and_certain(file):
    (person,) = load_people(GOLDEN / file, fps=30)
    assert person.frame_index.tolist() == [1, 5, 9, 10]
    assert (person.confidence[:, list(COCO.values())] == 1).all()


def csv(folder, parts=("RKnee", "hat"), rows=("0,1,2,.5,3,4,.5",), coordinates="xyl", scorer="net"):
    names = {"x": "x", "y": "y", "l": "likelihood", "z": "z"}
    header = [
        ["scorer", *(scorer for part in parts for _ in coordinates)],
        ["bodyparts", *(part for part in parts for _ in coordinates)],
        ["coords", *(names[c] for _ in parts for c in coordinates)],
    ]
    path = folder / "walkDLC.csv"
    path.write_text("\n".join([*map(",".join, header), *rows]) + "\n")
    return path


def test_the_caller_names_parts_that_do_not_speak_for_themselves(tmp_path):
    path = csv(tmp_path)
    with pytest.raises(KeypointFormatError, match=r"'hat'.*joints="):
        load_people(path, fps=30)
    (person,) = load_people(path, fps=30, layout="lsp_14", joints={"head_top": "hat"})
    assert person.points[0, 13].tolist() == [3, 4]
    assert person.points[0, 1].tolist() == [1, 2]
    assert np.isfinite(person.points[0, :, 0]).sum() == 2


def test_what_the_caller_names_must_be_there(tmp_path):
    path = csv(tmp_path)
    with pytest.raises(KeypointFormatError, match=r"'cap'.*'RKnee', 'hat'"):
        load_people(path, fps=30, joints={"head_top": "cap"})
    with pytest.raises(UnknownNameError, match="'head'"):
        load_people(path, fps=30, layout="lsp_14", joints={"head": "hat"})


def test_rows_are_put_in_order_and_empty_ones_left_out(tmp_path):
    rows = ["7,1,2,.5,3,4,.5", "3,5,6,.5,,,", "9,,,,,,"]
    (person,) = load_people(csv(tmp_path, ("RKnee", "LKnee"), rows), fps=30)
    assert person.frame_index.tolist() == [3, 7]
    assert person.points[:, LSP_14.index("right_knee"), 0].tolist() == [5, 1]


BAD = {
    "3D": ({"coordinates": "xyz", "rows": ["0,1,2,3,4,5,6"]}, "x, y and likelihood.*'z'"),
    "no y": ({"coordinates": "xl", "rows": ["0,1,2,3,4"]}, "columns x and y"),
    "short row": ({"rows": ["0,1,2,.5,3,4"]}, "line 4: expected 7 cells"),
    "text": ({"rows": ["0,1,2,.5,a,4,.5"]}, "line 4.*'a'"),
    "infinite": ({"rows": ["0,1,2,.5,1e999,4,.5"]}, "line 4.*'1e999'"),
    "no frame": ({"rows": ["x,1,2,.5,3,4,.5"]}, "rows.*'x'"),
    "negative frame": ({"rows": ["-1,1,2,.5,3,4,.5"]}, "rows.*'-1'"),
    "frame twice": ({"rows": ["1,1,2,.5,3,4,.5", "1,1,2,.5,3,4,.5"]}, "rise"),
    "part twice": ({"parts": ("RKnee", "RKnee")}, "each once"),
    "two knees": ({"parts": ("RKnee", "right knee")}, "one a joint.*'right_knee'"),
    "likelihood": ({"rows": ["0,1,2,-.5,3,4,.5"], "parts": ("RKnee", "LKnee")}, "zero or more"),
}


@pytest.mark.parametrize(("parts", "match"), BAD.values(), ids=BAD)
def test_what_a_csv_does_wrong_is_told_with_its_place(parts, match, tmp_path):
    joints = {} if "parts" in parts else {"head_top": "hat"}
    with pytest.raises(KeypointFormatError, match=rf"walkDLC\.csv: .*{match}"):
        load_people(csv(tmp_path, **parts), fps=30, layout="lsp_14", joints=joints)


def test_frames_a_second_must_be_said(tmp_path):
    rows = ["0,1,2,.5,3,4,.5", "1,1,2,.5,3,4,.5"]
    with pytest.raises(KeypointFormatError, match="say fps="):
        load_people(csv(tmp_path, ("RKnee", "LKnee"), rows))


def test_parts_of_no_individual_are_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "scorer,n,n,n,n\nindividuals,ann,ann,single,single\nbodyparts,RKnee,RKnee,ball,ball\n"
        "coords,x,y,x,y\n0,1,2,3,4\n"
    )
    (ann,) = load_people(path)
    assert ann.points[0, LSP_14.index("right_knee")].tolist() == [1, 2]


@pytest.mark.parametrize("file", ["dlc_two.csv", "dlc_two_fixed.h5"])
def test_the_reader_keeps_the_contract(file):
    check_keypoint_reader("deeplabcut", GOLDEN / file, by_name=True, fps=30.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("file", "count"), [("dlc_two.csv", 1000), ("dlc_labels.csv", 500), ("dlc_two_fixed.h5", 500)]
)
def test_damaged_files_end_in_errors_of_the_format(file, count, tmp_path):
    check_malformed("deeplabcut", GOLDEN / file, tmp_path, count=count, fps=30.0)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["dlc_two_table.h5", "dlc_two_fixed.h5", "dlc_labels_fixed.h5"])
def test_many_damaged_h5_files_end_in_errors_of_the_format(file, tmp_path):
    check_malformed("deeplabcut", GOLDEN / file, tmp_path, count=2000, seed=1, fps=30.0)


def test_an_h5_whose_names_are_a_program_runs_nothing(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "evil.h5"
    path.write_bytes((GOLDEN / "dlc_two_table.h5").read_bytes())
    with h5py.File(path, "a") as file:
        file["df_with_missing/table"].attrs["values_block_0_kind"] = np.bytes_(
            b"cos\nsystem\n(S'touch " + str(tmp_path / "heard").encode() + b"'\ntR."
        )
    with pytest.raises(KeypointFormatError, match=r"os\.system"):
        DeepLabCutReader().read(KeypointSource(path), Told(fps=30.0))
    assert not (tmp_path / "heard").exists()


def test_csv_needs_no_other_package():
    code = (
        "import sys; sys.modules.update(h5py=None, pandas=None)\n"
        "from posenet3d.keypoints import load_people\n"
        f"print(len(load_people({str(GOLDEN / 'dlc_two.csv')!r}, fps=30)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"
