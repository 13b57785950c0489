"""Pickles that run something when they are read, in files that every loader is given.

A program of its own, run by the tests: its canary is an audit hook, which no process gets rid of.
It hears every import, call of ``exec``, process, socket and opening of a file while a loader runs.
Usage: FOLDER. Prints one line of JSON: what was heard and what was raised, by loader and pickle.
"""

import copyreg
import io
import json
import pickle
import struct
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np

ECHO = b"(S'echo heard > heard.txt'\ntR"


def text(content):
    """A text of protocol 2 on."""
    raw = content.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def named(module, name):
    """A name of protocol 4 on."""
    return b"\x80\x04" + text(module) + text(name) + b"\x93"


def called(module, name, argument="echo heard > heard.txt"):
    """One call, protocol 0."""
    return f"c{module}\n{name}\n".encode() + b"(S" + repr(argument).encode() + b"\ntR."


def array(rest, shape=b"K\x02\x85", dtype=b"f8"):
    """NumPy's array with some parts replaced, protocol 2."""
    kind = (
        b"cnumpy\ndtype\nU"
        + bytes([len(dtype)])
        + dtype
        + b"\x89\x88\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return start + b"(K\x01" + shape + kind + b"\x89" + rest + b"tb"


def chumpy(state):
    """An object of chumpy with some state, protocol 2."""
    return b"cchumpy.ch\nCh\n)\x81}(" + state + b"ub"


def entry(value, key="v_template"):
    """A dictionary with that one entry; a loader gets as far as to look at it."""
    return b"\x80\x02}" + text(key) + value + b"s."


class Reduced:
    """Calls on being read, in the ordinary way."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce_ex__(self, protocol):
        return self.parts


def canary(argument="heard"):  # named by some pickles; never called by a good loader
    """What a hostile pickle of this module would run."""
    Path("heard.txt").write_text(argument)


def pickles():
    """Name to content; each one either runs something in Python's reader, or misuses its parts."""
    import builtins
    import os

    ours = __name__
    made = {
        f"reduce_protocol_{protocol}": pickle.dumps(
            {"v_template": Reduced(os.system, ("echo heard > heard.txt",))}, protocol
        )
        for protocol in range(6)
    }
    for protocol in (0, 2, 4):
        made[f"exec_protocol_{protocol}"] = pickle.dumps(
            Reduced(builtins.exec, ("open('heard.txt', 'w')",)), protocol
        )
    for module, name in (
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "getoutput"),
        ("__builtin__", "eval"),
        ("builtins", "eval"),
        ("builtins", "__import__"),
        ("builtins", "open"),
        ("builtins", "getattr"),
        ("importlib", "import_module"),
        ("pickle", "loads"),
        ("runpy", "run_path"),
        ("numpy", "load"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy", "core.multiarray._reconstruct"),
        ("numpy.core.multiarray", "fromstring"),
        ("torch", "load"),
        ("scipy.sparse", "load_npz"),
        ("scipy.sparse.csc", "np"),
        ("_codecs", "lookup"),
        ("copyreg", "__newobj__"),
        ("copyreg", "_extension_cache"),
        ("posenet3d.files.safe_pickle", "read_pickle"),
        ("chumpyx.ch", "Ch"),
    ):
        made[f"global_{module}_{name}"] = called(module, name)
    made |= {
        "stack_global": named("os", "system") + text("echo heard > heard.txt") + b"\x85R.",
        "stack_global_dotted": named("chumpy", "ch.os.system") + text("echo heard") + b"\x85R.",
        "stack_global_no_text": b"\x80\x04K\x01" + text("system") + b"\x93.",
        "stack_global_of_chumpy_importer": named("chumpy", "__import__") + text("os") + b"\x85R.",
        "inst": b"(S'echo heard > heard.txt'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'echo heard > heard.txt'\no.",
        "newobj": b"\x80\x02csubprocess\nPopen\n" + text("echo") + b"\x85\x81.",
        "newobj_ex": named("subprocess", "Popen") + text("echo") + b"\x85}\x92.",
        "newobj_ex_with_names": named("chumpy.ch", "Ch") + b")}" + text("x") + b"K\x01s\x92.",
        "reduce_of_text": entry(text("os.system") + text("echo") + b"\x85R"),
        "reduce_of_record": entry(chumpy(text("x") + b"K\x01") + b")R"),
        "reduce_arguments_no_tuple": entry(b"cnumpy\ndtype\n]R"),
        "nested_in_state": entry(chumpy(text("x") + b"cos\nsystem\n" + ECHO)),
        "nested_in_arguments": entry(b"cnumpy\ndtype\ncos\nsystem\n" + ECHO + b"\x85R"),
        "nested_in_memo": b"\x80\x02cos\nsystem\nq\x00" + text("echo") + b"\x85R0h\x00.",
        "nested_pickle": entry(b"cpickle\nloads\nU\x03abc\x85R"),
        "build_on_name": entry(b"cchumpy.ch\nCh\n}" + text("__setstate__") + b"cos\nsystem\nsb"),
        "build_poisons_class": entry(b"cnumpy\nndarray\nN}" + text("x") + b"K\x01s\x86b"),
        "build_on_text": entry(text("abc") + b"}b"),
        "build_twice": entry(chumpy(text("x") + b"K\x01") + b"}b"),
        "setstate_of_other_class": entry(b"cdatetime\ndatetime\n)\x81}b"),
        "setstate_attribute": entry(
            chumpy(text("__setstate__") + b"cposix\nsystem\n" + text("x") + text("echo"))
        ),
        "dunder_class_in_state": entry(chumpy(text("__class__") + b"cnumpy\nndarray\n")),
        "extension_1": b"\x80\x02\x82\xf0" + text("echo") + b"\x85R.",
        "extension_2": b"\x80\x02\x83\xf0\xf0" + text("echo") + b"\x85R.",
        "extension_4": b"\x80\x02\x84\xf0\xf0\xf0\x00" + text("echo") + b"\x85R.",
        "persistent_id": b"Pos.system\n.",
        "persistent_id_binary": b"\x80\x02" + text("os.system") + b"Q.",
        "next_buffer": b"\x80\x05\x97.",
        "readonly_buffer": b"\x80\x05\x97\x98.",
        "reconstructor_of_popen": b"ccopy_reg\n_reconstructor\n"
        b"(csubprocess\nPopen\nc__builtin__\nobject\nNtR.",
        "reconstructor_of_text": entry(b"ccopy_reg\n_reconstructor\n(" + text("x") + b"tR"),
        "chumpy_without_state": entry(b"cchumpy.ch\nCh\n)\x81"),
        "chumpy_state_no_dictionary": entry(b"cchumpy.ch\nCh\n)\x81]b"),
        "chumpy_of_itself": entry(b"cchumpy.ch\nCh\n)\x81q\x01}" + text("x") + b"h\x01sb"),
        "chumpy_of_objects": entry(chumpy(text("x") + b"]")),
        "chumpy_operator": entry(b"cchumpy.ch\nMatVecMult\n)\x81}" + text("mtx") + b"K\x01sb"),
        "chumpy_select_outside": entry(
            b"cchumpy.reordering\nSelect\n)\x81}("
            + text("a")
            + array(b"U\x10" + bytes(16))
            + text("idxs")
            + array(b"U\x08\xff\xff\xff\x7f\x00\x00\x00\x00", b"K\x01\x85", b"i8")
            + b"ub"
        ),
        "array_of_objects": entry(array(b"]cos\nsystem\na", dtype=b"O8")),
        "array_of_structures": entry(array(b"U\x08" + bytes(8), dtype=b"V8")),
        "array_too_short": entry(array(b"U\x08" + bytes(8))),
        "array_enormous": entry(array(b"U\x08" + bytes(8), b"\x8a\x05\xff\xff\xff\xff\x7f\x85")),
        "array_negative": entry(array(b"U\x08" + bytes(8), b"J\xff\xff\xff\xff\x85")),
        "array_shape_no_tuple": entry(array(b"U\x08" + bytes(8), b"]")),
        "array_data_from_call": entry(array(b"cos\nsystem\n" + ECHO)),
        "array_state_of_one": entry(
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87RK\x01\x85b"
        ),
        "reconstruct_of_name": entry(
            b"cnumpy.core.multiarray\n_reconstruct\ncchumpy.ch\nCh\nK\x00\x85U\x01b\x87R"
        ),
        "reconstruct_of_memmap": entry(
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nmemmap\nK\x00\x85U\x01b\x87R"
        ),
        "scalar_of_objects": entry(
            b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02O8\x89\x88\x87Rcos\nsystem\n\x86R"
        ),
        "dtype_of_name": entry(b"cnumpy\ndtype\ncchumpy.ch\nCh\n\x85R"),
        "frombuffer_of_text": entry(b"cnumpy.core.numeric\n_frombuffer\n(" + text("x") + b"NNNtR"),
        "encode_by_other_codec": entry(
            array(b"c_codecs\nencode\n" + text("aaaa") + text("zlib") + b"\x86R")
        ),
        "sparse_without_parts": entry(b"cscipy.sparse.csc\ncsc_matrix\n)\x81}b", "J_regressor"),
        "sparse_enormous": entry(
            b"cscipy.sparse.csc\ncsc_matrix\n)\x81}"
            + text("_shape")
            + b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86sb",
            "J_regressor",
        ),
        "memo_bomb": b"\x80\x02]r\xff\xff\xff\xff0" + b"j\xff\xff\xff\x7f.",
        "memo_of_nothing": b"\x80\x02h\x07.",
        "billion_laughs": entry(
            b"]q\x00"
            + b"".join(
                b"](" + b"h" + bytes([n]) + b"h" + bytes([n]) + b"eq" + bytes([n + 1])
                for n in range(60)
            )
        ),
        "list_of_itself": entry(b"]q\x00h\x00a"),
        "nested_deeply": entry(b"(" * 100_000 + b"t" * 100_000),
        "dictionaries_of_colliding_keys": b"\x80\x02}"
        + b"".join(
            b"\x8a\x09" + (n * (2**61 - 1)).to_bytes(9, "little") + b"Ns" for n in range(1, 200)
        )
        + b".",
        "dictionary_in_dictionary_key": b"\x80\x02}}Ns.",
        "steps_without_end": b"\x80\x02" + b"N0" * 600_000 + b"N.",
        "text_too_long": b"\x80\x02T\xff\xff\xff\x7fabc.",
        "text_much_too_long": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x00abc.",
        "bytearray_much_too_long": b"\x80\x05\x96" + b"\xff" * 6 + b"\x00\x00abc.",
        "frame_too_long": b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
        "number_without_end": b"I" + b"9" * 10_000 + b"\n.",
        "number_cut_off": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "text_with_bad_escapes": b"S'\\q\\xzz'\n.",
        "text_without_quotes": b"Sabc\n.",
        "underflow": b"\x80\x02R.",
        "append_to_name": b"\x80\x02cchumpy.ch\nCh\nNa.",
        "set_item_of_name": b"\x80\x02cchumpy.ch\nCh\nNNs.",
        "appends_to_record": entry(chumpy(text("x") + b"K\x01") + b"(Ne"),
        "odd_items": b"\x80\x02}(" + text("a") + b"u.",
        "unknown_instruction": b"\x80\x02\xfe.",
        "cut_off": b"\x80\x02}",
        "empty": b"",
        "no_dictionary": b"\x80\x02].",
        "of_this_module": pickle.dumps(Reduced(canary, ("heard",)), 2).replace(
            b"__main__", ours.encode()
        ),
        "zip_in_front": b"PK\x03\x04" + called("os", "system"),
    }
    return made


def object_npz(path, content):
    """An npz whose array is the pickle: what ``allow_pickle=True`` would run."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f"):
            archive.writestr(f"{name}.npy", file.getvalue() + content)


def loaders():
    """Name to function of a path: every way by which a body comes from a file."""
    from posenet3d.body import load_body_model, read_body_file, read_smpl_file
    from posenet3d.cli.body import convert, info

    return {
        "read_smpl_file": read_smpl_file,
        "read_body_file": read_body_file,
        "smpl": lambda path: load_body_model("smpl", path=str(path)),
        "linear_blend": lambda path: load_body_model("linear_blend", path=str(path)),
        "convert": lambda path: convert(path, path.with_suffix(".out.npz")),
        "info": lambda path: info(path),
    }


def main(folder):
    """Read each pickle by each loader, and as an object array in an npz, under the canary."""
    import os

    os.chdir(folder)
    copyreg.add_extension("posix", "system", 0xF0)
    copyreg._extension_cache[0xF0] = os.system  # as if some code had used it
    heard, listening = [], []

    def hook(event, arguments):
        if listening and event.split(".")[0] not in QUIET:
            name = str(arguments[0]) if arguments else ""
            if event != "open" or not name.startswith(str(folder)):
                heard.append(f"{listening[-1]}: {event} {name[:80]}")

    warnings.simplefilter("error")
    contents, reads = pickles(), loaders()
    for codec in ("raw_unicode_escape", "cp437"):
        "".encode(codec)
    warm = Path(folder, "warm.pkl")  # whatever is imported late, is imported now
    for content in (b"", entry(array(b"U\x08" + bytes(8)))):
        warm.write_bytes(content)
        attempts(warm, reads)
    sys.addaudithook(hook)
    raised = {}
    for name, content in contents.items():
        plain, packed = Path(folder, f"{name}.pkl"), Path(folder, f"{name}.npz")
        plain.write_bytes(content)
        object_npz(packed, content)
        for path in (plain, packed):
            listening.append(path.name)
            raised[path.name] = attempts(path, reads)
            listening.pop()
    left = [path.name for path in Path(folder).glob("*heard*")]
    listening.append("control")  # Python's own reader, to know that the canary sings
    sung = len(heard)
    pickle.loads(contents["reduce_protocol_2"])
    told = {"heard": heard[:sung], "raised": raised, "left": left, "control": heard[sung:]}
    print(json.dumps(told))


QUIET = {"object", "compile"}
"""Looking up an attribute, and parsing (not running) the literal that heads each array."""


def attempts(path, reads):
    """What each loader raised."""
    told = {}
    for name, read in reads.items():
        try:
            read(path)
        except BaseException as error:
            told[name] = type(error).__name__
        else:
            told[name] = "nothing"
    return told


if __name__ == "__main__":
    main(sys.argv[1])
