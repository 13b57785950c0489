import numpy as np
import pytest

from posenet3d.body import LinearBlendBody, load_body_model, mannequin_data
from posenet3d.errors import BodyModelFileError, ConfigurationError, UnknownPluginError
from posenet3d.plugins import PluginSpec


@pytest.fixture(scope="module")
def body_file(tmp_path_factory):
    path, data = tmp_path_factory.mktemp("body") / "body.npz", mannequin_data()
    np.savez(
        path,
        v_template=data.v_template,
        shapedirs=data.shapedirs,
        posedirs=data.posedirs,
        J_regressor=data.joint_regressor,
        weights=data.weights,
        f=data.faces,
        kintree_table=np.array([data.parents, range(24)]),
    )
    return path


def test_the_mannequin_is_the_default():
    body = load_body_model()
    assert isinstance(body, LinearBlendBody)
    assert body.family == "makehuman-cc0"


def test_a_specification_names_a_body_with_its_options(body_file):
    spec = PluginSpec(name="linear_blend", options={"path": str(body_file), "family": "mine"})
    assert load_body_model(spec).family == "mine"
    assert load_body_model(spec, family="yours").family == "yours"
    assert load_body_model("linear_blend", path=str(body_file)).family.startswith("sha256:")


def test_a_missing_body_file_is_told():
    with pytest.raises(BodyModelFileError, match=r"nowhere\.npz"):
        load_body_model("linear_blend", path="nowhere.npz")


@pytest.mark.parametrize(
    ("name", "options"),
    [("mannequin", {"gender": "male"}), ("linear_blend", {}), ("linear_blend", {"path": 3})],
)
def test_wrong_options_are_told(name, options):
    with pytest.raises(ConfigurationError, match="body model"):
        load_body_model(name, **options)


def test_an_unknown_body_is_told_with_the_nearest_name():
    with pytest.raises(UnknownPluginError, match="did you mean 'mannequin'"):
        load_body_model("manequin")
