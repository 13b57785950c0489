"""Where a dataset comes from, what may be done with it, and which files it must have."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Download:
    """A file that anyone may download.

    Attributes:
        url: where it is.
        path: where it belongs, relative to the dataset's folder.
        sha256: its checksum in hexadecimal; ``None`` where its publisher gives none.
        size: its size in bytes, if known.

    Example:
        >>> Download("https://example.org/a.zip", "a.zip").path
        'a.zip'
    """

    url: str
    path: str
    sha256: str | None = None
    size: int | None = None


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

    Example:
        >>> card = DatasetCard(
        ...     title="Walks",
        ...     homepage="https://example.org",
        ...     licence="CC0",
        ...     citation="Nobody 2020",
        ...     files={"walks.npz": "2D keypoints"},
        ... )
        >>> card.downloads
        ()
    """

    title: str
    homepage: str
    licence: str
    citation: str
    steps: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
