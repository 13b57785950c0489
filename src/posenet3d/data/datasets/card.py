"""Where a dataset comes from, what may be done with it, and which files it must have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from posenet3d.errors import DataError


@dataclass(frozen=True)
class Download:
    """A file that anyone may download.

    Attributes:
        url: where it is.
        path: where it belongs, relative to the dataset's folder.
        sha256: its checksum in hexadecimal; ``None`` where its publisher gives none.
        size: its size in bytes, if known.
        unpacked: whether it is a zip archive whose contents belong into the dataset's folder.

    Example:
        >>> Download("https://example.org/a.zip", "a.zip").path
        'a.zip'
    """

    url: str
    path: str
    sha256: str | None = None
    size: int | None = None
    unpacked: bool = False


@dataclass(frozen=True)
class DatasetCard:
    """Where a dataset comes from, who may use it, and which files it must have.

    Attributes:
        title: its full name.
        homepage: its page.
        licence: what its owners allow, in a sentence, with the address of the terms.
        citation: the paper to cite.
        steps: how to come by it, from registration to the folder, a sentence a step.
        files: path under the dataset's folder, which may hold ``*``, to what it holds.
        downloads: what may be downloaded without registration.
        optional: those keys of `files` that it can do without.
        registration: whether its owners ask whoever wants the files to register first.
        protocols: the evaluation's protocols that its test set is for, the usual one first; a
            dataset whose options decide has an attribute ``protocols`` of its own.
        splits: what it gives: ``"train"``, ``"test"``, or both; one without 3D has no test.

    Example:
        >>> card = DatasetCard(
        ...     title="Walks",
        ...     homepage="https://example.org",
        ...     licence="CC0",
        ...     citation="Nobody 2020",
        ...     files={"walks.npz": "2D keypoints"},
        ... )
        >>> card.downloads, card.splits
        ((), ('train', 'test'))
    """

    title: str
    homepage: str
    licence: str
    citation: str
    steps: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    optional: tuple[str, ...] = ()
    registration: bool = False
    protocols: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("train", "test")

    def found(self, root: Path) -> dict[str, tuple[Path, ...]]:
        """What of `files` is in a folder.

        Args:
            root: the dataset's folder; it need not exist.

        Returns:
            Each pattern of `files` with the paths that fit it, sorted; none where it is missing.

        Example:
            >>> card = DatasetCard("Walks", "", "CC0", "none", files={"walks*.npz": "2D"})
            >>> card.found(Path("nowhere"))
            {'walks*.npz': ()}
        """
        return {pattern: tuple(sorted(root.glob(pattern))) for pattern in self.files}

    def check_folder(self, root: Path | None) -> Path:
        """The folder, if it is there and has all that is needed.

        Args:
            root: the dataset's folder.

        Returns:
            The folder.

        Raises:
            DataError: there is no folder, or it lacks files; each is named with what it holds.

        Example:
            >>> DatasetCard("Walks", "", "CC0", "none").check_folder(Path("."))
            PosixPath('.')
        """
        if root is None:
            raise DataError(self.title, "expected the folder of its files, got none; say root=.")
        if not root.is_dir():
            what = "a file" if root.exists() else "nothing there"
            raise DataError(root, f"expected the folder of {self.title}, got {what}.")
        found = self.found(root)
        missing = [each for each in self.files if not found[each] and each not in self.optional]
        if missing:
            listed = "; ".join(f"{pattern} ({self.files[pattern]})" for pattern in missing)
            raise DataError(
                root,
                f"expected the files of {self.title}, got a folder without {listed}; "
                "`posenet3d data fetch` tells how to come by them.",
            )
        return root
