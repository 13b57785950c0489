"""Train and judge the peers' own code beside ours: same 2D, same frames, same metrics.

    python benchmarks/peers.py --peers DIR --data $POSENET3D_DATA --settings small \
        --budget-windows 2000000 --seeds 0 1 2 --ours best=runs/best-0

DIR holds checkouts of the peers' repositories, which are never part of this project:

    for peer in facebookresearch/VideoPose3D weigq/3d_pose_baseline_pytorch \
        lyuheng/unsupervised_3d_pose bastianwandt/ElePose facebookresearch/c3dpo_nrsfm
    do git clone https://github.com/$peer DIR/${peer#*/}; done

Each peer and seed is a process of its own with one thread (`benchmarks/peers/run_one.py`), goes on
where it was stopped, and is not run again once its row is there. Choices are made on held-out
training subjects (`--hold-out`, the default); `--test` looks at the test subjects and records
the look in `results/looks_at_test.md`. Rows go to `results/peers.json`, the page to
`results/peers.md`.
"""

import argparse
import datetime
import importlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from command_line import parsed, parser_of

HERE = Path(__file__).resolve().parent
ADAPTERS = ("videopose3d", "martinez", "chen", "elepose", "c3dpo")
KINDS = {"supervised": 0, "2D only": 1, "floor": 2}
COLUMNS = ("p_mpjpe", "p_mpjpe_reflected", "n_mpjpe", "mpjve", "mblstd", "pck_150", "auc")


def main() -> None:
    """Run what has no row yet, and write rows and page."""
    arguments = parse()
    sys.path.insert(0, str(HERE / "peers"))
    if arguments.gather:
        rows, stopped = gathered(arguments.runs, smoke=arguments.smoke)
        write_page(arguments.results, merged(arguments.results / "peers.json", rows), stopped)
        return
    rows = [row for name in arguments.only for row in run_peer(name, arguments)]
    for ours in arguments.ours:
        mine = run_ours(ours, arguments)
        rows += [*mine, floor(mine[0])]
    write_page(arguments.results, merged(arguments.results / "peers.json", rows))


def write_page(folder: Path, rows: list[dict], stopped: Sequence[dict] = ()) -> None:
    """Write the page of these rows, and print it."""
    page = folder / "peers.md"
    page.write_text(render(rows, stopped))
    print(page.read_text())


def gathered(runs: Path, *, smoke: bool) -> tuple[list[dict], list[dict]]:
    """The rows of the finished runs in a folder, and what is known of the others."""
    rows, stopped = [], []
    for told in sorted(runs.glob("*/job.json")):
        job = json.loads(told.read_text())
        if "adapter" not in job:
            continue
        if (told.parent / "row.json").exists():
            row = json.loads((told.parent / "row.json").read_text())
            rows += [row | {"smoke": smoke, "curve": curve(told.parent)}, floor(row)]
        elif (told.parent / "progress.csv").exists():
            about = importlib.import_module(job["adapter"]).Adapter.about
            stopped.append(job | {"name": about.name, "curve": curve(told.parent)})
    return rows, stopped


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="folder of checkouts")
    parser.add_argument("--only", nargs="*", default=list(ADAPTERS), choices=ADAPTERS)
    parser.add_argument("--protocol", default="cmu14", choices=("cmu14", "cmu14-wild"))
    judged = parser.add_mutually_exclusive_group()
    judged.add_argument("--hold-out", nargs="+", default=["S02", "S06"], metavar="SUBJECT")
    judged.add_argument("--test", action="store_true", help="judge on the test subjects")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--budget-steps", type=int, help="steps of each peer's own batch")
    budget.add_argument("--budget-windows", type=int, help="windows that each lifter sees")
    parser.add_argument("--settings", default="published", choices=("published", "small"))
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="PEER.KEY=JSON", help="tuned settings, by name"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--ours", nargs="*", default=[], metavar="NAME=RUN")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "peers")
    parser.add_argument(
        "--gather", action="store_true", help="start nothing: only what lies in --runs already"
    )
    parser.add_argument("--smoke", action="store_true", help="mark the rows as a smoke run")
    arguments = parsed(parser)
    if HERE.parent in arguments.peers.resolve().parents:
        parser.error("the peers' checkouts are no part of this project: put them elsewhere")
    if arguments.test:
        arguments.hold_out = []
    return arguments


def run_peer(name: str, arguments: argparse.Namespace) -> list[dict]:
    """The rows of one peer, a seed each, and the floor of the same frames."""
    adapter = importlib.import_module(name).Adapter
    checkout = arguments.peers / adapter.about.folder
    if not checkout.is_dir():
        print(f"{adapter.about.name}: no checkout at {checkout}; left out", file=sys.stderr)
        return []
    settings = dict(adapter.published)
    settings |= adapter.small if arguments.settings == "small" else {}
    tuned = tuned_settings(name, settings, arguments.set)
    settings |= tuned
    steps = arguments.budget_steps
    if arguments.budget_windows:
        steps = math.ceil(arguments.budget_windows / settings["batch"])
    rows = []
    for seed in arguments.seeds:
        job = common_job(arguments, name) | {
            "adapter": name, "peers": str(arguments.peers.resolve()), "settings": settings,
            "settings_name": arguments.settings + ", tuned" * bool(tuned), "steps": steps,
            "seed": seed, "threads": 1,
        }  # fmt: skip
        folder = arguments.runs / "-".join(
            [name, arguments.settings, *(f"{k}={v}" for k, v in tuned.items()),
             str(steps or "all"), str(seed), job["protocol"], job["judged_on"].replace(" ", "-")]
        )  # fmt: skip
        row = run_job("run_one.py", folder, job) | {"command": job["command"]}
        rows += [row | {"smoke": arguments.smoke, "curve": curve(folder)}, floor(row)]
    return rows


def curve(folder: Path) -> list[dict[str, float]]:
    """What `run_one.py` noted while it trained: steps, errors on a few held-out views, losses."""
    lines = (folder / "progress.csv").read_text().splitlines()
    pairs = ([one.partition("=") for one in line.split(",")] for line in lines)
    return [{name: float(value) for name, _, value in line} for line in pairs]


def tuned_settings(name: str, settings: dict, asked: list[str]) -> dict:
    """What `--set` says of one peer; an unknown key is an error."""
    tuned = {}
    for one in asked:
        key, _, value = one.partition("=")
        peer, _, key = key.partition(".")
        if peer not in ADAPTERS or (peer == name and key not in settings):
            raise SystemExit(f"expected PEER.KEY=JSON, got {one!r}; {name} has {sorted(settings)}")
        if peer == name:
            tuned[key] = json.loads(value)
    return tuned


def run_ours(ours: str, arguments: argparse.Namespace) -> list[dict]:
    """The rows of a finished run of our own, one a head."""
    name, _, run = ours.partition("=")
    if not (Path(run) / "model.json").exists():
        raise SystemExit(f"expected NAME=RUN with a finished run's folder, got {ours!r}")
    job = common_job(arguments) | {"name": name, "run": str(Path(run).resolve())}
    told = "-".join([name, Path(run).name, job["protocol"], job["judged_on"].replace(" ", "-")])
    folder = arguments.runs / f"ours-{told}"
    return run_job("ours.py", folder, job)


def common_job(arguments: argparse.Namespace, *names: str) -> dict:
    """What every job is told; the names are the peers that its command is to run."""
    held = arguments.hold_out
    return {
        "data": str(arguments.data.resolve()),
        "hold_out": held,
        "judged_on": f"held out {' '.join(held)}" if held else "test subjects",
        "protocol": arguments.protocol,
        "looks": str(arguments.results.resolve()),
        "command": command_of(arguments, names),
        "date": datetime.date.today().isoformat(),
    }


def command_of(arguments: argparse.Namespace, names: Sequence[str]) -> str:
    """What to type for the same figures, without this machine's folders."""
    words = ["python benchmarks/peers.py --peers DIR --data $POSENET3D_DATA --only", *names]
    words += ["--protocol", arguments.protocol, "--settings", arguments.settings]
    words += ["--hold-out", *arguments.hold_out] if arguments.hold_out else ["--test"]
    for option in ("budget_steps", "budget_windows"):
        if getattr(arguments, option):
            words += [f"--{option.replace('_', '-')}", str(getattr(arguments, option))]
    words += ["--set", *arguments.set] if arguments.set else []
    return " ".join([*words, "--seeds", *map(str, arguments.seeds)])


def run_job(script: str, folder: Path, job: dict) -> dict:
    """The row of a job: as it lies in its folder, or by a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    told, row = folder / "job.json", folder / "row.json"
    job = json.loads(json.dumps(job))  # as it will be read again
    if told.exists():
        before = json.loads(told.read_text())
        same = {key for key in job if key not in ("command", "date", "data", "peers", "looks")}
        if any(before.get(key) != job[key] for key in same):
            raise SystemExit(f"{folder} holds another job; remove it or name other --runs")
        job = before
    if not row.exists():
        told.write_text(json.dumps(job, indent=2))
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, str(HERE / "peers" / script), str(told)]
        print(folder.name, flush=True)
        subprocess.run(command, check=True, env=environment)
    return json.loads(row.read_text())


def floor(row: dict) -> dict:
    """Flat depth on the frames of a row."""
    return {
        "name": "flat depth", "kind": "floor", "metrics": row["flat"], "seconds": 0.0,
        "windows_seen": 0, "steps": 0, "seed": 0, "frames": 1, "settings_name": "",
        "peer_commit": None, "commit": row["commit"], "protocol": row["protocol"],
        "judged_on": row["judged_on"], "command": row["command"], "date": row["date"],
    }  # fmt: skip


def merged(path: Path, rows: list[dict]) -> list[dict]:
    """All rows of the file, these in place of their former selves; the file is written anew.

    A smoke run stands only as long as there is nothing else of its peer on the same people.
    """
    known = json.loads(path.read_text()) if path.exists() else []
    proper = {subject(row) for row in [*known, *rows] if not row.get("smoke")}
    kept = [row for row in known if not (row.get("smoke") and subject(row) in proper)]
    by_name = {identity(row): row for row in [*kept, *rows]}
    order = sorted(by_name.values(), key=place)
    path.write_text(json.dumps(order, indent=1) + "\n")
    return order


def subject(row: dict) -> tuple:
    """What a row is of, whatever its budget, settings and seed."""
    return row["name"], row["protocol"], row["judged_on"]


def identity(row: dict) -> tuple:
    """What tells rows apart."""
    names = ("name", "protocol", "judged_on", "settings_name", "steps", "seed")
    return (*(row[name] for name in names), json.dumps(row.get("settings"), sort_keys=True))


def place(row: dict) -> tuple:
    """Ceilings at the top, the floor at the bottom."""
    return row["judged_on"], row["protocol"], KINDS[row["kind"]], row["metrics"]["p_mpjpe"]


def render(rows: list[dict], stopped: Sequence[dict] = ()) -> str:
    """The page: tables, budgets, and what was done to each peer."""
    lines = [
        "# Peers, from their own repositories",
        "",
        "Written by `benchmarks/peers.py`. The 2D is filmed CMU-14 in `lsp_14`, normalised as each "
        "peer expects; frames and metrics are `posenet3d evaluate`'s: errors of poses on every "
        "fifth frame, MPJVE and MBLSTD on all; mm, MPJVE in mm a frame at 50 Hz, PCK and AUC in "
        "percent. P-MPJPE is per frame with det = +1. The depth mirror: where a 2D-only peer is "
        "better with its depth negated, it stands here with it negated, chosen by the truth, in "
        "its favour; as trained it has the figure in brackets.",
        "",
    ]
    for judged, protocol in dict.fromkeys((row["judged_on"], row["protocol"]) for row in rows):
        some = [row for row in rows if (row["judged_on"], row["protocol"]) == (judged, protocol)]
        lines += [f"## {protocol}, judged on {judged}", "", *table(some), "", *curves(some)]
    if stopped:
        lines += ["## Runs that have not reached their end", "", *unfinished(stopped), ""]
    return "\n".join([*lines, *descriptions(rows)]) + "\n"


def table(rows: list[dict]) -> list[str]:
    """The figures and budgets of one protocol."""
    lines = budgets(rows)
    lines += [
        f"| | kind | frames | {' | '.join(COLUMNS)} | steps | windows | seconds (of CPU) | "
        "settings | seed |",
        "|---" * (len(COLUMNS) + 8) + "|",
    ]
    for row in rows:
        figures = [f"{row['metrics'][name]:.1f}" for name in COLUMNS]
        if row.get("depth_sign", "as trained") != "as trained":
            figures[0] += f" ({row['metrics_as_trained']['p_mpjpe']:.1f})"
        busy = f" ({row['cpu_seconds']:.0f})" if row.get("cpu_seconds") else ""
        name = row["name"] + "*" * (row.get("same_training_film") is False)
        lines.append(
            f"| {name} | {row['kind']} | {row['frames']} | {' | '.join(figures)} | {row['steps']} "
            f"| {row['windows_seen']:,} | {row['seconds']:.0f}{busy} | {row['settings_name']} "
            f"| {row['seed']} |"
        )
    if any(row.get("same_training_film") is False for row in rows):
        lines += ["", "\\* trained on other film than the peers."]
    return lines


def budgets(rows: list[dict]) -> list[str]:
    """What may rest on these figures, as far as their budgets go."""
    some = [row for row in rows if row["kind"] != "floor"]
    smoke = [row["name"] for row in some if row.get("smoke")]
    small = [row for row in some if row["settings_name"].startswith("small")]
    small = [row for row in small if row["name"] not in smoke]
    lines = []
    if smoke:
        lines = [
            f"**Smoke run** of {', '.join(dict.fromkeys(smoke))}: budgets too small to say "
            "anything about how good a peer is; no comparison may rest on them.",
            "",
        ]
    if small:
        windows = sorted(row["windows_seen"] for row in small)
        lines += [
            f"**Small settings**: narrow networks (below), one thread, {windows[0] / 1e6:.2f} to "
            f"{windows[-1] / 1e6:.2f} million windows. They show how far each comes in such a "
            "budget, not what its published settings reach.",
            "",
        ]
    if any(row["settings_name"].startswith("published") for row in some):
        lines += [
            "**Published settings** (networks, batches, rates) have the budget that their row "
            "tells; schedules run over it.",
            "",
        ]
    return lines


def curves(rows: list[dict]) -> list[str]:
    """P-MPJPE while training, by the share of the steps that were taken."""
    seen = [row for row in rows if any("p_mpjpe" in note for note in row.get("curve", []))]
    if not seen:
        return []
    lines = [
        "P-MPJPE on 60 frames of each of 12 held-out views while the lifters learn, from the first "
        "step to the last, evenly spaced; as trained / depth negated:",
        "",
    ]
    for row in seen:
        note = f" {row['note']}" if row.get("note") else ""
        ends = outcome(row)
        lines.append(f"- {row['name']}, seed {row['seed']}: {errors(row['curve'])}. {ends}{note}")
    return [*lines, ""]


def outcome(row: dict) -> str:
    """Whether the error fell, and which side of flat depth it ends on."""
    key = "p_mpjpe" if row.get("depth_sign", "as trained") == "as trained" else "p_mpjpe_depth_"
    key += "negated" * (key != "p_mpjpe")
    first, last = row["curve"][0][key], row["curve"][-1][key]
    flat, end = row["flat"]["p_mpjpe"], row["metrics"]["p_mpjpe"]
    way = "falls" if last < first else "does not fall"
    mirrored = " with the depth negated (it ended mirrored)" if key != "p_mpjpe" else ""
    side = "below" if end < flat else "not below"
    return f"It {way}{mirrored}; on all frames it ends {side} flat depth, {end:.1f} and {flat:.1f}."


def errors(notes: list[dict[str, float]]) -> str:
    """The errors of a curve in words; while ElePose's flow learns, its lifter stays as it is."""
    notes = [note for note in notes if note["windows"] or not note["step"]]
    return ", ".join(f"{n['p_mpjpe']:.0f} / {n['p_mpjpe_depth_negated']:.0f}" for n in notes)


def unfinished(stopped: Sequence[dict]) -> list[str]:
    """How far each came; the same command takes it further."""
    lines = ["They have no row: no figure here is the protocol's. Errors as above."]
    for job in stopped:
        last = job["curve"][-1]
        lines += [
            "",
            f"- {job['name']}, {job['settings_name']}, seed {job['seed']}, {job['protocol']}, "
            f"judged on {job['judged_on']}, {job['steps'] or 'all published'} steps asked for: "
            f"after step {last['step']:.0f}, {last['windows']:,.0f} windows, "
            f"{last['seconds']:.0f} s ({last['cpu_seconds']:.0f} s of CPU): "
            f"{errors(job['curve'])}.",
        ]
    return lines


def descriptions(rows: list[dict]) -> list[str]:
    """Where each peer comes from, its licence, and what was patched."""
    lines = ["## What was run", ""]
    for name in ADAPTERS:
        adapter = importlib.import_module(name).Adapter
        about = adapter.about
        mine = [row for row in rows if row["name"] == about.name]
        commits = sorted({str(row["peer_commit"]) for row in mine}) or ["not run"]
        commands = dict.fromkeys(row["command"] for row in mine)
        lines += [
            f"### {about.name}",
            "",
            f"`{about.repository}` at {', '.join(commits)}; licence: {about.licence}. "
            f"Joints: {about.joints}.",
            "",
            *(f"- {difference[0].upper()}{difference[1:]}." for difference in about.differences),
            f"- Published: `{json.dumps(adapter.published)}`.",
            f"- Small: what differs is `{json.dumps(adapter.small)}`.",
            *(f"- Command: `{command}`." for command in commands if command),
            "",
        ]
    return lines


if __name__ == "__main__":
    main()
