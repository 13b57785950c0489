"""Reads HDF5 files in a process of its own: started by `posenet3d.files.hdf5`, never imported.

The HDF5 library is written for files that one trusts: a damaged one may send it round in a circle
or crash it. Here that ends this process only. It takes a line of JSON on its standard input and
answers with a line of JSON and the arrays' bytes, until the input ends.
"""

import fnmatch
import json
import sys
from typing import Any, BinaryIO

_MAX_ATTRIBUTE = 2**20
_MAX_TEXTS = 100_000
_MAX_NODES = 1000
_MEMORY = 4 * 2**30


def main() -> None:
    """Answers requests until there are no more."""
    _limit_memory()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    import h5py  # the process is up once its libraries are

    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        try:
            answer = _Answer(**json.loads(line))
            answer.read(h5py)
        except Exception as error:  # whatever the library makes of the file
            answer = _Answer("", [], 0)
            answer.told = {"error": f"{type(error).__name__}: {error}"[:500]}
        answer.send(answers)


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, ValueError, OSError):  # not on this system
        return


class _Answer:
    """What a file holds, as far as it was asked for."""

    def __init__(self, path: str, names: list[str], max_bytes: int) -> None:
        self.path, self.names, self.left = path, names, max_bytes
        self.told: dict[str, Any] = {"arrays": [], "texts": {}, "attributes": {}, "references": {}}
        self.data: list[Any] = []
        self.nodes = 0

    def send(self, stream: BinaryIO) -> None:
        """Written as a line of JSON and the bytes that it promises."""
        stream.write(json.dumps(self.told).encode() + b"\n")
        for array in self.data:
            stream.write(array.data if array.size else b"")
        stream.flush()

    def read(self, h5py: Any) -> None:
        """Everything asked for, from the root and the groups in it."""
        with h5py.File(self.path, "r") as file:
            self._group(h5py, file, "", depth=0)

    def _group(self, h5py: Any, group: Any, prefix: str, depth: int) -> None:
        self._attributes(group, prefix.rstrip("/"))
        for name in group:
            self.nodes += 1
            if self.nodes > _MAX_NODES:
                raise ValueError(f"more than {_MAX_NODES} groups and arrays")
            path = prefix + name
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink | h5py.SoftLink):
                continue
            asked = any(fnmatch.fnmatchcase(path, pattern) for pattern in self.names)
            kind = group.get(name, getclass=True)
            if kind is h5py.Group and depth == 0:
                self._group(h5py, group[name], f"{path}/", depth + 1)
            elif kind is h5py.Dataset and asked:
                self._dataset(h5py, group[name], path)

    def _attributes(self, item: Any, path: str) -> None:
        found: dict[str, Any] = {}
        for name in list(item.attrs)[:_MAX_NODES]:
            identifier = item.attrs.get_id(name)
            if identifier.shape != () or identifier.get_storage_size() > _MAX_ATTRIBUTE:
                continue
            value = item.attrs[name]
            if isinstance(value, bytes):
                value = value.decode("latin-1")
            if hasattr(value, "item"):
                value = value.item()
            if isinstance(value, str | int | float):
                found[name] = value
        self.told["attributes"][path] = found

    def _dataset(self, h5py: Any, data: Any, path: str) -> None:
        self._attributes(data, path)
        if data.shape is None or data.is_virtual or data.external:
            raise ValueError(f"{path!r} keeps its numbers elsewhere")
        if h5py.check_ref_dtype(data.dtype) is h5py.Reference:
            self._references(data, path)
            return
        texts = h5py.check_string_dtype(data.dtype)
        if texts is not None and texts.length is None:
            self._texts(data, path)
            return
        chunk = data.dtype.itemsize
        for size in data.chunks or ():
            chunk *= size
        if data.nbytes > self.left or chunk > self.left:
            raise ValueError(f"{path!r} would take {max(data.nbytes, chunk)} bytes")
        self.left -= data.nbytes
        if data.dtype.names:
            for name in data.dtype.names:
                self._array(data[name], f"{path}:{name}")
        else:
            self._array(data[()], path)

    def _references(self, data: Any, path: str) -> None:
        if data.size > _MAX_TEXTS:
            raise ValueError(f"{path!r} has {data.size} references")
        found = [data.file[place].name if place else "" for place in data[()].ravel().tolist()]
        self.told["references"][path] = [(name or "").lstrip("/") for name in found]

    def _texts(self, data: Any, path: str) -> None:
        if data.size > _MAX_TEXTS:
            raise ValueError(f"{path!r} has {data.size} texts")
        texts = [
            text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            for text in data[()].ravel().tolist()
        ] if data.shape else []  # fmt: skip
        self.left -= sum(map(len, texts))
        if self.left < 0:
            raise ValueError(f"{path!r} has too long texts")
        self.told["texts"][path] = texts

    def _array(self, array: Any, path: str) -> None:
        import numpy as np

        if array.dtype.kind == "f":
            array = array.astype("<f8", copy=False)
        elif array.dtype.kind in "biu":
            array = array.astype("<i8", copy=False)
        elif array.dtype.kind != "S" or array.dtype.itemsize == 0:
            return
        array = np.ascontiguousarray(array)
        self.told["arrays"].append([path, array.dtype.str, list(array.shape)])
        self.data.append(array)


if __name__ == "__main__":
    main()
