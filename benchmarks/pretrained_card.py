"""The card of the weights that ship, from what their runs say."""

import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created "
    "with funding from NSF EIA-0196217."
)
CMU_TERMS = (
    '"This data is free for use in research projects. You may include this data in '
    "commercially-sold products, but you may not resell this data directly, even in converted "
    'form."'
)
LICENCE = (
    "Apache-2.0, as the code (LICENSE). The weights hold no motion capture: they were learnt from "
    "2D projections of CMU's, whose terms allow research and inclusion in products that are sold, "
    "but not reselling the data. Their student speaks in the parameters of the body `mannequin`, "
    "which is CC0 1.0."
)
HEADS = ("teacher", "student", "mean", "flat")


def card_of(
    records: list[dict[str, Any]],
    rounding: dict[str, Any],
    facts: dict[str, Any],
    folder: Path,
    precision: str,
) -> Any:
    """The card.

    Args:
        records: what is known of each seed; the first ships.
        rounding: what fp16 changes.
        facts: what the command line says.
        folder: the folder with the weights as they ship.
        precision: how they are stored.
    """
    import hashlib

    from posenet3d.networks import ModelCard
    from posenet3d.networks.card import Rounding

    first = records[0]
    network = first["config"]["network"]
    content = (folder / "model.safetensors").read_bytes()
    return ModelCard(
        name=facts["name"],
        summary=summary(facts),
        licence=LICENCE,
        data=sources(first, facts),
        inputs=inputs(network),
        outputs=outputs(network),
        limits=limits(first, facts),
        measured_on=about_figures(facts),
        measured=measured(records),
        precision=precision,
        rounding=tuple(Rounding(**row) for row in rounding["rows"]),
        rounding_on=rounding["on"],
        parameters=first["parameters"],
        weights_bytes=len(content),
        weights_sha256=hashlib.sha256(content).hexdigest(),
        seed=first["seed"],
        seeds=tuple(record["seed"] for record in records),
        commit=first["commit"],
        date=datetime.now(UTC).date().isoformat(),
        command=facts["command"],
        train_command=facts["train_command"],
        made_with=made_with(first),
    )


def write_card(card: Any, folder: Path) -> None:
    """Write the card for programs and for people."""
    from posenet3d.networks.card import CARD_FILE, PAGE_FILE

    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n")
    (folder / PAGE_FILE).write_text(card.to_markdown())


def measured(records: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Every branch's figures over the seeds; the first record is the one that ships."""
    from posenet3d.networks.card import FIGURES, Measured

    return tuple(
        Measured(
            protocol=protocol,
            seen=told_2d(seen),
            head=head,
            figures={
                name: spread(records if head != "flat" else records[:1], protocol, seen, head, name)
                for name in FIGURES
            },
        )
        for protocol, kinds in records[0].get("figures", {}).items()
        for seen, heads in kinds.items()
        for head in HEADS
        if head in heads
    )


def spread(records: list[dict[str, Any]], *path: str) -> Any:
    """Mean, deviation, and the first record's value of a figure."""
    from posenet3d.networks.card import Spread

    values = []
    for record in records:
        value: Any = record["figures"]
        for name in path:
            value = value[name]
        values.append(value)
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Spread(mean=statistics.fmean(values), deviation=deviation, shipped=values[0])


def told_2d(seen: str) -> str:
    """The 2D in words."""
    if seen == "exact":
        return "exact"
    name, _, whole = seen.partition(", ")
    return f"noise `{name}`" + (", no joint missing" if whole else "")


def summary(facts: dict[str, Any]) -> str:
    """What the weights are."""
    rig = {"cmu14": "Human3.6M's geometry", "cmu14-wild": "cameras as people hold them"}
    spoilt = {
        "none": "exact projections",
        "gentle": "projections spoilt by the model `gentle` of a detector's errors",
        "openpose": "projections spoilt by the model `openpose` of a detector's errors",
    }[facts["noise"]]
    gaps = ", missing joints among them," if facts["noise"] != "none" else ""
    gaps = gaps if facts["missing_joints"] else ""
    start = next(iter(facts["starts"]), "")
    taught = (
        f" It goes on from the weights `{Path(start).name}`, and was taught to "
        "answer for such projections spoilt by the model of a detector's errors, and with joints "
        "hidden, what these weights answer for the exact ones."
    )
    return (
        "Lifts 2D joint positions of one person over time to 3D skeletons and to the pose and "
        f"shape of a body model. PoseNet3D (Tripathi et al. 2020), preset `{facts['preset']}`, "
        f"trained on 2D alone: motion capture filmed by simulated {rig[facts['protocol']]} "
        f"(`{facts['protocol']}`), {spoilt}{gaps} and no 3D position as a target."
        + (taught if facts["spoils"] else "")
    )


def sources(record: dict[str, Any], facts: dict[str, Any]) -> tuple[Any, ...]:
    """The data that the weights were trained on."""
    from posenet3d.networks.card import DataSource

    data = record["data"]
    subjects = ", ".join(data["subjects"])
    use = (
        f"{data['clips']} clips of the subjects {subjects}, seen by simulated cameras: "
        f"{data['sequences']} sequences of 2D, {data['frames']:,} frames at 50 Hz. The 3D served "
        "to film them, and to measure."
    )
    return (
        DataSource(
            name="CMU Graphics Lab Motion Capture Database",
            use=use,
            licence=CMU_TERMS,
            acknowledgement=ACKNOWLEDGEMENT,
        ),
    )


def inputs(network: dict[str, Any]) -> tuple[str, ...]:
    """What goes in."""
    frames = network["frames"]
    seconds = frames / 50
    scale = [repr(network["normalization"]), f"{network['distance']:g}"]
    scale += ["length=float(model.input_length)"] * (network["normalization"] == "dataset")
    scale += ["gaps=True"] * network["missing_joints"]
    footage = (
        " `Estimator.predict` says `'limbs'` instead of `'sequence'`: footage zooms."
        if network["normalization"] == "sequence"
        else ""
    )
    if network["missing_joints"]:
        gaps = (
            "Joints may be missing (NaN); centre and scale need both hips and the head top now "
            "and then."
        )
    else:
        gaps = (
            "Every joint in every frame: the network is not told of missing ones; "
            "`posenet3d.nn.fill_windows` guesses them from the window's other frames."
        )
    return (
        "The 14 joints of the layout `lsp_14` of one person, x to the right and y down, in pixels "
        "or any other unit; `KeypointSequence.to_layout` makes them of other layouts.",
        f"Centred and scaled by `posenet3d.data.normalize(points, {', '.join(scale)})`.{footage}",
        "No camera parameters; lens distortion is not undone.",
        f"Windows of {frames} frames, (batch, {frames}, 14, 2), at 50 frames a second "
        f"({seconds:.2f} s); resample other rates.",
        gaps,
    )


def outputs(network: dict[str, Any]) -> tuple[str, ...]:
    """What comes out."""
    frames = network["frames"]
    return (
        f"`lift`: skeletons (batch, {frames}, 14, 3) of `teacher`, `student` and their `mean`, in "
        "the camera frame (x right, y down, z forward), hips' middle at the origin, in "
        "head-to-root lengths.",
        f"`parameters_of`: 24 rotations a frame and 10 shape coefficients a window of the body "
        f"`{network['body_model']['name']}`.",
        f"Figures are those of a window's centre frame, number {frames // 2}.",
    )


def limits(record: dict[str, Any], facts: dict[str, Any]) -> tuple[str, ...]:
    """What the weights cannot do, and what was not tried."""
    network, data = record["config"]["network"], record["data"]
    channels = network["backbone"]["options"].get("channels", 1024)
    narrower = " (the paper has 1024), chosen for training on a CPU" if channels < 1024 else ""
    cameras = {
        "cmu14": "The cameras are simulated, all in one geometry; on others it is worse.",
        "cmu14-wild": (
            "The cameras are simulated: pitch −5 to 35°, one view in ten rolled by 15 to 30°, 2.5 "
            "to 8 m away, no lens distortion, none moving. What cameras that move and zoom do to "
            "networks trained alike is measured in `benchmarks/results/robustness.md`: little to "
            "the pose, but their own motion is taken for the person's. Outside of that nothing "
            "was measured."
        ),
    }[facts["protocol"]]
    noise = "openpose" if facts["spoils"] else facts["noise"]
    errors = {
        "none": "It learnt from exact 2D and was not told what a detector does.",
    }.get(
        noise,
        f"A detector's errors are a model's (`{noise}`): no figure here is of a real "
        "detector, since there is no 3D truth for one.",
    )
    return (
        cameras,
        errors,
        "One person a clip, all of the body in view most of the time; who is who must be known.",
        "14 joints: no hands, feet or face. Turns about a limb's own axis are the body model's "
        "guess.",
        f"It saw {len(data['subjects'])} people who walk, dance, play and do everyday things; of "
        "their ages and builds nothing is known. Bones' proportions that differ from theirs "
        "(children, amputations) were not tried; nor were riding, swimming, lying down for long.",
        f"{network['frames']} frames at a time: nothing is remembered over longer gaps.",
        "No metres: one view does not hold a person's size. The shape follows joints only; do not "
        "read body mass off it.",
        f"{channels} channels{narrower}.",
        "Not made for deciding about people: no medical, legal or biometric use was looked into.",
    )


def about_figures(facts: dict[str, Any]) -> str:
    """Whom the figures are of, and how the seed was chosen."""
    if facts["measured"] == "test":
        who = "Test subjects (S08, S14, S35; S14 is 93 % of the frames), looked at for the figures"
    else:
        who = f"Held-out training subjects ({', '.join(facts['hold_out'])})"
    return f"{who}. The first seed ships; none was chosen by its figures."


def made_with(record: dict[str, Any]) -> tuple[str, ...]:
    """Length, time, machine and versions of the training."""
    report, machine, config = record["report"], record["environment"], record["config"]
    sizes = {stage["name"]: stage["batch_size"] for stage in config["stages"]}
    stages = ", ".join(
        f"`{each['name']}` {each['steps']:,} × {sizes[each['name']] or config['batch_size']}"
        for each in report["stages"]
    )
    minutes = sum(each["seconds"] for each in report["stages"]) / 60
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    told = [
        f"Steps × windows: {stages}.",
        f"{minutes:.0f} minutes on {machine['device']}, {machine['threads']} thread(s).",
        f"Python {machine['python']}, {packages}.",
    ]
    if report["camera_pitch_degrees"] is not None:
        told.append(
            f"Mean camera pitch as learnt: {report['camera_pitch_degrees']:.1f}°; the mirror guard "
            f"turned the depth round {report['mirror_turns']} time(s)."
        )
    return tuple(told)
