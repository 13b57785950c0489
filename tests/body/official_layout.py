"""Writes a pickle of SMPL's official layout; a program of its own, run by the tests.

It makes modules by the names of chumpy and scipy's old ones, as the authors' Python 2 had them,
which must not happen in the process that tests the reading. Usage: PATH PROTOCOL MADE_BY, where
MADE_BY is ``python2`` (raw bytes as texts) or ``python3``.
"""

import io
import pickle
import sys
import types

import numpy as np

VERTICES, BETAS, JOINTS = 40, 300, 24


class Ch:
    """As chumpy's: its state is its dictionary, with an array ``x``."""

    def __init__(self, **state):
        self.__dict__.update(state)


class Select(Ch):
    """As chumpy's: entries ``idxs`` of ``a``."""


class csc_matrix:  # noqa: N801
    """As scipy's: compressed columns."""

    def __init__(self, dense):
        columns = [np.flatnonzero(column) for column in dense.T]
        self.__dict__.update(
            _shape=dense.shape,
            maxprint=50,
            data=np.concatenate([dense[rows, at] for at, rows in enumerate(columns)]),
            indices=np.concatenate(columns).astype(np.int32),
            indptr=np.cumsum([0, *map(len, columns)]).astype(np.int32),
        )


HOMES = {Ch: "chumpy.ch", Select: "chumpy.reordering", csc_matrix: "scipy.sparse.csc"}


def arrays():
    """The numbers; anyone can make them again."""
    generator = np.random.default_rng(7)
    template = generator.normal(size=(VERTICES, 3))
    regressor = np.zeros((JOINTS, VERTICES))
    regressor[np.arange(JOINTS), np.arange(JOINTS)] = 0.25
    regressor[np.arange(JOINTS), np.arange(JOINTS) + 9] = 0.75
    weights = generator.random((VERTICES, JOINTS))
    parents = [
        2**32 - 1,
        0,
        0,
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        9,
        9,
        12,
        13,
        14,
        16,
        17,
        18,
        19,
        20,
        21,
    ]
    return {
        "v_template": template,
        "shapedirs": generator.normal(size=(VERTICES, 3, BETAS)) / 100,
        "posedirs": generator.normal(size=(VERTICES, 3, 9 * (JOINTS - 1))) / 100,
        "J_regressor": regressor,
        "weights": weights / weights.sum(1, keepdims=True),
        "f": np.array([[0, 1, 2], [2, 3, 4]], dtype=np.uint32),
        "kintree_table": np.array([parents, range(JOINTS)], dtype=np.uint32),
    }


def layout():
    """The dictionary of the official file: more in it than a body model needs."""
    plain = arrays()
    everything = Ch(x=plain["shapedirs"].ravel(), _dirty_vars=set(), _itr=None)
    size = plain["shapedirs"].size
    return {
        **plain,
        "shapedirs": Select(
            a=everything, idxs=np.arange(size), preferred_shape=(VERTICES, 3, BETAS)
        ),
        "v_template": Ch(x=plain["v_template"], _dirty_vars={"x"}),
        "posedirs": np.asfortranarray(plain["posedirs"]),
        "J_regressor": csc_matrix(plain["J_regressor"]),
        "J_regressor_prior": csc_matrix(plain["J_regressor"]),
        "weights_prior": plain["weights"],
        "J": Ch(x=plain["J_regressor"] @ plain["v_template"]),
        "vert_sym_idxs": np.arange(VERTICES),
        "pose_training_info": {"gender": "neutral", "nposes": 1000, "files": ["a.npz", "b.npz"]},
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


class _AsPython2(pickle._Pickler):
    """Bytes as Python 2's texts, which is how its NumPy wrote the numbers."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, content):
        if self.proto == 0:
            text = repr(content)[1:].encode("ascii")
            self.write(b"S" + text + b"\n")
        else:
            self.write(b"T" + len(content).to_bytes(4, "little") + content)

    def save_text(self, text):
        self.save_bytes(text.encode("latin-1"))

    dispatch[bytes] = save_bytes
    dispatch[str] = save_text


def main(path, protocol, made_by):
    """Write the file."""
    for kind, home in HOMES.items():
        kind.__module__ = home
        kind.__qualname__ = kind.__name__
        for depth in range(1, home.count(".") + 2):
            name = ".".join(home.split(".")[:depth])
            sys.modules.setdefault(name, types.ModuleType(name))
        setattr(sys.modules[home], kind.__name__, kind)
    file = io.BytesIO()
    pickler = _AsPython2 if made_by == "python2" else pickle.Pickler
    pickler(file, int(protocol)).dump(layout())
    content = file.getvalue()
    if made_by == "python2":
        content = content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    with open(path, "wb") as target:
        target.write(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
