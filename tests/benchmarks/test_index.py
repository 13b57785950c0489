"""The list of the benchmarks: benchmarks/README.md."""

import re
from pathlib import Path

import pytest


@pytest.fixture
def folder(repository: Path) -> Path:
    found = repository / "benchmarks"
    if not found.is_dir():
        pytest.skip("no benchmarks beside these tests")
    return found


def test_every_script_that_can_be_run_is_listed_once(folder: Path) -> None:
    scripts = {path.name for path in folder.glob("*.py") if "\ndef main(" in path.read_text()}
    listed = re.findall(r"^\| [^|]+ \| `(\w+\.py)\b", (folder / "README.md").read_text(), re.M)
    assert sorted(listed) == sorted(scripts)


def test_every_page_is_linked_and_every_link_leads_to_a_page(folder: Path) -> None:
    pages = {path.name for path in (folder / "results").glob("*.md")}
    linked = re.findall(r"\]\(results/([^)]+)\)", (folder / "README.md").read_text())
    assert set(linked) == pages
