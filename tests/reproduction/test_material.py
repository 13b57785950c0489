"""What a table is made from: exact and detected, filmed and converted, in memory and in files."""

import numpy as np
import pytest

from posenet3d.data import AnnotatedFile, film, write_annotated
from posenet3d.data.datasets.filming import annotated_views
from posenet3d.errors import DataError, StorageError, UnknownNameError
from posenet3d.keypoints import write_clips
from posenet3d.reproduction import DETECTED, EXACT, Material, open_material
from posenet3d.reproduction.identity import identity


@pytest.fixture(scope="module")
def converted(people, tmp_path_factory):
    """Files as a converted dataset has them: 2D to train on, annotated sequences to measure."""
    folder = tmp_path_factory.mktemp("converted")
    write_clips(folder / "train.npz", film(people[:1], "cmu14").sequences)
    write_annotated(folder / "test.npz", annotated_views(people[1], "cmu14"))
    return folder


def test_detected_2d_of_filmed_motion_has_every_joint_and_is_not_the_exact_one(material):
    exact, detected = (material.sequences(seen).sequences for seen in (EXACT, DETECTED))
    assert exact.keys() == detected.keys()
    for name, sequence in exact.items():
        spoilt = detected[name].points
        assert np.isfinite(spoilt).all()
        assert np.abs(spoilt - sequence.points).max() > 0


def test_only_the_detected_test_is_spoilt(material, people):
    (clips, none), (same, spoil) = (material.tested(seen) for seen in (EXACT, DETECTED))
    assert none is None
    assert clips is same
    seen = film(people[1:], "cmu14").sequences["S2/other/view0"]
    assert np.abs(spoil(seen).points - seen.points).max() > 0


def test_files_of_detected_2d_are_taken_as_they_are(converted):
    train, test = converted / "train.npz", converted / "test.npz"
    both = Material({EXACT: train, DETECTED: train}, {EXACT: test, DETECTED: test}, "h36m")
    assert both.tested(DETECTED) == (test, None)
    exact, detected = (both.sequences(seen) for seen in (EXACT, DETECTED))
    assert exact.fingerprint() == detected.fingerprint()
    assert not both.filmed


def test_without_a_noise_model_detected_2d_must_be_given(converted):
    exact = {EXACT: converted / "train.npz"}, {EXACT: converted / "test.npz"}
    with pytest.raises(DataError, match=r"detected 2D to train on.*--detected, or --noise gentle"):
        Material(*exact, "h36m").check(DETECTED)
    Material(*exact, "h36m", noise="gentle").check(DETECTED)


def test_frames_to_train_on_are_counted_over_views(material, converted):
    frames = material.sequences(EXACT).frames
    assert material.training_frames(EXACT) == material.training_frames(DETECTED) == frames
    files = Material({EXACT: converted / "train.npz"}, {EXACT: converted / "test.npz"}, "h36m")
    assert files.training_frames(EXACT) == frames


def test_the_facts_tell_other_data_from_these(material, people, converted):
    facts = material.facts(DETECTED)
    assert facts == material.facts(DETECTED)
    assert facts["test_noise"] == facts["training_noise"] == "gentle"
    assert material.facts(EXACT)["test_noise"] is None
    others = Material({EXACT: people[:1]}, {EXACT: people[:1]}, "cmu14", "cmu14", "gentle")
    assert others.facts(EXACT)["training"] == material.facts(EXACT)["training"]
    assert others.facts(EXACT)["test"] != material.facts(EXACT)["test"]


def test_a_file_s_identity_is_what_it_holds(converted, tmp_path):
    copy = tmp_path / "train.npz"
    copy.write_bytes((converted / "train.npz").read_bytes())
    assert identity(copy) == identity(converted / "train.npz")
    copy.write_bytes(copy.read_bytes() + b"more")
    assert identity(copy) != identity(converted / "train.npz")
    assert identity(converted)["name"] == converted.name
    with pytest.raises(StorageError, match="cannot be read"):
        identity(tmp_path / "none.npz")


def test_motion_is_parted_by_subjects(motion):
    material = open_material("table4", data=motion, hold_out=["S2"])
    assert (material.rig, material.protocol, material.noise) == ("cmu14", "cmu14", "gentle")
    assert [clip.key for clip in material.training[EXACT]] == ["S1/one"]
    assert [clip.key for clip in material.test[EXACT]] == ["S2/other"]


def test_converted_files_get_the_paper_s_protocol_and_no_noise(converted):
    train, test = converted / "train.npz", converted / "test.npz"
    options = {"data": train, "detected": train, "test_data": test, "test_detected": test}
    assert open_material("table1", **options).protocol == "h36m"
    assert open_material("table3", **options).protocol == "mpi-inf-3dhp"
    assert open_material("table1", **options).noise is None
    only_detected = open_material("table2", detected=train, test_detected=test)
    assert set(only_detected.training) == {DETECTED}


def test_a_file_is_measured_by_a_protocol_that_it_names(converted, tmp_path):
    train, test = converted / "train.npz", tmp_path / "test.npz"
    options = {"data": train, "detected": train, "test_data": test, "test_detected": test}
    sequences = list(AnnotatedFile(converted / "test.npz"))
    write_annotated(test, sequences, ["cmu14"])
    assert open_material("table1", **options).protocol == "cmu14"
    with pytest.raises(DataError, match=r"expected protocol 'cmu14', .*got 'h36m'"):
        open_material("table1", protocol="h36m", **options)
    write_annotated(test, sequences, ["h36m-frontal", "h36m"])
    assert open_material("table1", **options).protocol == "h36m"


def test_a_converted_folder_is_both_what_to_train_on_and_what_to_measure(converted, motion):
    both = open_material("table1", data=converted, detected=converted)
    assert both.training == {EXACT: converted / "train.npz", DETECTED: converted / "train.npz"}
    assert both.test == {EXACT: converted / "test.npz", DETECTED: converted / "test.npz"}
    told = open_material("table2", detected=converted, test_detected=motion, protocol="cmu14")
    assert told.test.keys() == {DETECTED}
    assert not isinstance(told.test[DETECTED], type(converted))


def test_motion_can_be_trained_on_and_a_dataset_measured(motion, converted):
    material = open_material("table3", data=motion, test_data=converted / "test.npz")
    assert (material.rig, material.protocol) == ("cmu14", "mpi-inf-3dhp")
    assert material.filmed


@pytest.mark.parametrize(
    ("protocol", "rig", "films"),
    [("cmu14-wild", None, "cmu14-wild"), ("cmu14", "cmu14-wild", "cmu14-wild")],
)
def test_the_cameras_that_measure_film_the_training_too_unless_told(motion, protocol, rig, films):
    material = open_material("table4", data=motion, hold_out=["S2"], protocol=protocol, rig=rig)
    assert (material.protocol, material.rig) == (protocol, films)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "motion"}, "--test-data, or subjects of a motion file by --hold-out"),
        ({"data": "motion", "hold_out": ["S1", "S2"]}, "expected a subject to train on"),
        ({"data": "motion", "hold_out": ["S2"], "test_data": "test"}, "got both"),
        ({"data": "train", "hold_out": ["S2"]}, "expected 3D motion as --data"),
        ({"data": "train", "test_data": "train"}, "which know no truth"),
        ({"data": "train", "test_data": "test"}, "expected detected 2D to train on"),
        ({"data": "train", "test_data": "test", "rig": "cmu14"}, "for a rig to film"),
        ({"detected": "motion", "test_detected": "test"}, "expected 2D keypoints as detected"),
        ({"data": "test", "test_data": "test"}, "annotated sequences"),
    ],
)
def test_files_of_the_wrong_kind_are_told(motion, converted, options, message):
    files = {
        "motion": motion,
        "train": converted / "train.npz",
        "test": converted / "test.npz",
    }
    named = {key: files.get(value, value) if isinstance(value, str) else value
             for key, value in options.items()}  # fmt: skip
    with pytest.raises(DataError, match=message):
        open_material("table2", **named)


def test_an_unknown_subject_is_told(motion):
    with pytest.raises(UnknownNameError, match="Unknown subject 'S3'"):
        open_material("table2", data=motion, hold_out=["S3"])


def test_a_missing_file_is_named(motion, tmp_path):
    with pytest.raises(StorageError, match=r"none\.npz"):
        open_material("table2", data=tmp_path / "none.npz", test_data=motion)
