import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import (
    LinearBlendBody,
    SmplBody,
    load_body_model,
    mannequin_data,
    write_body_file,
)
from posenet3d.body.smpl import check_rotations
from posenet3d.errors import (
    BodyModelError,
    BodyModelFileError,
    ConfigurationError,
    MissingExtraError,
    ShapeError,
)
from posenet3d.geometry import random_rotmat
from posenet3d.testing import check_body_model
from posenet3d.testing.bodies import bodies, shapes_and_poses

try:
    import smplx
except ImportError:
    smplx = None

needs_smplx = pytest.mark.skipif(
    smplx is None, reason="smplx is not installed; pip install 'posenet3d[smpl]'"
)
METRES = {torch.float32: 1e-5, torch.float64: 1e-10}


@pytest.fixture(scope="module", params=METRES, ids=str)
def pair(request):
    """The mannequin by smplx and by our own lbs."""
    data, dtype = mannequin_data(), request.param
    return SmplBody(data, dtype), LinearBlendBody(data, dtype), METRES[dtype]


def at_rest(*batch):
    return torch.eye(3).expand(*batch, 24, 3, 3)


def apart(first, second):
    assert first.shape == second.shape
    assert first.dtype == second.dtype
    return float((first - second).abs().max())


@needs_smplx
@given(data=st.data())
@settings(max_examples=25)
def test_smplx_and_our_own_skinning_agree_on_the_mannequin(pair, data):
    smpl, ours, metres = pair
    betas, rotations = data.draw(shapes_and_poses(mannequin_data(), batch=(2,)))
    betas = betas.clamp(-5, 5).to(ours.template)
    rotations = rotations.to(ours.template)
    assert apart(smpl.vertices(betas, rotations), ours.vertices(betas, rotations)) < metres
    assert apart(smpl.joints(betas, rotations), ours.joints(betas, rotations)) < metres
    weights = ours.joint_regressor
    regressed = smpl.regress(betas, rotations, weights)
    assert apart(regressed, weights @ smpl.vertices(betas, rotations)) < metres


@needs_smplx
@given(data=st.data())
@settings(max_examples=15)
def test_they_agree_on_any_mesh_and_tree_of_24_joints_in_float64(data):
    body = data.draw(bodies(joints=24))
    smpl, ours = SmplBody(body, torch.float64), LinearBlendBody(body, torch.float64)
    betas, rotations = data.draw(shapes_and_poses(body))
    size = 1 + float(ours.vertices(betas, rotations).abs().max())
    assert apart(smpl.vertices(betas, rotations), ours.vertices(betas, rotations)) < 1e-10 * size
    assert apart(smpl.joints(betas, rotations), ours.joints(betas, rotations)) < 1e-10 * size


@needs_smplx
def test_it_is_what_smplx_itself_computes(capsys):
    data, generator = mannequin_data(), torch.Generator().manual_seed(0)
    struct = type("Struct", (), {})()
    names = {"v_template": data.v_template, "shapedirs": data.shapedirs, "f": data.faces,
             "posedirs": data.posedirs, "weights": data.weights,
             "J_regressor": data.joint_regressor,
             "kintree_table": np.array([data.parents] * 2)}  # fmt: skip
    vars(struct).update(names)
    layer = smplx.SMPLLayer("", data_struct=struct)
    capsys.readouterr()  # it prints a warning about 10 betas
    betas = torch.randn(3, 10, generator=generator)
    rotations = random_rotmat(3, 24, generator=generator)
    theirs = layer(betas=betas, global_orient=rotations[:, :1], body_pose=rotations[:, 1:])
    body = SmplBody(data)
    torch.testing.assert_close(body.vertices(betas, rotations), theirs.vertices)
    torch.testing.assert_close(body.joints(betas, rotations), theirs.joints[:, :24])
    assert capsys.readouterr() == ("", "")


@needs_smplx
def test_smpl_keeps_the_contract_of_a_body_model():
    check_body_model(SmplBody(mannequin_data()))


@needs_smplx
def test_gradients_are_those_of_our_own_skinning(pair):
    smpl, ours, metres = pair
    generator = torch.Generator().manual_seed(1)
    betas = torch.randn(2, 10, generator=generator).to(ours.template).requires_grad_()
    rotations = random_rotmat(2, 24, generator=generator).to(ours.template).requires_grad_()
    for name in ("vertices", "joints"):
        losses = [getattr(body, name)(betas, rotations).square().mean() for body in (smpl, ours)]
        theirs, own = (torch.autograd.grad(loss, (betas, rotations)) for loss in losses)
        for first, second in zip(theirs, own, strict=True):
            assert apart(first, second) < metres


@needs_smplx
def test_no_number_of_smpl_goes_into_checkpoints():
    assert SmplBody(mannequin_data()).state_dict() == {}


@needs_smplx
def test_betas_between_ten_and_three_hundred_are_all_used():
    data = mannequin_data()
    tripled = np.concatenate([data.shapedirs] * 3, -1)
    wide = type(data)(**{**vars(data), "shapedirs": tripled})
    body, ours = SmplBody(wide), LinearBlendBody(wide)
    betas = torch.linspace(-1, 1, 30)
    assert body.num_betas == 30
    assert apart(body.vertices(betas, at_rest()), ours.vertices(betas, at_rest())) < 1e-5


@needs_smplx
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r * 1.01, "off the identity"),
        (lambda r: -r, "a reflection"),
        (lambda r: r * torch.nan, "off the identity"),
        (lambda r: torch.zeros_like(r), "off the identity"),
    ],
)
def test_what_is_no_rotation_is_refused(change, told):
    body, betas, wrong = SmplBody(mannequin_data()), torch.zeros(10), at_rest().clone()
    wrong[7] = change(wrong[7])
    for use in (body.vertices, body.joints, lambda b, r: body.regress(b, r, body.joint_regressor)):
        with pytest.raises(ShapeError, match=f"rotations: expected rotation matrices.*{told}"):
            use(betas, wrong)


@given(st.integers(0, 2**31), st.sampled_from([torch.float32, torch.float64]))
def test_rotations_pass_and_stretched_ones_do_not(seed, dtype):
    rotations = random_rotmat(4, generator=torch.Generator().manual_seed(seed)).to(dtype)
    check_rotations(rotations)
    with pytest.raises(ShapeError):
        check_rotations(rotations * 1.001)


@needs_smplx
def test_another_number_of_joints_is_refused_with_a_way_out():
    data = mannequin_data()
    parts = {"posedirs": data.posedirs[..., :9], "weights": np.eye(2)[[0] * data.num_vertices],
             "joint_regressor": data.joint_regressor[:2], "parents": (-1, 0),
             "joint_names": ("a", "b")}  # fmt: skip
    with pytest.raises(BodyModelError, match=r"24 joints, got 2.*linear_blend"):
        SmplBody(type(data)(**{**vars(data), **parts}))


def test_without_smplx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "smplx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'posenet3d\[smpl\]'"):
        SmplBody(mannequin_data())


@needs_smplx
def test_the_body_model_smpl_reads_the_mannequins_npz(tmp_path):
    write_body_file(tmp_path / "body.npz", mannequin_data())
    body = load_body_model("smpl", path=str(tmp_path / "body.npz"), betas=7)
    assert isinstance(body, SmplBody)
    assert (body.family, body.num_betas) == ("makehuman-cc0", 7)


@pytest.mark.parametrize("options", [{}, {"path": "SMPL_NEUTRAL.pkl"}])
def test_a_missing_file_or_path_tells_where_smpl_is_obtained(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BodyModelFileError, match=r"smpl\.is\.tue\.mpg\.de.*'mannequin' needs no"):
        load_body_model("smpl", **options)


def test_wrong_options_are_told():
    with pytest.raises(ConfigurationError, match="betas"):
        load_body_model("smpl", path="a.pkl", betas=0)
