import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from posenet3d.data.datasets.card import Download
from posenet3d.data.datasets.fetching import download, unpack
from posenet3d.errors import DataError, StorageError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `content`; breaks off after `breaks_after` bytes, if that is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks_after, self.ranges = CONTENT, 0, True
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/walks.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        content = self.server.content
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = 0
        if asked and self.server.ranges and self.headers.get("If-Range") == tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", tag)
        self.end_headers()
        stop = start + self.server.breaks_after if self.server.breaks_after else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def wanted(server: Server, sha256: str | None = SHA256) -> Download:
    return Download(server.url, "raw/walks.bin", sha256)


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_file_is_fetched_once_and_progress_told(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = download(wanted(server), tmp_path, lambda come, whole: told.append((come, whole)))
    assert path == tmp_path / "raw" / "walks.bin"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert download(wanted(server), tmp_path) == path
    assert (server.asked, left(tmp_path)) == ([None], ["walks.bin"])


def test_an_interrupted_download_goes_on_from_there(server: Server, tmp_path: Path) -> None:
    server.breaks_after = 100_000
    with pytest.raises(StorageError, match="65536 bytes are kept; the same command goes on"):
        download(wanted(server), tmp_path)
    assert left(tmp_path) == ["walks.bin.part", "walks.bin.part.tag"]
    server.breaks_after = 0
    assert download(wanted(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=65536-"]
    assert left(tmp_path) == ["walks.bin"]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    server: Server, tmp_path: Path
) -> None:
    server.breaks_after = 100_000
    with pytest.raises(StorageError):
        download(wanted(server, None), tmp_path)
    server.breaks_after, server.content = 0, CONTENT[::-1]
    assert download(wanted(server, None), tmp_path).read_bytes() == CONTENT[::-1]


def test_a_server_that_knows_no_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.breaks_after = 100_000
    with pytest.raises(StorageError):
        download(wanted(server), tmp_path)
    server.breaks_after, server.ranges = 0, False
    assert download(wanted(server), tmp_path).read_bytes() == CONTENT


def test_what_came_whole_but_was_not_renamed_is_fetched_anew(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "walks.bin.part").write_bytes(CONTENT)
    tag = hashlib.sha256(CONTENT).hexdigest()
    (tmp_path / "raw" / "walks.bin.part.tag").write_text(f'"{tag}"')
    assert download(wanted(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-", None]


def test_an_archive_is_unpacked_beside_it(server: Server, tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("lists/train.txt", "anna")
        archive.writestr("../outside.txt", "nothing leaves the folder")
    server.content = held.getvalue()
    root = tmp_path / "root"
    download(replace(wanted(server, None), unpacked=True), root)
    assert (root / "lists" / "train.txt").read_text() == "anna"
    assert not (tmp_path / "outside.txt").exists()
    server.content = b"no archive"
    with pytest.raises(DataError, match="expected a zip archive"):
        download(replace(wanted(server, None), unpacked=True, path="other.zip"), root)


def test_an_archive_with_damaged_contents_is_told(tmp_path: Path) -> None:
    path = tmp_path / "walks.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("walks.bin", CONTENT)
    content = bytearray(path.read_bytes())
    content[60:600] = b"\xff" * 540
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"walks\.zip: expected a zip archive"):
        unpack(path, tmp_path / "out")


def test_a_wrong_checksum_is_told_and_nothing_is_left(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(DataError, match=f"SHA-256 {SHA256}, got another one"):
        download(wanted(server), tmp_path)
    assert left(tmp_path) == []


def test_another_file_in_its_place_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "walks.bin").write_bytes(b"another")
    with pytest.raises(DataError, match="remove it, and it is fetched anew"):
        download(wanted(server), tmp_path)
    assert server.asked == []


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be downloaded"):
        download(Download("http://127.0.0.1:9/a.bin", "a.bin", SHA256), tmp_path)
    assert left(tmp_path) == []
