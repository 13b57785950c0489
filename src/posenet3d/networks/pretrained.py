"""Weights that ship with the package: their names, their folders, their cards.

Each is a folder ``assets/weights/<name>/`` as :func:`~posenet3d.networks.save_model` writes it,
with ``card.json`` and ``model_card.md`` beside.
"""

import os
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from posenet3d.errors import DataError, StorageError, UnknownNameError
from posenet3d.networks.card import CARD_FILE, ModelCard
from posenet3d.networks.model_files import CONFIG_FILE

DEFAULT_WEIGHTS = "best-detected"
"""The weights that ``from_pretrained()`` takes where none are named."""

SHIPPED = Path(str(files("posenet3d.assets"))) / "weights"


def pretrained_names() -> tuple[str, ...]:
    """The names of the weights that ship with this installation, sorted.

    Example:
        >>> isinstance(pretrained_names(), tuple)
        True
    """
    return tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG_FILE}")))


def pretrained_folder(name_or_folder: str | Path | None = None) -> Path:
    """The folder of weights that ship, by name, or a folder of your own as it is.

    Args:
        name_or_folder: one of :func:`pretrained_names`; or a folder that
            :func:`~posenet3d.networks.save_model` wrote, such as that of a finished run; ``None``
            for :data:`DEFAULT_WEIGHTS`. A shipped name goes before a folder of that name; a
            ``Path`` is always a folder.

    Returns:
        The folder. It is not looked into.

    Raises:
        UnknownNameError: a text that is neither a shipped name nor a folder; it suggests the
            nearest name.

    Example:
        >>> pretrained_folder("best-wlid")
        Traceback (most recent call last):
        posenet3d.errors.UnknownNameError: Unknown weights or folder 'best-wlid'... Known: ...
    """
    if isinstance(name_or_folder, Path):
        return name_or_folder
    name = DEFAULT_WEIGHTS if name_or_folder is None else name_or_folder
    if name in pretrained_names():
        return SHIPPED / name
    # A path that is not there is told as one when it is read.
    if name_or_folder is not None and (Path(name).is_dir() or _has_separator(name)):
        return Path(name)
    raise UnknownNameError("weights or folder", name, pretrained_names())


def model_card(name_or_folder: str | Path | None = None) -> ModelCard:
    """The card of weights: what they are, what they take, how good they are, where from.

    Args:
        name_or_folder: as for :func:`pretrained_folder`.

    Returns:
        The card; ``print(card.to_markdown())`` is the page that ships beside the weights.

    Raises:
        DataError: the card is damaged.
        StorageError: there is none; the folder of a run has none.
        UnknownNameError: there are no such weights.

    Example:
        >>> model_card(Path("runs/a"))
        Traceback (most recent call last):
        posenet3d.errors.StorageError: runs/a/card.json: expected the card of shipped weights, ...
    """
    path = pretrained_folder(name_or_folder) / CARD_FILE
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StorageError(
            path,
            f"expected the card of shipped weights, got {error.strerror!r}; a run's report.json "
            "and config.json tell what a run is.",
        ) from error
    except ValidationError as error:
        raise DataError(path, f"expected a model card, got {error}; reinstall.") from error


def _has_separator(name: str) -> bool:
    return any(each in name for each in (os.sep, os.altsep) if each)
