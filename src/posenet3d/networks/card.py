"""What is told of weights that ship: data, licence, figures with their spread, limits, origin."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

CARD_FILE = "card.json"
PAGE_FILE = "model_card.md"

FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "p_mpjpe": "P-MPJPE, mm",
        "p_mpjpe_subjects": "P-MPJPE over subjects, mm",
        "n_mpjpe": "N-MPJPE, mm",
        "pck_150": "PCK, %",
        "auc": "AUC, %",
        "mpjve": "MPJVE, mm/frame",
        "mblstd": "MBLSTD, mm",
    }
)
"""The figures of a card and their headings."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSource(_Facts):
    """Data that weights were trained on.

    Example:
        >>> DataSource(name="my clips", use="2D", licence="mine").acknowledgement
        ''
    """

    name: str
    """What it is called."""

    use: str
    """What of it was used, and how much."""

    licence: str
    """Its terms, in its owner's words where they are short."""

    acknowledgement: str = ""
    """The words that its owner asks for."""


class Spread(_Facts):
    """A figure over several seeds.

    Example:
        >>> Spread(mean=41.04, deviation=0.52, shipped=40.6).told(1)
        '40.6 (41.0 ± 0.5)'
        >>> Spread(mean=40.6, shipped=40.6).told(1)
        '40.6'
    """

    mean: float
    """The mean over the seeds."""

    deviation: float | None = None
    """The sample standard deviation over the seeds; ``None`` of one seed."""

    shipped: float
    """The figure of the seed that ships."""

    def told(self, digits: int) -> str:
        """The shipped seed's figure, with mean ± deviation behind it."""
        alone = f"{self.shipped:.{digits}f}"
        if self.deviation is None:
            return alone
        return f"{alone} ({self.mean:.{digits}f} ± {self.deviation:.{digits}f})"


class Measured(_Facts):
    """The figures of one branch, under one protocol, on one kind of 2D."""

    protocol: str
    """The protocol's name."""

    seen: str
    """The 2D: exact projections, or with the errors of a detector's model."""

    head: str
    """``teacher``, ``student``, their ``mean``, or ``flat``, the baseline of equal depths."""

    figures: dict[str, Spread]
    """Figures by name; see :data:`FIGURES`."""


class Rounding(_Facts):
    """What rounding to fp16 changed, under one protocol, in one branch.

    Example:
        >>> round(Rounding(protocol="cmu14", head="mean", fp32=41.02, fp16=41.03).difference, 3)
        0.01
    """

    protocol: str
    """The protocol's name."""

    head: str
    """The branch."""

    fp32: float
    """P-MPJPE of the trained numbers, mm."""

    fp16: float
    """P-MPJPE of the rounded ones, mm."""

    @property
    def difference(self) -> float:
        """fp16 minus fp32, mm."""
        return self.fp16 - self.fp32


class ModelCard(_Facts):
    """The card of weights that ship; ``card.json`` and ``model_card.md`` beside them.

    Example:
        >>> card = ModelCard(
        ...     name="toy",
        ...     summary="A toy.",
        ...     licence="CC0 1.0",
        ...     inputs=("nine frames",),
        ...     outputs=("a skeleton",),
        ...     limits=("It knows nothing.",),
        ...     command="python train.py",
        ... )
        >>> print(card.to_markdown().splitlines()[0])
        # Model card: `toy`
    """

    name: str
    """The weights' name."""

    summary: str
    """What they are, in a few sentences."""

    licence: str
    """Under which terms the weights may be used."""

    data: tuple[DataSource, ...] = ()
    """What they were trained on."""

    inputs: tuple[str, ...]
    """What goes in: joints, frames, unit, normalisation."""

    outputs: tuple[str, ...]
    """What comes out: frame, unit, branches."""

    limits: tuple[str, ...]
    """What they cannot do, and what was not tried."""

    measured_on: str = ""
    """The people on whom the figures were measured, and how the shipped seed was chosen."""

    measured: tuple[Measured, ...] = ()
    """The figures."""

    precision: str = "fp32"
    """How the numbers are stored."""

    rounding: tuple[Rounding, ...] = ()
    """What storing them as fp16 changes, or would have changed."""

    rounding_on: str = ""
    """The clips on which that was measured."""

    parameters: int = Field(default=0, ge=0)
    """How many numbers there are."""

    weights_bytes: int = Field(default=0, ge=0)
    """The size of ``model.safetensors``."""

    weights_sha256: str = ""
    """Its checksum, which is verified at loading."""

    seed: int = Field(default=0, ge=0)
    """The seed that ships."""

    seeds: tuple[int, ...] = ()
    """All seeds that the spread is over."""

    commit: str = ""
    """The commit of the source that trained them."""

    date: str = ""
    """The day on which they were made."""

    command: str
    """The command that trained, measured and shipped them."""

    train_command: str = ""
    """The command line of the package that trains the same network."""

    made_with: tuple[str, ...] = ()
    """Versions, machine, time, length of the stages."""

    def to_markdown(self) -> str:
        """The card as a page."""
        lines = [f"# Model card: `{self.name}`", ""]
        for section in self.sections():
            lines += [*([f"## {section.title}", ""] if section.title else []), *section.markdown()]
        return "\n".join(lines).rstrip() + "\n"

    def sections(self) -> Iterator["Section"]:
        """The card's parts in order, for pages of other formats."""
        yield Section(text=(self.summary,))
        load = f'posenet3d.PoseNet3D.from_pretrained("{self.name}")'
        yield Section(title="Load", code=(load,))
        yield Section(title="What goes in", items=self.inputs)
        yield Section(title="What comes out", items=self.outputs)
        yield Section(title="How good it is", text=self._about_figures(), rows=self._figures())
        yield Section(title="Limits", items=self.limits)
        yield Section(title="What it was trained on", items=tuple(self._data()))
        yield Section(title="Licence of the weights", text=(self.licence,))
        yield Section(title="File", items=tuple(self._file()), rows=self._rounding())
        yield Section(title="How it was made", items=self._origin(), code=self._commands())

    def _about_figures(self) -> tuple[str, ...]:
        if not self.measured:
            return ("Not measured.",)
        spread = f"; in brackets mean ± standard deviation over seeds {_listed(self.seeds)}"
        told = (
            f"The figures are those of seed {self.seed}, which ships"
            + (spread if len(self.seeds) > 1 else "")
            + ". P-MPJPE is a frame's error after a similarity with det = +1, over all frames and "
            "as a mean over subjects; MPJVE is at 50 frames a second. `flat` is the baseline with "
            "every joint at one depth."
        )
        return (self.measured_on, told) if self.measured_on else (told,)

    def _figures(self) -> tuple[tuple[str, ...], ...]:
        if not self.measured:
            return ()
        names = [name for name in FIGURES if any(name in each.figures for each in self.measured)]
        head = ("protocol", "2D", "branch", *(FIGURES[name] for name in names))
        return (head, *(_row(each, names) for each in self.measured))

    def _data(self) -> Iterator[str]:
        for source in self.data:
            thanks = f" {source.acknowledgement}" if source.acknowledgement else ""
            yield f"**{source.name}**: {source.use} Its terms: {source.licence}{thanks}"

    def _file(self) -> Iterator[str]:
        yield (
            f"`model.safetensors`: {self.parameters:,} numbers, {self.weights_bytes / 1e6:.1f} MB, "
            f"stored as {self.precision}, loaded as fp32."
        )
        if self.weights_sha256:
            yield f"SHA-256 `{self.weights_sha256}`, verified at loading."
        if self.rounding:
            most = max((abs(each.difference) for each in self.rounding), default=0.0)
            yield (
                f"Storing it as fp16 changes P-MPJPE by {most:.3f} mm at most, on "
                f"{self.rounding_on}:"
            )

    def _rounding(self) -> tuple[tuple[str, ...], ...]:
        if not self.rounding:
            return ()
        head = ("protocol", "branch", "fp32, mm", "fp16, mm", "difference, mm")
        rows = (
            (
                each.protocol,
                each.head,
                f"{each.fp32:.3f}",
                f"{each.fp16:.3f}",
                f"{each.difference:+.4f}",
            )
            for each in self.rounding
        )
        return (head, *rows)

    def _origin(self) -> tuple[str, ...]:
        told = [f"Seed {self.seed}."]
        if self.commit:
            told.append(f"Commit `{self.commit}`" + (f", {self.date}." if self.date else "."))
        return (*told, *self.made_with)

    def _commands(self) -> tuple[str, ...]:
        return tuple(command for command in (self.command, self.train_command) if command)


class Section(_Facts):
    """A part of a card: paragraphs, points, a table, lines of code, in this order.

    Example:
        >>> list(Section(title="Size", items=("small",)).markdown())
        ['- small', '']
    """

    title: str = ""
    """Its heading; none at the beginning."""

    text: tuple[str, ...] = ()
    """Paragraphs; `code` and **stress** as in Markdown, here and below."""

    items: tuple[str, ...] = ()
    """Points."""

    rows: tuple[tuple[str, ...], ...] = ()
    """A table; its first row is its head."""

    code: tuple[str, ...] = ()
    """Lines of code."""

    def markdown(self) -> Iterator[str]:
        """The lines below the heading."""
        for paragraph in self.text:
            yield from (paragraph, "")
        if self.items:
            yield from (*(f"- {item}" for item in self.items), "")
        if self.rows:
            head, *rest = self.rows
            yield from (_cells(head), "|---" * len(head) + "|", *map(_cells, rest), "")
        if self.code:
            yield from (*(f"    {line}" for line in self.code), "")


def _cells(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |"


def _row(measured: Measured, names: list[str]) -> tuple[str, ...]:
    figures = measured.figures
    numbers = (figures[name].told(1) if name in figures else "–" for name in names)
    return (measured.protocol, measured.seen, measured.head, *numbers)


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))
