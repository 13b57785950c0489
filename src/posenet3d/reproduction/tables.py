"""The paper's four tables: the figures that are printed, and which run gives ours.

Source of every printed number: Tripathi, Ranade, Tyagi, Agrawal, "PoseNet3D: Unsupervised 3D Human
Shape and Pose Estimation", Tables 1 to 4. Of Tables 1, 2 and 3 the rows of the method itself and of
Chen et al. 2019 are here, not those of methods that other people trained. What a row means is told
in Sect. 4.3: *PoseNet3D-Teacher* is the teacher after stage 1, *-Student* the student after stage
3, *-FT* either after stage 4, and *PoseNet3D* the mean of both skeletons.

The paper does not say which 2D Table 3 was made with; here it is detected 2D, as the methods it is
compared with start from images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from posenet3d.errors import UnknownNameError
from posenet3d.reproduction.runs import DETECTED, EXACT, Run, find_run, with_teachers

FLAT = "flat"
"""The head of an evaluation that knows nothing: all joints at the root's depth."""


class Point(NamedTuple):
    """A figure's place: the run, the stage after which it is measured, the head."""

    run: str
    stage: str
    head: str


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Example:
        >>> Column("P-MPJPE, GT", "p_mpjpe", "mm").higher_is_better
        False
    """

    title: str
    """What stands above it."""
    figure: str
    """The field of `posenet3d.evaluation.Scores`."""
    unit: str
    """The figure's unit."""
    higher_is_better: bool = False
    """Whether it is a score, not an error."""


@dataclass(frozen=True)
class Row:
    """One method: what is printed, and where ours comes from, column by column.

    Example:
        >>> Row("A method", (58.0, None), (Point("chen2019", "teacher", "teacher"), None)).note
        ''
    """

    method: str
    """The method's name in the paper."""
    printed: tuple[float | None, ...]
    """The paper's figures; ``None`` where it has none."""
    points: tuple[Point | None, ...]
    """Ours; ``None`` where nothing is trained for it."""
    note: str = ""
    """Why nothing is trained, or what else there is to know."""


@dataclass(frozen=True)
class Part:
    """A table, or the half of one, that has columns of its own.

    Example:
        >>> TABLES["table4"].parts[1].reference
        'PoseNet3D-S-SJA'
    """

    title: str
    """What it is about."""
    columns: tuple[Column, ...]
    """Its columns."""
    rows: tuple[Row, ...]
    """Its rows, in the paper's order; then the flat baseline."""
    reference: str
    """The method whose figures the ratios are taken to."""


@dataclass(frozen=True)
class PaperTable:
    """One of the paper's tables.

    Example:
        >>> [run.name for run in TABLES["table2"].runs]
        ['posenet3d']
        >>> TABLES["table1"].seen
        ('exact', 'detected')
    """

    name: str
    """As on the command line."""
    title: str
    """The paper's caption, shortened."""
    parts: tuple[Part, ...]
    """Its halves."""
    annotated_protocol: str
    """The protocol under which the paper measured it."""
    filmed_protocol: str
    """The open protocol that stands in for it where motion capture is filmed."""
    filmed_training: str | None = None
    """The rig that films the training motion, where it is not the one that measures."""

    @property
    def points(self) -> tuple[Point, ...]:
        """Every figure's place, once."""
        found = (point for part in self.parts for row in part.rows for point in row.points)
        return tuple(dict.fromkeys(point for point in found if point is not None))

    @property
    def runs(self) -> tuple[Run, ...]:
        """What must be trained; the ones that others start from come first."""
        return with_teachers(dict.fromkeys(point.run for point in self.points))

    @property
    def seen(self) -> tuple[str, ...]:
        """The kinds of 2D that its runs need."""
        kinds = {run.seen for run in self.runs}
        return tuple(kind for kind in (EXACT, DETECTED) if kind in kinds)

    def stages(self, run: str) -> tuple[str, ...]:
        """The stages after which a run is measured, in order.

        Args:
            run: the run's name.

        Raises:
            UnknownNameError: there is no run of this name.
        """
        find_run(run)
        return tuple(dict.fromkeys(point.stage for point in self.points if point.run == run))


_ERROR = "p_mpjpe"
_NINE = Point("posenet3d", "teacher", "teacher")
_TEACHER_FT = Point("posenet3d", "joint", "teacher")
_STUDENT = Point("posenet3d", "sja", "student")
_STUDENT_FT = Point("posenet3d", "joint", "student")
_MEAN = Point("posenet3d", "joint", "mean")


def _of_exact(point: Point) -> Point:
    return point._replace(run="posenet3d-exact")


def _flat(*points: Point) -> Row:
    """The baseline beside the points given, a column each."""
    heads = tuple(point._replace(head=FLAT) for point in points)
    return Row("Flat depth (knows nothing)", (None,) * len(points), heads, "not in the paper")


def _chen(stage: str = "") -> Point:
    return Point(f"chen2019{stage}", "teacher", "teacher")


_TABLE_1 = PaperTable(
    "table1",
    "Human3.6M: P-MPJPE of model-free methods, from annotated (GT) and detected (IMG) 2D",
    (
        Part(
            "Errors",
            (Column("GT", _ERROR, "mm"), Column("IMG", _ERROR, "mm")),
            (
                Row("Chen et al.", (58.0, None), (_chen("-exact"), None), "one frame"),
                Row(
                    "Chen et al. (†)(+)",
                    (51.0, 68.0),
                    (None, None),
                    "with temporal information and more data: not trained here",
                ),
                Row("PoseNet3D-Teacher", (50.6, 66.6), (_of_exact(_NINE), _NINE)),
                Row("PoseNet3D-Teacher-FT", (46.7, 62.1), (_of_exact(_TEACHER_FT), _TEACHER_FT)),
                Row("PoseNet3D", (47.0, 59.4), (_of_exact(_MEAN), _MEAN)),
                _flat(_of_exact(_MEAN), _MEAN),
            ),
            "PoseNet3D",
        ),
    ),
    annotated_protocol="h36m",
    filmed_protocol="cmu14",
)

_TABLE_2 = PaperTable(
    "table2",
    "Human3.6M: P-MPJPE of methods that give a body model, from detected 2D",
    (
        Part(
            "Errors",
            (Column("P-MPJPE", _ERROR, "mm"),),
            (
                Row("PoseNet3D-Student", (63.7,), (_STUDENT,)),
                Row("PoseNet3D-Student-FT", (60.5,), (_STUDENT_FT,)),
                Row("PoseNet3D", (59.4,), (_MEAN,)),
                _flat(_MEAN),
            ),
            "PoseNet3D",
        ),
    ),
    annotated_protocol="h36m",
    filmed_protocol="cmu14",
)

_TABLE_3 = PaperTable(
    "table3",
    "MPI-INF-3DHP: figures, after a similarity a frame, of a network trained on Human3.6M",
    (
        Part(
            "Figures",
            (
                Column("PCK", "pck_150", "%", higher_is_better=True),
                Column("AUC", "auc", "%", higher_is_better=True),
                Column("P-MPJPE", _ERROR, "mm"),
            ),
            (
                Row("PoseNet3D", (81.9, 43.2, 102.4), (_MEAN, _MEAN, _MEAN)),
                _flat(_MEAN, _MEAN, _MEAN),
            ),
            "PoseNet3D",
        ),
    ),
    annotated_protocol="mpi-inf-3dhp",
    filmed_protocol="cmu14-wild",
    filmed_training="cmu14",
)

_TABLE_4 = PaperTable(
    "table4",
    "Ablations on Human3.6M, from detected 2D",
    (
        Part(
            "Temporal consistency",
            (Column("MPJVE", "mpjve", "mm a frame"), Column("MBLSTD", "mblstd", "mm")),
            (
                Row("Chen et al. (1 frame)", (22.2, 43.7), (_chen(), _chen())),
                Row(
                    "Chen et al. (3 frames)",
                    (21.0, 38.7),
                    (None, None),
                    "the paper does not say how three frames go in: not trained here",
                ),
                Row(
                    "PoseNet3D-Teacher (1 frame)",
                    (23.4, 41.6),
                    (Point("one-frame", "teacher", "teacher"),) * 2,
                ),
                Row("PoseNet3D-Teacher (9 frames)", (13.9, 40.1), (_NINE, _NINE)),
                Row("PoseNet3D-Teacher-FT (9 frames)", (13.6, 38.7), (_TEACHER_FT, _TEACHER_FT)),
                Row("PoseNet3D (9 frames)", (7.8, 27.0), (_MEAN, _MEAN)),
                _flat(_MEAN, _MEAN),
            ),
            "PoseNet3D (9 frames)",
        ),
        Part(
            "Student: semantic joint adaptation and reprojection alone",
            (Column("P-MPJPE", _ERROR, "mm"),),
            (
                Row("Baseline 1", (124.8,), (Point("baseline-1", "student", "student"),)),
                Row("Baseline 2", (92.5,), (Point("baseline-2", "sja", "student"),)),
                Row("PoseNet3D-S-LinearSJA", (108.4,), (Point("linear-sja", "sja", "student"),)),
                Row("PoseNet3D-S-NoSJA", (70.2,), (Point("no-sja", "sja", "student"),)),
                Row("PoseNet3D-S-SJA", (63.7,), (_STUDENT,)),
                _flat(_STUDENT),
            ),
            "PoseNet3D-S-SJA",
        ),
    ),
    annotated_protocol="h36m",
    filmed_protocol="cmu14",
)

TABLES: Mapping[str, PaperTable] = MappingProxyType(
    {table.name: table for table in (_TABLE_1, _TABLE_2, _TABLE_3, _TABLE_4)}
)
"""The paper's tables by name."""


def find_table(name: str) -> PaperTable:
    """The paper's table of this name.

    Args:
        name: ``"table1"`` to ``"table4"``.

    Returns:
        The table.

    Raises:
        UnknownNameError: there is none of this name; the known ones are listed.

    Example:
        >>> find_table("table3").parts[0].rows[0].printed
        (81.9, 43.2, 102.4)
    """
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES)
    return TABLES[name]
