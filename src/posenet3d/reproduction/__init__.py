"""The paper's tables made anew: what is trained for each, and ours beside the printed figures."""

from posenet3d.reproduction.configurations import configuration
from posenet3d.reproduction.material import Material
from posenet3d.reproduction.planning import Job, Plan, plan_table
from posenet3d.reproduction.records import Measurement
from posenet3d.reproduction.reproducing import collect, reproduce
from posenet3d.reproduction.results import Results
from posenet3d.reproduction.runs import DETECTED, EXACT, RUNS, Run, find_run
from posenet3d.reproduction.sources import open_material
from posenet3d.reproduction.tables import (
    TABLES,
    Column,
    PaperTable,
    Part,
    Point,
    Row,
    find_table,
)

__all__ = [
    "DETECTED",
    "EXACT",
    "RUNS",
    "TABLES",
    "Column",
    "Job",
    "Material",
    "Measurement",
    "PaperTable",
    "Part",
    "Plan",
    "Point",
    "Results",
    "Row",
    "Run",
    "collect",
    "configuration",
    "find_run",
    "find_table",
    "open_material",
    "plan_table",
    "reproduce",
]
