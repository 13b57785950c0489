"""Every exporter that the package advertises keeps the contract."""

import os

import pytest

from posenet3d.export import write_obj
from posenet3d.plugins import GROUPS
from posenet3d.testing import check_exporter

NEED_A_BODY = {"bvh", "glb", "obj", "ply"}
WITHOUT_BODY = {"c3d", "csv", "html", "json", "npz", "trc"}
PICTURES = {"gif", "mp4", "png"}
"""Tested where they are made, in visualization: they draw what else there is."""

SAYS = {
    "c3d": ("millimetres", "z up", "unknown"),
    "csv": ("metres", "y up", "unknown", "estimated"),
    "json": ('"unit": "m"', '"up_axis": "y"', '"scale_known": false', '"fps": 25.0'),
    "obj": ("Unit: metres", "y up", "makehuman-cc0", "CC0", "unknown", "estimated"),
    "ply": ("Unit: metres", "y up", "makehuman-cc0", "CC0", "unknown", "estimated"),
    "trc": ("\tm\t", "y up", "unknown", "estimated"),
}
OPTIONS = {"obj": {"every": 3}}


@pytest.mark.parametrize("name", sorted(NEED_A_BODY | WITHOUT_BODY))
def test_the_contract_is_kept(name):
    if name not in GROUPS["exporters"].names():
        pytest.skip(f"this installation predates the entry point of {name!r}; install it again")
    check_exporter(
        name,
        needs_body=name in NEED_A_BODY,
        says=SAYS.get(name, ()),
        **OPTIONS.get(name, {}),
    )


def test_no_exporter_is_forgotten():
    ours = {
        each.name for each in GROUPS["exporters"].advertised() if each.distribution == "posenet3d"
    }
    assert ours <= NEED_A_BODY | WITHOUT_BODY | PICTURES


def writes_in_place(*, path, reconstruction):
    """A stranger's exporter that writes straight to its name."""
    with open(path, "wb") as file:
        file.write(reconstruction.joints3d.tobytes() * 10)


def test_an_exporter_that_leaves_halves_breaches_the_contract():
    with pytest.raises(AssertionError, match="Exporter: expected"):
        check_exporter(writes_in_place, suffix=".bin")


def writes_elsewhere(*, path, reconstruction):
    with open(f"{path}.other", "wb") as file:
        file.write(reconstruction.joints3d.tobytes())


def is_silent(*, path, reconstruction):
    open(path, "wb").close()


def moves_the_root(*, path, reconstruction):
    reconstruction.root[:] += 1
    with open(path, "wb") as file:
        file.write(reconstruction.joints3d.tobytes())


def differs(*, path, reconstruction):
    with open(path, "wb") as file:
        file.write(os.urandom(30))


@pytest.mark.parametrize(
    ("breach", "message"),
    [
        (writes_elsewhere, "writes at the path"),
        (is_silent, "not empty"),
        (moves_the_root, "leaves the reconstruction's root"),
        (differs, "same motion gives the same bytes"),
        (writes_in_place, "not finite are refused"),
    ],
)
def test_each_breach_is_named(breach, message):
    with pytest.raises(AssertionError, match=message):
        check_exporter(breach, suffix=".bin")


def test_what_must_be_said_is_looked_for():
    with pytest.raises(AssertionError, match="says 'in feet'"):
        check_exporter("csv", says=["in feet"])


def test_the_primitive_of_one_mesh_is_no_exporter():
    assert GROUPS["exporters"].load("obj") is not write_obj
