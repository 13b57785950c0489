"""A finished run of our own beside the peers: judged on the same clips, as `posenet3d evaluate`.

    python benchmarks/peers/ours.py JOB.json

Takes the run's `eval.json` where it holds these clips, as `posenet3d evaluate --out` writes it;
else writes `eval-<protocol>-<judged on>.json` beside it. The rows go into the job's folder.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from film import judged_clips, training_clips
from run_one import ROW, figures, record_look, write

from posenet3d.cli.evaluate import measure
from posenet3d.data import MotionClip, film


def main() -> None:
    """Judge the run that the job names."""
    job = json.loads(Path(sys.argv[1]).read_text())
    run, data = Path(job["run"]), Path(job["data"])
    report = _report(run, judged_clips(data, job["hold_out"]), job)
    config = json.loads((run / "config.json").read_text())
    same = film(training_clips(data, job["hold_out"]), job["protocol"]).fingerprint()
    about = _about(config, json.loads((run / "report.json").read_text()), run)
    about["same_training_film"] = config["data"].get("sha256") == same
    rows = [
        {**about, "name": f"{job['name']}, {head}", "kind": "2D only",
         **{key: job[key] for key in ("protocol", "judged_on", "date")},
         "metrics": figures(report[head]), "flat": figures(report["flat"]),
         "metrics_as_trained": figures(report[head]), "depth_sign": "as trained",
         "commit": report["commit"]}
        for head in ("teacher", "student", "mean")
        if head in report
    ]  # fmt: skip
    write(Path(sys.argv[1]).parent / ROW, json.dumps(rows, indent=2))


def _report(run: Path, clips: Sequence[MotionClip], job: dict) -> dict:
    """What `posenet3d evaluate` wrote of these clips into the run's folder, or writes now."""
    own = run / f"eval-{job['protocol']}-{job['judged_on'].replace(' ', '-')}.json"
    frames = sum(len(clip) for clip in clips)
    for file in (own, run / "eval.json"):
        report = json.loads(file.read_text()) if file.exists() else {"views": 0}
        looked_at = (report.get("clips"), report.get("frames"), report.get("protocol"))
        if looked_at == (len(clips), frames * report["views"], job["protocol"]):
            return report
    record_look(job)
    measure(run, clips, job["protocol"], device="cpu").write_json(own)
    return json.loads(own.read_text())


def _about(config: dict, report: dict, run: Path) -> dict:
    """Budget and settings of a run: windows of nine frames count once."""
    trainer = config["trainer"]
    batches = {s["name"]: s.get("batch_size") or trainer["batch_size"] for s in trainer["stages"]}
    environment = json.loads((run / "environment.json").read_text())
    return {
        "seconds": sum(stage["seconds"] for stage in report["stages"]),
        "cpu_seconds": None,
        "windows_seen": sum(stage["steps"] * batches[stage["name"]] for stage in report["stages"]),
        "steps": sum(stage["steps"] for stage in report["stages"]),
        "frames": trainer["network"]["frames"],
        "seed": trainer["seed"],
        "threads": environment.get("threads"),
        "settings_name": trainer["name"],
        "peer_commit": None,
        "command": "",
    }


if __name__ == "__main__":
    main()
