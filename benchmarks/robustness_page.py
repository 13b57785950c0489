"""The page of the benchmark of robustness, and how it looks figures up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from robustness_cameras import MOVES
from robustness_measures import (
    COMPONENTS,
    EXACT,
    FACTORS,
    FIXED,
    FLAT,
    FLICKERING,
    LASTING,
    OCCLUDED,
    WILD,
    Condition,
    conditions,
)

from posenet3d.skeletons import LSP_14

HEADS = ("teacher", "student", "mean")
FACTS = {
    "pitch": ("the camera looks down by", "°"),
    "roll": ("it is rolled by, either way,", "°"),
    "distance": ("the person is away", " m"),
    "focal": ("focal length", " half widths"),
    "tilt": ("the torso leans by", "°"),
}
Results = Mapping[str, Any]


def record(results: Results, network: str, condition: Condition) -> Mapping[str, Any]:
    """The figures of a network under a condition."""
    wanted = {"network": network, **condition._asdict()}
    found = [r for r in results["records"] if all(r[name] == wanted[name] for name in wanted)]
    if not found:
        raise LookupError(f"no record of {network} under {condition}")
    figures: Mapping[str, Any] = found[0]
    return figures


def complete(results: Results) -> list[str]:
    """The networks, in the order in which they were named first."""
    return list(results["networks"])


def best_head(values: Mapping[str, float]) -> str:
    """The network's own answer: the mean, where it has a student."""
    return "mean" if "mean" in values else "teacher"


def render(results: Results, picture: str) -> str:
    """The page of results."""
    lines = [
        *heading(results, picture),
        *cameras(results),
        *bins(results),
        *moving(results),
        *detectors(results),
        *missing(results),
        *joints(results),
    ]
    return "\n".join(lines) + "\n"


def heading(results: Results, picture: str) -> list[str]:
    """What was measured, on whom, in which unit."""
    on_test = results["measured"] == "test"
    who = (
        "the test subjects"
        if on_test
        else f"training subjects {', '.join(results['measured'])}, to be held out when a network "
        "is trained (nothing here can tell whether they were)"
    )
    commits = sorted({each["commit"][:12] for each in results["records"]})
    trial = f" **A trial with {results['clips']} clips.**" if results["clips"] else ""
    told = [
        f"| {name} | {each['parameters'] / 1e6:.1f} M | {each['window']} | "
        f"{'told of them' if each['missing_joints'] else 'guessed before it'} | "
        f"`{each['weights'][:12]}` |"
        for name, each in results["networks"].items()
    ]
    return [
        "# Where the networks hold, and where they do not",
        "",
        f"Command: `{results['command']}`",
        "",
        f"Measured on {who}; all four test views of each clip; commit {', '.join(commits)}.{trial}",
        "",
        "P-MPJPE in mm, per frame with det = +1, over all 14 joints, missing ones too. A cell "
        f"holds {' / '.join(HEADS)}, where a network has them; flat depth stands beside. Cameras "
        f"and poses: every {results['every']}th frame; spoilt 2D: every "
        f"{results['sweep_every']}th. One seed of everything random.",
        "",
        "| network | parameters | frames | missing joints | SHA-256 of its numbers |",
        "|---|---|---|---|---|",
        *told,
        "",
        f"![Errors against cameras, poses, moving cameras, noise and missing joints]({picture})",
        "",
    ]


def cameras(results: Results) -> list[str]:
    """The two protocols."""
    lines = ["## The fixed rig and wild cameras", ""]
    lines += ["| network | head | CMU-14 | CMU-14 wild | wild / fixed |", "|---|---|---|---|---|"]
    for network in complete(results):
        fixed, wild = (
            record(results, network, Condition("cameras", protocol))["p_mpjpe"]
            for protocol in (FIXED, WILD)
        )
        lines += [
            f"| {network} | {head} | {fixed[head]:.1f} | {wild[head]:.1f} | "
            f"{wild[head] / fixed[head]:.2f} |"
            for head in fixed
        ]
    return [*lines, ""]


def bins(results: Results) -> list[str]:
    """Parts of the wild protocol, by camera and pose."""
    networks = complete(results)
    records = {each: record(results, each, Condition("cameras", WILD)) for each in networks}
    lines = [
        "## Wild cameras and unusual poses, part by part",
        "",
        "Exact 2D. Parts differ in the clips they hold too, so read a figure beside flat depth's. "
        "The focal length scales an image and normalisation takes that out again: what changes "
        "with it is chance. Tilt is the angle of the line from hips to neck with the vertical.",
        "",
        *header(results, "", "frames"),
    ]
    for name, (words, unit) in FACTS.items():
        parts = [records[network]["bins"][name] for network in networks]
        for rows in zip(*parts, strict=True):
            limits = limited(rows[0]["limits"], unit)
            values = [row["p_mpjpe"] for row in rows]
            lines.append(row_of(f"{words} {limits}", f"{rows[0]['frames']}", values))
    return [*lines, ""]


def limited(limits: Sequence[float | None], unit: str) -> str:
    """A bin's limits in words."""
    low, high = limits
    if low is None or (low == 0 and high is not None):
        return f"less than {high:g}{unit}"
    return f"{low:g}{unit} or more" if high is None else f"{low:g} to {high:g}{unit}"


def moving(results: Results) -> list[str]:
    """Cameras that move, for the two scales of the 2D."""
    networks = complete(results)
    names = ["the camera", "flat depth: P-MPJPE, MPJVE"]
    for network in networks:
        names += [f"{network}: P-MPJPE", "one scale", "MPJVE", "up, degrees off"]
    lines = [
        "## Cameras that move",
        "",
        "CMU-14 wild, the first view of each clip, exact 2D; cameras moved as footage's are "
        "(`robustness_cameras.py`). As "
        '`Estimator.predict` lifts: windows averaged, the 2D\'s scale that of `"limbs"`, so the '
        "first row differs from the figures above. *One scale*: the mean of the heads where the "
        "2D is scaled over the whole sequence instead, as the training's was. MPJVE of that mean "
        "in mm a frame. *Up*: what `estimate_up` finds, which is one direction for a sequence, "
        "against gravity in each frame: median / 90th percentile over views. Swaying and shaking "
        "turn by so many degrees (standard deviation) about each of three axes. *All of it* goes "
        "round, comes and goes, zooms, follows late and shakes, at strength 2 each about twice.",
        "",
        f"| {' | '.join(names)} |",
        "|---" * len(names) + "|",
    ]
    for condition in moves():
        found = [record(results, network, condition) for network in networks]
        flat = own_scale(found[0])
        cells = [f"{flat['p_mpjpe'][FLAT]:.1f}, {flat['mpjve'][FLAT]:.1f}"]
        for each in found:
            scaled, trained = own_scale(each), next(iter(each["scales"].values()))
            own = best_head(scaled["p_mpjpe"])
            cells += [
                joined(scaled["p_mpjpe"][head] for head in HEADS if head in scaled["p_mpjpe"]),
                f"{trained['p_mpjpe'][own]:.1f}",
                f"{scaled['mpjve'][own]:.1f}",
                joined(each["up"]),
            ]
        lines.append(f"| {' | '.join([said_of(condition), *cells])} |")
    return [*lines, ""]


def moves() -> list[Condition]:
    """A camera that stands still, and all that move."""
    return [condition for condition in conditions() if condition.part == "moving"]


def own_scale(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a record of cameras that move, the figures with the scale of lifting."""
    *_, last = found["scales"].values()
    figures: Mapping[str, Any] = last
    return figures


def said_of(condition: Condition) -> str:
    """What a camera does, in words."""
    if not condition.name:
        return "it stands still"
    return MOVES[condition.name].words.format(condition.amount)


def detectors(results: Results) -> list[str]:
    """Errors of a detector, by component and factor."""
    lines = [
        "## A detector's errors",
        "",
        f"CMU-14 wild, spoilt by the model `{results['noise']}` (`posenet3d.data.detector_noise`), "
        "its parts multiplied: the size of the jitter, and how often joints are far off or "
        "missing and limbs swapped.",
        "",
        *header(results, "errors", "times"),
        row_for(results, "none", "", EXACT),
    ]
    for name in COMPONENTS:
        lines += [
            row_for(results, name, f"{factor:g}", Condition("noise", WILD, name, factor))
            for factor in FACTORS
        ]
    return [*lines, ""]


def missing(results: Results) -> list[str]:
    """Missing joints: random numbers of them, and occlusions."""
    lines = [
        "## Missing joints",
        "",
        "CMU-14 wild, exact 2D. Joints are hidden after the view was centred and scaled. A "
        "network that is not told of missing joints gets a guess: the joint's other frames in the "
        "window or, where there is none, its mean height on people. In brackets the error of the "
        "hidden joints alone.",
        "",
        *header(results, "missing", "joints"),
        row_for(results, "none", "0", EXACT),
    ]
    for kind in (FLICKERING, LASTING):
        for count in range(1, 7):
            condition = Condition("missing", WILD, kind, count)
            lines.append(row_for(results, kind, f"{count}", condition, "of_missing"))
    for name, which in OCCLUDED.items():
        condition = Condition("missing", WILD, name, len(which))
        lines.append(row_for(results, name, f"{len(which)}", condition, "of_missing"))
    return [*lines, ""]


def joints(results: Results) -> list[str]:
    """Each joint's part of the error."""
    networks = complete(results)
    found = [record(results, each, Condition("cameras", WILD))["per_joint"] for each in networks]
    lines = ["## Joint by joint", "", "CMU-14 wild, exact 2D.", "", *header(results, "joint", "")]
    for place, joint in enumerate(LSP_14.joint_names):
        values = [{head: each[place] for head, each in heads.items()} for heads in found]
        lines.append(row_of(joint.replace("_", " "), "", values))
    return [*lines, ""]


def header(results: Results, *first: str) -> list[str]:
    """The first two lines of a table with a column for each network and one for flat depth."""
    names = (*first, *complete(results), "flat depth")
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def row_for(
    results: Results, name: str, amount: str, condition: Condition, also: str | None = None
) -> str:
    """A row of a table for one condition; `also` names a second figure, for the brackets."""
    found = [record(results, network, condition) for network in complete(results)]
    second = None if also is None else [each[also] for each in found]
    return row_of(name, amount, [each["p_mpjpe"] for each in found], second)


def row_of(
    name: str,
    amount: str,
    values: Sequence[Mapping[str, float]],
    second: Sequence[Mapping[str, float]] | None = None,
) -> str:
    """A row of a table: each network's heads, and flat depth as the first network gets it."""
    cells = [joined(each[head] for head in HEADS if head in each) for each in values]
    flat = f"{values[0][FLAT]:.1f}"
    if second is not None:
        cells = [
            f"{cell} ({each[best_head(each)]:.0f})"
            for cell, each in zip(cells, second, strict=True)
        ]
        flat += f" ({second[0][FLAT]:.0f})"
    return f"| {' | '.join((name, amount, *cells, flat))} |"


def joined(numbers: Iterable[float]) -> str:
    """Numbers with slashes."""
    return " / ".join(f"{number:.1f}" for number in numbers)
