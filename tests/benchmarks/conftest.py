"""Benchmarks as modules."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def benchmark(
    request: pytest.FixtureRequest, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """The test file's MODULES of benchmarks/, that folder on the path as when they are run."""
    if not (repository / "benchmarks").is_dir():
        pytest.skip("no benchmarks beside these tests")
    names = request.module.MODULES
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    for name in names:
        sys.modules.pop(name, None)
