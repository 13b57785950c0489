"""Train, measure and ship the weights of the package: several seeds, mean and spread, one card.

    python benchmarks/pretrained.py --data $POSENET3D_DATA --plan
    python benchmarks/pretrained.py --data $POSENET3D_DATA --hold-out S02 S06   # a rehearsal
    python benchmarks/pretrained.py --data $POSENET3D_DATA                      # all subjects
    python benchmarks/pretrained.py --data $POSENET3D_DATA --test --ship
    python benchmarks/pretrained.py --preset detected --start-from best-wild RUN_1 RUN_2 ...

A preset is trained on "CMU-14 wild", once a seed, and measured under both protocols. `--noise`
spoils what it sees by a model of a detector's errors, missing joints among them; it is then
measured on 2D with such errors too, and so is a preset that spoils windows in a stage of its own.
`--start-from` names the weights that each seed starts from. With `--hold-out` those training
subjects are left out and measured: for choices. Without it all are trained on, and nothing is
measured until `--test`, which writes down each look at the test subjects in `looks_at_test.md`
beside the results first.

`--ship` writes the first seed's network into the package, whatever its figures, with its card:
as fp16 where that changes P-MPJPE on training clips by less than 0.05 mm. It refuses a network
that is the wrong way round on training clips, and more than 40 MB.

Each seed has a run folder under `--runs`: what is done is used again, what was stopped goes on.
Results go to `pretrained.md` and `pretrained.json`, or what `--page` says (`pretrained_held_out` of
a rehearsal); those of trials with fewer clips stay in the runs' folder.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from command_line import parsed, parser_of
from origin import command, commit, note_the_look
from pretrained_card import card_of, write_card
from pretrained_page import render
from pretrained_runs import (
    PROTOCOLS,
    config_of,
    figures_of,
    folder_of,
    rounding_of,
    spoils,
    train_command,
    trained,
)

REPOSITORY = Path(__file__).resolve().parents[1]
LARGEST = 40e6
"""Bytes that weights may have."""
NOTHING = 0.05
"""What fp16 may change P-MPJPE by, mm; a choice, far below the spread over seeds."""


def main() -> None:
    """Say what it takes, train and measure what is missing, write the page, and ship."""
    arguments = parse()
    print(plan(arguments), flush=True)
    if arguments.plan:
        return
    records = [record_of(seed, arguments) for seed in arguments.seeds]
    told = {"command": command(), "train_command": train_command(arguments)}
    facts: dict[str, Any] = {**described(arguments), **told}
    results = arguments.runs if arguments.clips else arguments.results
    results.mkdir(parents=True, exist_ok=True)
    rounding = rounding_of(arguments.seeds[0], arguments)
    if arguments.ship:
        facts["shipped"] = ship(records, rounding, facts, arguments)
    name = f"{arguments.page}_held_out" if arguments.hold_out else arguments.page
    document = {**facts, "rounding": rounding, "records": records}
    (results / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    page = results / f"{name}.md"
    page.write_text(render(records, rounding, facts))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--preset", default="best")
    parser.add_argument("--name", default="best-wild", help="what the weights are called")
    parser.add_argument(
        "--protocol",
        choices=["wild", *PROTOCOLS],
        default="cmu14-wild",
        help="whose cameras film the training subjects; wild is cmu14-wild",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="the first ships")
    parser.add_argument("--budget", type=float, default=1.0, help="factor on every stage's steps")
    parser.add_argument(
        "--start-from", nargs="+", metavar="WEIGHTS", help="what each seed starts from, in order"
    )
    parser.add_argument("--noise", choices=["none", "gentle", "openpose"], default="none")
    parser.add_argument(
        "--missing-joints",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the noise misses joints, and the network is told of it",
    )
    parser.add_argument("--hold-out", nargs="+", default=[], metavar="SUBJECT")
    parser.add_argument("--test", action="store_true", help="measure the test subjects")
    parser.add_argument("--clips", type=int, help="only so many clips; to try the benchmark out")
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a field of the preset; may be repeated",
    )
    parser.add_argument("--ship", action="store_true", help="write the weights into the package")
    parser.add_argument(
        "--into",
        type=Path,
        help="ship into this folder instead; the only place for less than all subjects",
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--page", default="pretrained", help="what the results are called")
    parser.add_argument("--plan", action="store_true", help="print the budget and stop")
    parser.add_argument("--runs", type=Path, default=Path("runs/pretrained"))
    arguments = parsed(parser)
    check(arguments, parser)
    arguments.protocol = "cmu14-wild" if arguments.protocol == "wild" else arguments.protocol
    arguments.hold_out = sorted(set(arguments.hold_out))
    return arguments


def check(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Refuse what does not go together."""
    if arguments.start_from and len(arguments.start_from) != len(arguments.seeds):
        parser.error("expected as many weights to start from as seeds")
    if arguments.hold_out and arguments.test:
        parser.error("a look at the test subjects is for networks of all training subjects")
    if arguments.ship and not (arguments.test or arguments.hold_out):
        parser.error("a card needs figures: add --test, or try it with --hold-out and --into")
    if arguments.ship and arguments.into is None and (arguments.hold_out or arguments.clips):
        parser.error("the package gets networks of all training subjects; or name --into")
    wrong = [each for each in arguments.changes if "=" not in each]
    if wrong:
        parser.error(f"expected KEY=VALUE, got {wrong}")


def described(arguments: argparse.Namespace) -> dict[str, Any]:
    """What all records have in common."""
    starts = [config_of(seed, arguments).start_from for seed in arguments.seeds]
    return {
        "name": arguments.name,
        "preset": arguments.preset,
        "protocol": arguments.protocol,
        "budget": arguments.budget,
        "noise": arguments.noise,
        "starts": [start for start in starts if start is not None],
        "spoils": spoils(arguments),
        "missing_joints": arguments.missing_joints,
        "hold_out": arguments.hold_out,
        "measured": measured_on(arguments),
        "changes": arguments.changes,
        "clips": arguments.clips,
    }


def measured_on(arguments: argparse.Namespace) -> str | None:
    """Whom the figures are of: the test subjects, those held out, or nobody yet."""
    return "test" if arguments.test else "-".join(arguments.hold_out) or None


def plan(arguments: argparse.Namespace) -> str:
    """What every seed takes, and what is done already."""
    lines = ["| seed | stages: steps × batch | trained |", "|---|---|---|"]
    left = 0
    for seed in arguments.seeds:
        config = config_of(seed, arguments)
        sizes = [stage.batch_size or config.batch_size for stage in config.stages]
        stages = ", ".join(
            f"{stage.name} {stage.steps or f'{stage.epochs} epochs'} × {size}"
            for stage, size in zip(config.stages, sizes, strict=True)
        )
        done = (folder_of(seed, arguments) / "report.json").exists()
        if not done:
            pairs = zip(config.stages, sizes, strict=True)
            left += sum((stage.steps or 0) * size for stage, size in pairs)
        lines.append(f"| {seed} | {stages} | {'yes' if done else ''} |")
    return "\n".join([*lines, "", f"Left to train: {left / 1e6:.2f} million windows.", ""])


def record_of(seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """What is known of a seed, trained and measured first where that is to be done."""
    print(f"seed {seed}: {folder_of(seed, arguments)}", flush=True)
    record = trained(seed, arguments, {"commit": commit(), "command": command()})
    measured = measured_on(arguments)
    if measured is None:
        return record
    look = partial(note_the_look, f"{arguments.name}, seed {seed}", arguments.results)
    return record | {
        "figures": figures_of(
            seed,
            measured,
            arguments,
            {"commit": commit()},
            before=look if arguments.test else None,
        )
    }


def ship(
    records: list[dict[str, Any]],
    rounding: dict[str, Any],
    facts: dict[str, Any],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Write the first seed's network and its card; what was written, for the results."""
    from posenet3d.networks import load_model, save_model
    from posenet3d.networks.model_files import model_files
    from posenet3d.networks.weights import describe_model

    if not rounding["right_way_round"]:
        sys.exit(f"seed {arguments.seeds[0]} is mirrored on training clips; it is not shipped")
    most = max(abs(each["fp16"] - each["fp32"]) for each in rounding["rows"])
    precision = "fp16" if most < NOTHING else "fp32"
    model = load_model(folder_of(arguments.seeds[0], arguments))
    made = model_files(model.state_dict(), describe_model(model), precision)
    size = sum(map(len, made.values()))
    if size > LARGEST:
        sys.exit(f"expected at most {LARGEST / 1e6:.0f} MB, got {size / 1e6:.1f}; train a narrower")
    folder = (arguments.into or REPOSITORY / "src/posenet3d/assets/weights") / arguments.name
    save_model(model, folder, precision=precision)
    card = card_of(records, rounding, facts, folder, precision)
    write_card(card, folder)
    print(f"shipped: {folder}, {size / 1e6:.1f} MB as {precision}", flush=True)
    return {
        "seed": card.seed,
        "precision": precision,
        "bytes": size,
        "sha256": card.weights_sha256,
    }


if __name__ == "__main__":
    main()
