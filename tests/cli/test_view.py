import re
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from posenet3d.cli import main
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import Reconstruction


@pytest.fixture
def result(tmp_path):
    points = np.random.default_rng(0).normal(size=(20, 14, 2)) * 100 + 500
    seen = KeypointSequence(points, layout="lsp_14", fps=25.0, image_size=(1000, 1000))
    path = tmp_path / "result.npz"
    Reconstruction(np.full((20, 14, 3), 0.5), np.full((20, 3), 3.0), seen).save(path)
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["view", *map(str, arguments)])
    return left.value.code


def test_html_is_written_and_its_size_told(result, tmp_path, capsys):
    page = tmp_path / "out.html"
    assert run(result, "--html", page) == 0
    assert re.search(r"out\.html: 20 frames, 0\.\d\d MB, plays offline", capsys.readouterr().out)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_an_html_file_is_replaced_only_when_told_to(result, tmp_path, capsys):
    page = tmp_path / "out.html"
    page.write_text("precious")
    assert run(result, "--html", page) == 2
    assert "already there; add --force" in capsys.readouterr().err
    assert page.read_text() == "precious"
    assert run(result, "--html", page, "--force") == 0
    assert page.read_text(encoding="utf-8") != "precious"


def test_without_viser_an_html_file_takes_its_place(result, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "viser", None)
    assert run(result, "--no-browser") == 0
    told = capsys.readouterr()
    assert "posenet3d[viz]" in told.err
    assert result.with_suffix(".html").is_file()
    assert run(result, "--no-browser") == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gone.npz", "empty.npz"])
def test_a_file_that_is_no_result_is_one_message(tmp_path, capsys, name):
    (tmp_path / "empty.npz").write_bytes(b"")
    assert run(tmp_path / name) == 2
    told = capsys.readouterr().err
    assert told.startswith("Error: ")
    assert "Traceback" not in told


def test_the_page_is_served_until_it_is_interrupted(result):
    pytest.importorskip("viser")
    program = "from posenet3d.cli import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "view", str(result), "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        address = next(
            found.group(1)
            for line in server.stdout
            if (found := re.match(r"(http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)", line))
        )
        with urllib.request.urlopen(address, timeout=30) as page:
            assert b"<html" in page.read().lower()
        time.sleep(0.5)
        assert server.poll() is None
        server.send_signal(signal.SIGINT)
        told, _ = server.communicate(timeout=30)
        assert server.returncode == 0, told
        assert "Stopped." in told
        assert "Traceback" not in told
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address, timeout=5)
    finally:
        server.kill()


def test_an_address_that_is_not_this_machines_is_told(result, capsys):
    pytest.importorskip("viser")
    assert run(result, "--no-browser", "--host", "192.0.2.1") == 2
    assert "192.0.2.1:8080: nothing can be served here" in capsys.readouterr().err


def test_help_imports_no_torch():
    program = (
        "import sys\nfrom posenet3d.cli import main\n"
        "try: main(['view', '--help'])\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False False", done.stderr
