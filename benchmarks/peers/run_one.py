"""One peer, one seed, in a process of its own: train, judge, and write the row.

    python benchmarks/peers/run_one.py JOB.json

`benchmarks/peers.py` writes the job and starts this; a run that was stopped goes on from its last
state. The peer's folder comes first on the path, so nothing of it mixes with another peer's.
"""

import csv
import importlib
import json
import os
import random
import sys
import time
from pathlib import Path

SAVE_EVERY = 30.0
GLANCES = 12
STATE, ROW, REPORT, PROGRESS = "state.pt", "row.json", "report.json", "progress.csv"


def main() -> None:
    """Run the job that is named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[1]).parent
    import torch

    torch.set_num_threads(job["threads"])
    torch.set_flush_denormal(True)
    from adapter import commit_of, seed_all
    from film import Glance, film, judge, judged_clips, relative_lengths, training_clips

    module = importlib.import_module(job["adapter"])
    about, data = module.Adapter.about, Path(job["data"])
    checkout = Path(job["peers"]) / about.folder
    sys.path.insert(0, str(checkout))
    random.seed(job["seed"])
    seed_all(job["seed"])
    clips = training_clips(data, job["hold_out"])
    views = film(clips, job["protocol"], with_truth=about.kind == "supervised")
    settings = dict(job["settings"])
    if module.Adapter.told:
        settings["relative_lengths"] = relative_lengths(clips, module.Adapter.told)
    peer = module.Adapter(views, settings, job["steps"], job["seed"])
    judged = judged_clips(data, job["hold_out"]) if job["hold_out"] else ()
    glance = Glance.of(judged, job["protocol"]) if judged else None
    spent = train(peer, folder, glance)

    both = about.kind == "2D only"
    record_look(job)
    looked = judged or judged_clips(data, [])
    began = time.monotonic()
    report = judge(
        {about.name: peer.lift}, looked, job["protocol"], both_signs=both, seed=job["seed"],
        command=job["command"],
    )  # fmt: skip
    report.write_json(folder / REPORT)
    row = row_of(json.loads(report.to_json()), about, job, spent) | {
        "peer_commit": commit_of(checkout),
        "seconds_to_judge": time.monotonic() - began,
        "parameters": sum(
            p.numel() for part in peer.parts.values() if isinstance(part, torch.nn.Module)
            for p in part.parameters()
        ),
    }  # fmt: skip
    write(folder / ROW, json.dumps(row, indent=2))


def train(peer, folder, glance):
    """Take the steps that are left; steps, windows and seconds of the whole run."""
    import torch

    spent = {"step": 0, "windows": 0, "seconds": 0.0, "cpu_seconds": 0.0}
    if (folder / STATE).exists():
        state = torch.load(folder / STATE, weights_only=True)
        peer.restore(state["peer"])
        spent = state["spent"]
        print(f"goes on from step {spent['step']} of {peer.steps}", flush=True)
    saved = time.monotonic()
    looks = {round(peer.steps * part / GLANCES) for part in range(GLANCES + 1)}
    if glance is not None and spent["step"] == 0:
        note(folder, spent, {}, glance(peer.lift))
    while spent["step"] < peer.steps:
        began, busy = time.monotonic(), time.process_time()
        losses = peer.step(spent["step"])
        spent["windows"] += int(losses.pop("windows"))
        spent["step"] += 1
        spent["seconds"] += time.monotonic() - began
        spent["cpu_seconds"] += time.process_time() - busy
        done = spent["step"] == peer.steps
        if spent["step"] in looks:
            generator = torch.get_rng_state()
            note(folder, spent, losses, glance(peer.lift) if glance else {})
            torch.set_rng_state(generator)
        if done or time.monotonic() - saved > SAVE_EVERY:
            torch.save({"peer": peer.state(), "spent": spent}, folder / (STATE + ".new"))
            os.replace(folder / (STATE + ".new"), folder / STATE)
            saved = time.monotonic()
    return spent


def note(folder, spent, losses, errors):
    """A line of progress: on the terminal and in a file of its own."""
    line = {**spent, **errors, **losses}
    print(" ".join(f"{name} {value:.5g}" for name, value in line.items()), flush=True)
    with open(folder / PROGRESS, "a", newline="") as file:
        csv.writer(file).writerow([f"{name}={value:.6g}" for name, value in line.items()])


def record_look(job):
    """Write down that the test subjects are looked at, before they are."""
    if job["hold_out"]:
        return
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from origin import note_the_look

    what = job.get("adapter") or job["name"]
    seed = "" if job.get("seed") is None else f", seed {job['seed']}"
    note_the_look(what + seed, Path(job["looks"]), job["command"])


def row_of(report, about, job, spent):
    """What a table takes from a report."""
    from film import FLAT, NEGATED

    as_trained = report[about.name]
    negated = report.get(about.name + NEGATED)
    better = negated if negated and negated["p_mpjpe"] < as_trained["p_mpjpe"] else as_trained
    return {
        "name": about.name,
        "kind": about.kind,
        "metrics": figures(better),
        "metrics_as_trained": figures(as_trained),
        "depth_sign": "as trained" if better is as_trained else "negated, chosen by the truth",
        "flat": figures(report[FLAT]),
        "seconds": spent["seconds"],
        "cpu_seconds": spent["cpu_seconds"],
        "windows_seen": spent["windows"],
        "steps": spent["step"],
        "frames": about.frames,
        "seed": job["seed"],
        "protocol": job["protocol"],
        "judged_on": job["judged_on"],
        "settings_name": job["settings_name"],
        "settings": job["settings"],
        "threads": job["threads"],
        "commit": report["commit"],
        "command": job["command"],
        "date": job["date"],
    }


def figures(head):
    """A head's figures that are one number each, over all frames and over subjects."""
    plain = {name: value for name, value in head.items() if isinstance(value, int | float)}
    plain["subject_mean_p_mpjpe"] = head["subject_mean"]["p_mpjpe"]
    return plain


def write(path, text):
    """Write a file whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_text(text + "\n")
    os.replace(new, path)


if __name__ == "__main__":
    main()
