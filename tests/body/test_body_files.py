import hashlib

import numpy as np
import pytest

from posenet3d.body import SMPL_JOINT_NAMES, read_body_file
from posenet3d.errors import BodyModelError, BodyModelFileError

ROOT = 2**32 - 1


def arrays(joints=2, **changes):
    tree = np.array([[ROOT, *range(joints - 1)], range(joints)], dtype=np.uint32)
    return {
        "v_template": np.arange(12.0).reshape(4, 3),
        "shapedirs": np.ones((4, 3, 1)),
        "posedirs": np.zeros((4, 3, 9 * (joints - 1))),
        "J_regressor": np.full((joints, 4), 0.25),
        "weights": np.full((4, joints), 1 / joints),
        "f": np.array([[0, 1, 2]], dtype=np.uint32),
        "kintree_table": tree,
        **changes,
    }


@pytest.fixture
def write(tmp_path):
    def written(**contents):
        path = tmp_path / "body.npz"
        np.savez(path, **contents)
        return path

    return written


def test_a_file_of_smpls_format_is_a_body(write):
    body = read_body_file(write(**arrays(24)))
    assert body.parents[:3] == (-1, 0, 1)
    assert body.joint_names == SMPL_JOINT_NAMES


def test_a_body_without_a_family_is_named_by_its_digest(write):
    path = write(**arrays())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    body = read_body_file(path)
    assert body.sha256 == digest
    assert body.family == f"sha256:{digest[:16]}"
    assert body.joint_names == ("joint_0", "joint_1")


def test_a_file_may_name_its_family_joints_and_licence(write):
    path = write(
        **arrays(), family=np.array("mine"), license=np.array("CC0"), joint_names=["hip", "head"]
    )
    body = read_body_file(path)
    assert (body.family, body.license, body.joint_names) == ("mine", "CC0", ("hip", "head"))
    assert read_body_file(path, family="yours").family == "yours"


def test_a_missing_file_is_told_with_a_way_out(tmp_path):
    with pytest.raises(
        BodyModelFileError, match=r"No such file.*use the body 'mannequin'"
    ) as caught:
        read_body_file(tmp_path / "SMPL_NEUTRAL.npz")
    assert caught.value.path.endswith("SMPL_NEUTRAL.npz")


def test_another_digest_is_refused_with_both_told(write):
    path = write(**arrays())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(
        BodyModelFileError, match=f"body.npz: expected SHA-256 {'0' * 64}, found {found}"
    ):
        read_body_file(path, sha256="0" * 64)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "body.npz"
    path.write_bytes(content)
    with pytest.raises(BodyModelFileError, match="expected an npz of plain arrays"):
        read_body_file(path)


def test_a_lone_npy_is_refused(tmp_path):
    path = tmp_path / "body.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(BodyModelFileError, match="expected an npz of plain arrays"):
        read_body_file(path)


def test_nothing_in_a_file_is_unpickled(write):
    with pytest.raises(BodyModelFileError, match="plain arrays"):
        read_body_file(write(**arrays(v_template=np.array([{"a": 1}], dtype=object))))


def test_missing_arrays_are_listed(write):
    contents = arrays()
    del contents["weights"], contents["f"]
    with pytest.raises(BodyModelFileError, match="expected the arrays weights, f, got v_template"):
        read_body_file(write(**contents))


@pytest.mark.parametrize("tree", [np.zeros((3, 2), int), np.zeros((2, 2))])
def test_a_tree_of_another_form_is_refused(write, tree):
    with pytest.raises(BodyModelFileError, match="kintree_table of integers"):
        read_body_file(write(**arrays(kintree_table=tree)))


def test_the_arrays_of_a_file_are_validated(write):
    with pytest.raises(BodyModelError, match="joint_regressor: expected rows that sum to 1"):
        read_body_file(write(**arrays(J_regressor=np.full((2, 4), 0.5))))
