"""Reads HDF5 files for `posenet3d.files.hdf5`: run by ``reader_worker.py``, never imported."""

import fnmatch
from typing import Any

import h5py
import numpy as np

_MAX_ATTRIBUTE = 2**20
_MAX_TEXTS = 100_000
_MAX_NODES = 1000


def read(path: str, names: list[str], max_bytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file holds, as far as it is asked for: texts, attributes and references; arrays."""
    contents = _Contents(names, max_bytes)
    with h5py.File(path, "r") as file:
        contents.add_group(file, "", depth=0)
    return contents.facts, contents.arrays


class _Contents:
    """What was found so far."""

    def __init__(self, names: list[str], max_bytes: int) -> None:
        self.names, self.left = names, max_bytes
        self.facts: dict[str, Any] = {"texts": {}, "attributes": {}, "references": {}}
        self.arrays: dict[str, Any] = {}
        self.nodes = 0

    def add_group(self, group: Any, prefix: str, depth: int) -> None:
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
                self.add_group(group[name], f"{path}/", depth + 1)
            elif kind is h5py.Dataset and asked:
                self._dataset(group[name], path)

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
        self.facts["attributes"][path] = found

    def _dataset(self, data: Any, path: str) -> None:
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
        self.facts["references"][path] = [(name or "").lstrip("/") for name in found]

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
        self.facts["texts"][path] = texts

    def _array(self, array: Any, path: str) -> None:
        if array.dtype.kind == "f":
            array = array.astype("<f8", copy=False)
        elif array.dtype.kind in "biu":
            array = array.astype("<i8", copy=False)
        elif array.dtype.kind != "S" or array.dtype.itemsize == 0:
            return
        self.arrays[path] = np.ascontiguousarray(array)
