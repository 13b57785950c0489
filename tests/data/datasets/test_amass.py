"""AMASS's files on a body: joints, splits, genders, and what a damaged file is told."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from posenet3d.body import load_body_model, lsp_14_regressor
from posenet3d.data import AnnotatedFile, write_annotated
from posenet3d.data.datasets import load_dataset
from posenet3d.data.datasets.amass_files import AmassMotion
from posenet3d.errors import BodyModelFileError, ConfigurationError, DataError, UnknownNameError
from posenet3d.evaluation import evaluate
from posenet3d.keypoints.clips_npz import read_clips, write_clips
from posenet3d.skeletons import layout
from posenet3d.testing import check_dataset

PROGRAM = Path(__file__).with_name("amass_files.py")
SPEC = importlib.util.spec_from_file_location("amass_files", PROGRAM)
files = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(files)


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return files.write_folder(tmp_path_factory.mktemp("amass"))


def test_it_keeps_the_contract_of_datasets(folder):
    check_dataset("amass", folder, fps=10.0)


def test_joints_are_those_of_the_body_with_the_file_s_rotations(tmp_path, mannequin):
    path = files.write(tmp_path / "a_poses.npz", frames=4)
    found = AmassMotion.read(path).joints(mannequin)
    with np.load(path) as arrays:
        turns = Rotation.from_rotvec(arrays["poses"].reshape(4, 52, 3)[:, :22].reshape(-1, 3))
        trans = arrays["trans"]
    rotations = np.tile(np.eye(3), (4, 24, 1, 1))
    rotations[:, :22] = turns.as_matrix().reshape(4, 22, 3, 3)
    skin = mannequin.vertices(torch.zeros(10), torch.tensor(rotations, dtype=torch.float32))
    expected = lsp_14_regressor(mannequin, head_top="vertex") @ skin
    np.testing.assert_allclose(found, expected.numpy() + trans[:, None], atol=1e-5)


def test_people_stand_upright_with_z_up(folder):
    clip = next(load_dataset("amass", folder).motion("train"))
    head, ankle = (clip.joints[:, layout("lsp_14").index(n)] for n in ("head_top", "left_ankle"))
    assert (head - ankle)[:, 2].min() > 1.2
    walked = clip.joints[-1].mean(axis=0) - clip.joints[0].mean(axis=0)
    np.testing.assert_allclose(walked, [0, -1, 0], atol=0.15)


def test_names_tell_dataset_subject_and_motion(folder):
    people = load_dataset("amass", folder)
    clips = list(people.motion("train"))
    assert [clip.key for clip in clips] == ["CMU_01/01_01", "ACCAD_Male1 c3d/A1 - Stand"]
    assert [(clip.fps, len(clip)) for clip in clips] == [(50.0, 50), (50.0, 50)]
    assert next(people.test()).name == "SSM_synced_20160330_03333/kick/view0"


@pytest.mark.parametrize("name", ["walk_poses.npz", "walk_stageii.npz"])
def test_smplx_files_give_the_same_body_motion(tmp_path, mannequin, name):
    wide = files.write(tmp_path / "CMU" / "1" / name, width=files.SMPLX)
    narrow = files.write(tmp_path / "narrow.npz", poses=files.poses(60, files.SMPLX)[:, :156])
    one, other = AmassMotion.read(wide), AmassMotion.read(narrow)
    np.testing.assert_array_equal(one.poses, other.poses)
    assert len(one.betas) == 0  # of SMPL-X's own shape space
    assert (len(other.betas), one.fps, one.gender) == (16, 60.0, "female")
    assert [clip.key for clip in load_dataset("amass", tmp_path).motion("train")] == ["CMU_1/walk"]


def test_the_mannequin_has_one_shape_for_everybody(tmp_path, mannequin):
    paths = [files.write(tmp_path / f"{s}.npz", 2, betas=np.full(16, s)) for s in (-2.0, 2.0)]
    one, other = (AmassMotion.read(path).joints(mannequin) for path in paths)
    np.testing.assert_array_equal(one, other)


class _OfSmplFamily:
    """The mannequin under SMPL's name: a body whose betas are those of the files."""

    def __init__(self, body):
        self._body, self.family = body, "smpl:made-up"

    def __getattr__(self, name):
        return getattr(self._body, name)


def test_a_body_of_smpl_s_gets_the_recorded_shape(tmp_path, mannequin):
    betas = np.linspace(-2, 2, 16)
    motion = AmassMotion.read(files.write(tmp_path / "a.npz", 2, betas=betas))
    found = motion.joints(_OfSmplFamily(mannequin))
    weights = lsp_14_regressor(mannequin, head_top="vertex")
    rotations = torch.eye(3).repeat(2, 24, 1, 1)
    turns = Rotation.from_rotvec(motion.poses.reshape(-1, 3)).as_matrix().reshape(2, 22, 3, 3)
    rotations[:, :22] = torch.tensor(turns, dtype=torch.float32)
    shape = torch.tensor(betas[:10], dtype=torch.float32)
    expected = mannequin.regress(shape, rotations, weights).numpy() + motion.trans[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("written", [np.array("female"), np.array(b"female"), "b'female'"])
def test_a_gender_is_read_however_it_is_written(tmp_path, written):
    assert AmassMotion.read(files.write(tmp_path / "a.npz", 2, gender=written)).gender == "female"


def test_each_gender_can_have_a_body_of_its_own(folder):
    absent = {"name": "smpl", "options": {"path": "SMPL_MALE.pkl"}}
    people = load_dataset("amass", folder, bodies={"male": absent})
    with pytest.raises(BodyModelFileError, match=r"SMPL_MALE\.pkl"):
        next(people.motion("train"))
    next(load_dataset("amass", folder, bodies={"female": absent}).motion("train"))


def test_it_is_converted_and_evaluated(folder, tmp_path):
    people = load_dataset("amass", folder, fps=10.0)
    write_clips(tmp_path / "train.npz", people.training())
    assert len(read_clips(tmp_path / "train.npz")) == 2 * 4
    write_annotated(tmp_path / "test.npz", people.test())
    assert len(AnnotatedFile(tmp_path / "test.npz")) == 4
    report = evaluate(None, list(people.motion("test")), "cmu14")
    assert 20 < report["flat"].p_mpjpe < 250


def test_datasets_that_are_not_there_are_told(folder):
    people = load_dataset("amass", folder, training=["KIT"], test=["SSM"])
    with pytest.raises(DataError, match=r"'train', got ACCAD, CMU, SSM_synced; .* training"):
        next(people.training())
    with pytest.raises(DataError, match=r"'test'.* option test"):
        next(people.test())


def test_options_are_checked(folder):
    with pytest.raises(UnknownNameError, match="cmu14-wild"):
        load_dataset("amass", folder, protocol="cmu15")
    with pytest.raises(ConfigurationError, match="fps"):
        load_dataset("amass", folder, fps=0.0)


DAMAGED = {
    "no rate": ({"mocap_framerate": None}, "mocap_framerate or mocap_frame_rate"),
    "no poses": ({"poses": None}, "with poses"),
    "of SMPL": ({"poses": np.zeros((60, 72))}, r"\(frames, 156\) of SMPL-H .* \(60, 72\)"),
    "no frames": ({"poses": np.zeros((0, 156))}, r"\(0, 156\)"),
    "texts": ({"poses": np.full((60, 156), "a")}, "poses: expected numbers"),
    "NaN": ({"poses": np.full((60, 156), np.nan)}, "poses: expected finite"),
    "fewer places": ({"trans": np.zeros((59, 3))}, r"trans: .* \(60, 3\), got float64 \(59, 3\)"),
    "a rate of zero": ({"mocap_framerate": 0.0}, "mocap_framerate: expected 1 to 10000"),
    "two rates": ({"mocap_framerate": [60.0, 60.0]}, "mocap_framerate"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_told_by_name_and_key(tmp_path, damage):
    changes, told = DAMAGED[damage]
    path = files.write(tmp_path / "CMU" / "01" / "01_01_poses.npz", **changes)
    with pytest.raises(DataError, match=told) as caught:
        next(load_dataset("amass", tmp_path).training())
    assert str(path) in str(caught.value)


def test_a_half_downloaded_file_is_told_by_name(tmp_path):
    path = files.write(tmp_path / "CMU" / "01" / "01_01_poses.npz")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"01_01_poses\.npz"):
        next(load_dataset("amass", tmp_path).training())
