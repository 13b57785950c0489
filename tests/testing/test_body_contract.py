import numpy as np
import pytest
import torch
from torch import nn

from posenet3d.body import BodyModelData, LinearBlendBody, load_body_model
from posenet3d.errors import ShapeError
from posenet3d.testing.contracts import check_body_model


def test_the_mannequin_keeps_the_contract():
    check_body_model(load_body_model("mannequin"))


class StickFigure(nn.Module):
    """A stranger's body: three joints, five points, no linear blending and no mesh path."""

    num_betas, num_joints, num_vertices = 2, 3, 5
    parents, joint_names, family = (-1, 0, 1), ("base", "middle", "tip"), "stick"

    def __init__(self) -> None:
        super().__init__()
        at = [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
        self.register_buffer("joint_regressor", torch.tensor(at, dtype=torch.float32))
        self.register_buffer("faces", torch.tensor([[0, 1, 2], [2, 3, 4]]))

    def joints(self, betas, rotations):
        if betas.shape[-1] != 2 or rotations.shape[-3] != 3:
            raise ShapeError("stick", expected="2 betas and 3 joints", got="others")
        lengths = betas.exp()
        batch = torch.broadcast_shapes(betas.shape[:-1], rotations.shape[:-3])
        turned, place = torch.eye(3).to(rotations), rotations.new_zeros(*batch, 3)
        places = [place]
        for bone in range(2):
            turned = turned @ rotations[..., bone, :, :]
            place = place + turned[..., :, 1] * lengths[..., bone, None]
            places.append(place)
        return torch.stack(places, -2) + 0 * rotations[..., :1, :1, 0]

    def vertices(self, betas, rotations):
        base, middle, tip = self.joints(betas, rotations).unbind(-2)
        return torch.stack([base, (base + middle) / 2, middle, (middle + tip) / 2, tip], -2)

    def regress(self, betas, rotations, weights):
        return weights @ self.vertices(betas, rotations)

    def extra_repr(self):
        return f"family={self.family!r}"


def test_a_foreign_body_of_other_sizes_keeps_the_contract():
    check_body_model(StickFigure())


def test_a_small_linear_blend_body_keeps_the_contract():
    template = np.array([[0, 0, 0], [0.1, 1, 0], [-0.1, 1, 0], [0, 2, 0.1]], dtype=float)
    data = BodyModelData(
        v_template=template,
        shapedirs=np.arange(24.0).reshape(4, 3, 2) / 100,
        posedirs=np.arange(108.0).reshape(4, 3, 9) / 1000,
        joint_regressor=np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0]]),
        weights=np.array([[1, 0], [0.5, 0.5], [0.5, 0.5], [0, 1]]),
        faces=np.array([[0, 1, 2], [1, 3, 2]]),
        parents=(-1, 0),
        joint_names=("base", "middle"),
        family="small",
    )
    check_body_model(LinearBlendBody(data))


def breach(name, replacement):
    """A stick figure with one member replaced."""
    return type("Breach", (StickFigure,), {name: replacement})()


@pytest.mark.parametrize(
    ("name", "replacement", "promise"),
    [
        ("family", "", "names its family"),
        ("parents", (-1, 0), "one parent a joint"),
        ("parents", (0, 0, 1), "root comes first"),
        ("parents", (-1, 2, 1), "each parent comes before its joint"),
        ("joint_names", ("a", "a", "b"), "one distinct name a joint"),
        ("num_vertices", 6, "joint_regressor has shape"),
        ("extra_repr", lambda self: "", "repr names the family"),
        ("regress", lambda self, b, r, w: 2 * w @ self.vertices(b, r), "regress is weights"),
        ("vertices", lambda self, b, r: torch.zeros(5, 3), "have shape"),
    ],
)
def test_a_breach_is_told_in_words(name, replacement, promise):
    with pytest.raises(AssertionError, match=promise):
        check_body_model(breach(name, replacement))


def test_what_is_no_body_is_told():
    with pytest.raises(AssertionError, match=r"posenet3d\.body\.BodyModel"):
        check_body_model(nn.Linear(2, 2))


def test_a_body_that_mixes_the_poses_of_a_batch_is_told():
    def mixed(self, betas, rotations):
        vertices = StickFigure.vertices(self, betas, rotations)
        return vertices - vertices.mean() if betas.ndim == 2 else vertices

    with pytest.raises(AssertionError, match="alone and in a batch"):
        check_body_model(breach("vertices", mixed))


def test_a_body_that_ignores_wrong_sizes_is_told():
    def lenient(self, betas, rotations):
        rows = [0, 1, 1][: rotations.shape[-3]]
        padded = betas[..., [0, -1]], rotations[..., [*rows, 1][:3], :, :]
        return StickFigure.vertices(self, *padded)

    with pytest.raises(AssertionError, match="one too few betas raises"):
        check_body_model(breach("vertices", lenient))


def test_a_body_with_something_to_train_is_told():
    body = StickFigure()
    body.extra = nn.Parameter(torch.zeros(1))
    with pytest.raises(AssertionError, match="nothing to train"):
        check_body_model(body)
