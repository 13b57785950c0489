"""What lowers MPJVE on a detector's 2D: the student, the window, all windows, smooth 2D.

    python benchmarks/trembling.py chen2019=NETWORK NAME=NETWORK ... --data $POSENET3D_DATA

Networks (the folder `stages/STAGE` of a run) that never saw the subjects (`--subjects`) are
measured as `relations.py` does it: the fixed rig, the errors of `gentle`, no joint missing. The
first is what the others are set against. Writes `trembling.md` into `--results`; what it says
stands in `accuracy.md`, at the goal that is missed.
"""

import argparse
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from command_line import parsed
from held_out import clips_of, parser_of
from origin import command, commit, environment_of
from relations import AVERAGE, CENTRE, PROTOCOL, filmed

from posenet3d import KeypointSequence
from posenet3d.evaluation import EvaluationReport
from posenet3d.evaluation.sequences import Detector
from posenet3d.keypoints.repair import repair
from posenet3d.reproduction import DETECTED
from posenet3d.reproduction.running import measure

NOISE = "gentle"
SMOOTH = ", smooth"
FIGURES = ("mpjve", "mblstd", "p_mpjpe")


def main() -> None:
    """Measure, write."""
    arguments = parse()
    material = filmed([], clips_of(arguments), NOISE)
    test, spoilt = material.tested(DETECTED)
    lines = [*introduction(arguments), *head()]
    against = 0.0
    for number, named in enumerate(arguments.networks):
        name, _, folder = named.partition("=")
        ways = ((CENTRE, "", spoilt), (AVERAGE, "", spoilt), (AVERAGE, SMOOTH, smooth(spoilt)))
        for stitch, how, detector in ways if number else ways[::2]:
            network = Path(folder)
            report = measure(network, test, PROTOCOL, detector=detector, stitch=stitch)
            against = against or report["teacher"].mpjve
            lines += rows(name, stitch + how, report, against)
            print(lines[-1], flush=True)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "trembling.md").write_text("\n".join([*lines, *trained(arguments), ""]))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("networks", nargs="+", metavar="NAME=NETWORK")
    return parsed(parser)


def smooth(spoilt: Detector) -> Detector:
    """The same 2D, smoothed as `repair` smooths it."""

    def detector(sequence: KeypointSequence) -> KeypointSequence:
        return repair(spoilt(sequence), smooth="savitzky_golay")[0]

    return detector


def introduction(arguments: argparse.Namespace) -> Iterator[str]:
    """Where the figures come from."""
    yield "# What lowers MPJVE on a detector's 2D"
    yield ""
    yield (
        f"Command: `{command()}`; commit {commit()[:12]}; the detector's errors have the seeds of "
        f"`relations.py`. Subjects {', '.join(arguments.subjects)}, whom these networks never "
        "saw; no test subject was looked at."
    )
    yield ""
    yield (
        f"CMU-14, 2D with the errors of `{NOISE}`, no joint missing. MPJVE in mm a frame at 50 "
        "Hz, also as a part of the first network's; MBLSTD and P-MPJPE in mm. *Centre*: a frame "
        "is the middle of its window; *average*: stitched, as `Estimator.predict` lifts; *smooth*: "
        'by `repair(..., smooth="savitzky_golay")` before. The first has one frame a window.'
    )
    yield ""


def head() -> Iterator[str]:
    """The head of the table."""
    yield "| network | head | windows | MPJVE | of the first | MBLSTD | P-MPJPE |"
    yield "|---|---|---|---|---|---|---|"


def rows(name: str, stitch: str, report: EvaluationReport, against: float) -> Iterator[str]:
    """A network's heads."""
    for head, scores in report.heads.items():
        if head != "flat":
            mpjve, *others = (getattr(scores, figure) for figure in FIGURES)
            told = " | ".join(f"{value:.1f}" for value in others)
            yield f"| {name} | {head} | {stitch} | {mpjve:.1f} | {mpjve / against:.2f} | {told} |"


def trained(arguments: argparse.Namespace) -> Iterator[str]:
    """How each network was trained."""
    yield ""
    for named in arguments.networks:
        name, _, folder = named.partition("=")
        run = Path(folder).parents[1]
        seed = json.loads((run / "config.json").read_text())["trainer"]["seed"]
        typed = environment_of(run)["command"]
        if typed[0].endswith(".py"):
            typed = ["python", f"benchmarks/{typed[0]}", *typed[1:]]
        yield f"- {name}: `{shlex.join(typed)}`, stage `{Path(folder).name}`, seed {seed}."


if __name__ == "__main__":
    main()
