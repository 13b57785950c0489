"""The public names are a checked-in snapshot; run this file to print it anew."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import posenet3d

SNAPSHOT = Path(__file__).with_name("public_names.txt")


def public_names() -> list[str]:
    """The names at the root and in the modules right below it."""
    names = [f"posenet3d.{name}" for name in posenet3d.__all__]
    for module in iter_modules(posenet3d.__path__, "posenet3d."):
        if module.name != "posenet3d.__main__":
            names += [f"{module.name}.{name}" for name in exported(module.name)]
    return sorted(names)


def exported(module: str) -> list[str]:
    content = import_module(module)
    if hasattr(content, "__all__"):
        return list(content.__all__)
    return [
        name
        for name, value in vars(content).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module
    ]


def test_the_public_names_are_those_of_the_snapshot() -> None:
    found, kept = public_names(), SNAPSHOT.read_text().splitlines()
    new, gone = sorted(set(found) - set(kept)), sorted(set(kept) - set(found))
    assert not new + gone, f"new: {new}, gone: {gone}; see CONTRIBUTING.md for how to renew it"


@pytest.mark.parametrize("name", posenet3d.__all__)
def test_every_root_name_resolves(name: str) -> None:
    assert getattr(posenet3d, name) is not None
    assert name in dir(posenet3d)


def test_an_unknown_root_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Trainr'"):
        posenet3d.Trainr  # noqa: B018


def test_the_root_imports_nothing_heavy_until_a_name_needs_it() -> None:
    program = (
        "import sys, posenet3d; posenet3d.PoseNet3DError;"
        "print(sorted({'torch', 'numpy', 'pydantic', 'rich'} & set(sys.modules)));"
        "posenet3d.geometry; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"], done.stderr


if __name__ == "__main__":
    print("\n".join(public_names()))
