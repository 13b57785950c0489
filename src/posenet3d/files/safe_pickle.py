"""Pickles read without running them.

A pickle is a program; Python's own reader calls whatever it names. This one is a machine of its
own that never calls, imports or looks up anything: where the program would make an object, the
machine notes down which one (:class:`Record`), and :mod:`posenet3d.files.pickled_arrays` makes
NumPy arrays of the notes it knows. Names outside a short list end the reading at once.
"""

import codecs
import io
import os
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from posenet3d.errors import DataError
from posenet3d.files.capped import read_capped

MAX_BYTES = 2**30
"""The longest pickle that is read; SMPL's with 300 shape directions takes about 2**28 bytes."""

MAX_STEPS = 10**6
"""The most instructions that are followed; a body model's pickle has some hundreds."""

_MAX_KEY = 2**31
_OPERATIONS = {operation.code: operation for operation in pickletools.opcodes}
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_OLD_AND_NEW = ("numpy.core.numeric", "numpy._core.numeric")
_CSC = ("scipy.sparse.csc", "scipy.sparse._csc", "scipy.sparse")
_KNOWN = {
    **{(module, name): name for module in _NUMPY for name in ("_reconstruct", "scalar")},
    **{(module, "_frombuffer"): "_frombuffer" for module in _OLD_AND_NEW},
    **{(module, name): "csc" for module in _CSC for name in ("csc_matrix", "csc_array")},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("copy_reg", "_reconstructor"): "_reconstructor",
    ("copyreg", "_reconstructor"): "_reconstructor",
    ("__builtin__", "object"): "object",
    ("builtins", "object"): "object",
    ("__builtin__", "bytes"): "bytes",
    ("__builtin__", "set"): "set",
    ("builtins", "set"): "set",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that a pickle names; a note, never the thing itself.

    Attributes:
        kind: what it stands for in this library's words, such as ``"dtype"`` or ``"chumpy"``.
    """

    kind: str


@dataclass(slots=True, eq=False, repr=False)
class Record:
    """An object that a pickle would have made; a note, never the thing itself.

    Attributes:
        kind: what would have been called, as in :class:`Name`.
        arguments: with what.
        state: what its ``__setstate__`` would have got.
    """

    kind: str
    arguments: tuple[Any, ...] = field(default=())
    state: Any = None


def read_pickle(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The dictionary in a pickle of protocol 0 to 5, its objects as inert notes.

    Args:
        path: the file.
        max_bytes: the most it may hold.

    Returns:
        Text keys to plain Python values and :class:`Record`; see
        :func:`posenet3d.files.pickled_value` for the arrays among them.

    Raises:
        StorageError: the file is missing or cannot be read.
        DataError: it is too long, damaged, no dictionary, or names something that is not on the
            list of this module. Nothing of it was executed.

    Example:
        >>> import pickle, tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "note.pkl"
        >>> _ = path.write_bytes(pickle.dumps({"bs_style": "lbs"}))
        >>> read_pickle(path)
        {'bs_style': 'lbs'}
    """
    return parse_pickle(read_capped(path, max_bytes), os.fspath(path))


def parse_pickle(content: bytes, source: str) -> dict[str, Any]:
    r"""As :func:`read_pickle`, from bytes that are already here.

    Args:
        content: the pickle.
        source: what to call it in messages.

    Returns:
        Text keys to plain Python values and :class:`Record`.

    Raises:
        DataError: as :func:`read_pickle`.

    Example:
        >>> parse_pickle(b"cos\nsystem\n(S'echo'\ntR.", "evil.pkl")
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: evil.pkl: it names 'os.system', which plain data ...
    """
    result = pickled_notes(content, source)
    if type(result) is not dict or not all(type(key) is str for key in result):
        raise DataError(source, "expected a dictionary with text keys, got something else.")
    return result


def pickled_notes(content: bytes, source: str, *, max_steps: int | None = None) -> Any:
    """As :func:`parse_pickle`, whatever the pickle holds at its top.

    Args:
        content: the pickle.
        source: what to call it in messages.
        max_steps: the most instructions that are followed; `MAX_STEPS` if ``None``.

    Returns:
        Plain Python values and :class:`Record`.

    Raises:
        DataError: as :func:`read_pickle`.

    Example:
        >>> import pickle
        >>> pickled_notes(pickle.dumps([1, "a"]), "note.pkl")
        [1, 'a']
    """
    try:
        return _Machine(content, source, MAX_STEPS if max_steps is None else max_steps).run()
    except DataError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise DataError(
            source, f"expected a pickle, got a file that is damaged or something else ({error})."
        ) from error


class _Machine:
    """The pickle machine: a stack, marks on it, and a memo; it calls nothing that it reads."""

    def __init__(self, content: bytes, source: str, max_steps: int) -> None:
        self.file = io.BytesIO(content)
        self.source = source
        self.max_steps = max_steps
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        for _ in range(self.max_steps):
            code = self.file.read(1).decode("latin-1")
            operation = _OPERATIONS.get(code)
            if operation is None:
                raise ValueError(f"no instruction {code!r}" if code else "it is cut off")
            if operation.name == "STOP":
                return self.stack.pop()
            argument = self._argument(operation)
            _STEPS.get(operation.name, _Machine._push)(self, operation.name, argument)
        raise DataError(self.source, f"expected at most {self.max_steps} instructions, got more.")

    def _argument(self, operation: pickletools.OpcodeInfo) -> Any:
        if operation.name == "STRING":
            return self._quoted()
        if operation.name in _REFUSED:
            self._refuse(f"it uses the instruction {operation.name}, which plain data never needs")
        return None if operation.arg is None else operation.arg.reader(self.file)

    def _quoted(self) -> str:
        """Python 2's text of protocol 0, which holds any byte."""
        line = self.file.readline()
        text = line[:-1].strip()
        if (
            not line.endswith(b"\n")
            or len(text) < 2
            or text[0] != text[-1]
            or text[0] not in b"\"'"
        ):
            raise ValueError("a text without quotes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of backslashes in broken files
            content: bytes = codecs.escape_decode(text[1:-1])[0]
        return content.decode("latin-1")

    def _refuse(self, why: str) -> NoReturn:
        raise DataError(
            self.source, f"{why}; the file is not trusted, and nothing of it was executed."
        )

    def _marked(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def _name(self, module: Any, name: Any) -> Name:
        if type(module) is not str or type(name) is not str:
            self._refuse("it names something by what is no text")
        known = "chumpy" if module.split(".")[0] == "chumpy" else _KNOWN.get((module, name))
        if known is None:
            self._refuse(f"it names {f'{module}.{name}'[:80]!r}, which plain data never needs")
        return Name(known)

    def _made(self, what: Any, arguments: Any) -> Record:
        if type(what) is not Name or type(arguments) is not tuple:
            self._refuse("it calls something that is no name")
        if what.kind == "_reconstructor":
            if not arguments or type(arguments[0]) is not Name:
                self._refuse("it makes an object of no class")
            return Record(arguments[0].kind)
        return Record(what.kind, arguments)

    # Each step takes the instruction's name and its argument.

    def _push(self, name: str, value: Any) -> None:
        self.stack.append(_CONSTANTS[name]() if name in _CONSTANTS else value)

    def _mark(self, name: str, value: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _pop(self, name: str, value: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._marked()

    def _collect(self, name: str, value: Any) -> None:
        items = self._marked()
        if name == "DICT":
            made: Any = {}
            self._fill(made, items)
        else:
            made = tuple(items) if name == "TUPLE" else items
        self.stack.append(made)

    def _short_tuple(self, name: str, value: Any) -> None:
        count = int(name[-1])
        if len(self.stack) < count:
            raise ValueError("a tuple of too few")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def _extend(self, name: str, value: Any) -> None:
        items = [self.stack.pop()] if name == "APPEND" else self._marked()
        if type(self.stack[-1]) is not list:
            self._refuse("it appends to what is no list")
        self.stack[-1].extend(items)

    def _set_items(self, name: str, value: Any) -> None:
        if name == "SETITEM":
            last, key = self.stack.pop(), self.stack.pop()
            items = [key, last]
        else:
            items = self._marked()
        if type(self.stack[-1]) is not dict:
            self._refuse("it sets items of what is no dictionary")
        self._fill(self.stack[-1], items)

    def _fill(self, made: dict[Any, Any], items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Other keys can be chosen so that they collide, which takes for ever.
            small = type(key) is int and abs(key) < _MAX_KEY
            if type(key) is not str and not small:
                self._refuse("a dictionary in it has keys that are no texts")
            made[key] = value

    def _remember(self, name: str, value: Any) -> None:
        place = len(self.memo) if name == "MEMOIZE" else int(value)
        self.memo[place] = self.stack[-1]

    def _recall(self, name: str, value: Any) -> None:
        self.stack.append(self.memo[int(value)])

    def _duplicate(self, name: str, value: Any) -> None:
        self.stack.append(self.stack[-1])

    def _global(self, name: str, value: Any) -> None:
        if name == "STACK_GLOBAL":
            last, module = self.stack.pop(), self.stack.pop()
            self.stack.append(self._name(module, last))
        else:
            self.stack.append(self._name(*value.split(" ", 1)))

    def _call(self, name: str, value: Any) -> None:
        if name == "INST":
            made = self._made(self._name(*value.split(" ", 1)), tuple(self._marked()))
        elif name == "OBJ":
            what, *arguments = self._marked()
            made = self._made(what, tuple(arguments))
        else:
            if name == "NEWOBJ_EX" and self.stack.pop() != {}:
                self._refuse("it makes an object with named arguments")
            arguments, what = self.stack.pop(), self.stack.pop()
            made = self._made(what, arguments)
        self.stack.append(made)

    def _build(self, name: str, value: Any) -> None:
        state = self.stack.pop()
        if type(self.stack[-1]) is not Record or self.stack[-1].state is not None:
            self._refuse("it sets the state of what is no object, or sets it twice")
        self.stack[-1].state = state

    def _nothing(self, name: str, value: Any) -> None:
        """PROTO, FRAME."""


_REFUSED = frozenset(
    {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"}
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,  # the order is kept, and nothing is hashed
}
_STEPS: dict[str, Callable[[_Machine, str, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _Machine._nothing),
    **dict.fromkeys(("POP", "POP_MARK"), _Machine._pop),
    **dict.fromkeys(("LIST", "TUPLE", "DICT", "FROZENSET"), _Machine._collect),
    **dict.fromkeys(("TUPLE1", "TUPLE2", "TUPLE3"), _Machine._short_tuple),
    **dict.fromkeys(("APPEND", "APPENDS", "ADDITEMS"), _Machine._extend),
    **dict.fromkeys(("SETITEM", "SETITEMS"), _Machine._set_items),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine._remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine._recall),
    **dict.fromkeys(("GLOBAL", "STACK_GLOBAL"), _Machine._global),
    **dict.fromkeys(("REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ"), _Machine._call),
    "MARK": _Machine._mark,
    "DUP": _Machine._duplicate,
    "BUILD": _Machine._build,
}
