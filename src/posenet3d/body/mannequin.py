"""The body that ships with the package: free of rights (CC0), derived from MakeHuman's assets.

It has SMPL's format and tree (24 joints, SMPL's names) but its own vertices, shape space and joint
centres: family ``makehuman-cc0``. ``tools/build_mannequin.py`` makes the file.
"""

from functools import cache
from importlib.resources import as_file, files

from posenet3d.body.body_files import read_body_file
from posenet3d.body.body_model import BodyModelData
from posenet3d.errors import BodyModelFileError

FAMILY = "makehuman-cc0"
ASSET = "mannequin.npz"


@cache
def mannequin_data() -> BodyModelData:
    """The packaged mannequin, read once.

    Returns:
        The validated body; the same frozen object at every call.

    Raises:
        BodyModelFileError: The installed file is missing or damaged.

    Example:
        >>> mannequin_data().family
        'makehuman-cc0'
    """
    folder = files("posenet3d.assets")
    with as_file(folder / ASSET) as path:
        return read_body_file(path, sha256=_expected_digest())


def _expected_digest() -> str:
    """The digest in the packaged ``sha256sum`` file."""
    listing = files("posenet3d.assets") / f"{ASSET}.sha256"
    try:
        return listing.read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise BodyModelFileError(
            listing, f"expected the SHA-256 of {ASSET}, got {error!r}; reinstall posenet3d."
        ) from error
