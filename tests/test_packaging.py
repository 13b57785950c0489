"""What is built from the source tree: everything that ships is in the wheel, and nothing large."""

import shutil
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

LARGEST = 40e6
WEIGHTS = ("model.safetensors", "model.json", "card.json", "model_card.md")


@pytest.fixture(scope="module")
def tree(repository, tmp_path_factory):
    """A copy of what a wheel is made from, with one network more among the weights."""
    root = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".gitignore"):
        if (repository / name).exists():  # an sdist has no .gitignore
            shutil.copy(repository / name, root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "src", root / "src", ignore=ignored)
    toy = root / "src" / "posenet3d" / "assets" / "weights" / "toy"
    toy.mkdir(parents=True)
    for name in WEIGHTS:
        (toy / name).write_text(name)
    return root


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    """The built wheel."""
    made = WheelBuilder(str(tree)).build(directory=str(tmp_path_factory.mktemp("dist")))
    return Path(next(iter(made)))


def test_the_wheel_holds_every_asset_byte_by_byte(tree, wheel):
    assets = [path for path in (tree / "src/posenet3d/assets").rglob("*") if path.is_file()]
    assert {path.name for path in assets} >= {"mannequin.npz", *WEIGHTS}
    with zipfile.ZipFile(wheel) as archive:
        for path in assets:
            name = path.relative_to(tree / "src").as_posix()
            assert archive.read(name) == path.read_bytes(), name


def test_the_wheel_holds_the_notice_with_the_words_that_the_data_s_owner_asks_for(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("licenses/NOTICE"))
        notice = " ".join(archive.read(name).decode().split())
    assert "The data used in this project was obtained from mocap.cs.cmu.edu." in notice
    assert "NSF EIA-0196217" in notice


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < LARGEST
