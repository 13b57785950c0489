"""Downloads of what anyone may download: checked, and gone on with where they were cut off."""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from posenet3d.data.datasets.card import Download
from posenet3d.errors import DataError, MissingExtraError, StorageError

PART = ".part"
"""What the name of a file ends in while not all of it has come."""

_CHUNK = 2**16
_SECONDS = 30.0
"""How long a server may be silent."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)
"""What `zipfile` raises for an archive that is none, or is damaged."""

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes that have come, and all there are if the server says."""


def download(file: Download, root: Path, on_bytes: OnBytes | None = None) -> Path:
    """A file fetched into a dataset's folder; complete and as its checksum says, or not at all.

    What has come of it lies beside it under its name and ``.part``; called again, the download
    goes on from there, where the server can do that and still has the same file. A file that is
    there already is not fetched again; its checksum is looked at. An archive is unpacked.

    Args:
        file: what and where to.
        root: the dataset's folder; it is made.
        on_bytes: told how far it is.

    Returns:
        The file.

    Raises:
        DataError: what came, or was there, has another checksum; what came is removed.
        MissingExtraError: ``pooch`` is not installed.
        StorageError: the server cannot be reached or breaks off, or the disk refuses.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "a.txt").write_text("whole")
        5
        >>> download(Download("https://example.org/a.txt", "a.txt"), root).name
        'a.txt'
    """
    target = root / file.path
    if target.is_file():
        _check_there(target, file)
    else:
        _fetch(file, target, on_bytes)
    if file.unpacked:
        unpack(target, root)
    return target


def _fetch(file: Download, target: Path, on_bytes: OnBytes | None) -> None:
    try:
        import pooch
        import requests
    except ImportError:
        raise MissingExtraError("pooch", "io", "Downloads") from None
    pooch.get_logger().setLevel("WARNING")
    part = target.with_name(target.name + PART)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            file.url,
            known_hash=None if file.sha256 is None else f"sha256:{file.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=_Resuming(part, on_bytes),
        )
    except requests.RequestException as error:
        kept = part.stat().st_size if part.is_file() else 0
        how = f" {kept} bytes are kept; the same command goes on." if kept else ""
        raise StorageError(file.url, f"cannot be downloaded: {error}.{how}") from error
    except ValueError as error:  # pooch's word for another checksum
        raise DataError(
            file.url,
            f"expected a file with SHA-256 {file.sha256}, got another one, which was removed "
            f"({error}). Try again; if it comes again, its owners changed it.",
        ) from error
    except OSError as error:
        raise StorageError(target, f"cannot be written: {error.strerror or error}.") from error


def unpack(archive: Path, folder: Path) -> None:
    """A zip archive's contents put into a folder; the archive stays.

    Args:
        archive: the zip file.
        folder: where its files go; those of the same name are replaced.

    Raises:
        DataError: it is no zip file, or is damaged.
        StorageError: the disk refuses.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "a.zip", "w") as made:
        ...     made.writestr("lists/one.txt", "1")
        >>> unpack(folder / "a.zip", folder)
        >>> (folder / "lists" / "one.txt").read_text()
        '1'
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
    except _DAMAGED as error:
        raise DataError(
            archive, f"expected a zip archive, got a damaged one or no zip ({error}); remove it."
        ) from error
    except OSError as error:
        raise StorageError(folder, f"cannot be written: {error.strerror or error}.") from error


def _check_there(path: Path, file: Download) -> None:
    if file.sha256 is None:
        return
    with path.open("rb") as opened:
        got = hashlib.file_digest(opened, "sha256").hexdigest()
    if got != file.sha256:
        raise DataError(
            path, f"expected SHA-256 {file.sha256}, got {got}; remove it, and it is fetched anew."
        )


class _Resuming:
    """What pooch downloads with: goes on with what has come before."""

    def __init__(self, part: Path, on_bytes: OnBytes | None) -> None:
        self._part, self._on_bytes = part, on_bytes
        self._tag = part.with_name(part.name + ".tag")

    def __call__(self, url: str, output_file: str | Path, pooch: Any) -> None:
        import requests

        with requests.get(url, headers=self._asked(), stream=True, timeout=_SECONDS) as reply:
            if reply.status_code == requests.codes.requested_range_not_satisfiable:
                self._forget()
                return self(url, output_file, pooch)
            reply.raise_for_status()
            self._take(reply)
        os.replace(self._part, output_file)
        self._tag.unlink(missing_ok=True)

    def _asked(self) -> dict[str, str]:
        """What is asked for: the rest, if the file is still the one whose beginning is here."""
        plain = {"Accept-Encoding": "identity"}
        if not (self._part.is_file() and self._tag.is_file()):
            return plain
        start = f"bytes={self._part.stat().st_size}-"
        return {**plain, "Range": start, "If-Range": self._tag.read_text()}

    def _take(self, reply: Any) -> None:
        rest = reply.status_code == 206
        tag = reply.headers.get("ETag") or reply.headers.get("Last-Modified")
        if not rest:
            self._forget()
            if tag:
                self._tag.write_text(tag)
        come = self._part.stat().st_size if rest else 0
        length = reply.headers.get("Content-Length")
        whole = None if length is None else come + int(length)
        with self._part.open("ab" if rest else "wb") as file:
            for chunk in reply.iter_content(_CHUNK):
                file.write(chunk)
                come += len(chunk)
                if self._on_bytes is not None:
                    self._on_bytes(come, whole)

    def _forget(self) -> None:
        for path in (self._part, self._tag):
            path.unlink(missing_ok=True)
