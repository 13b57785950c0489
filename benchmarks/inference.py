"""Measure lifting: frames a second, the share of the machine's ceiling, and memory.

    OMP_NUM_THREADS=1 python benchmarks/inference.py --videopose3d CHECKOUT
    OMP_NUM_THREADS=1 python benchmarks/inference.py --hours 10 --only memory --again

Lifted is a made-up sequence, from keypoints to a `Reconstruction`: normalising, windows, network,
stitching, placing; with the mesh where a row says so. Beside it the network alone on windows that
are ready, live frames one by one, and VideoPose3D's models of 9 and 243 frames (published width,
one pass over the sequence as its `run.py` evaluates), where a checkout is named. Every case runs
in a process of its own; a figure is the median of several repeats after a warm-up.

A frame's operations are the matrix products that torch counts; the ceiling is the fastest product
of large square matrices in the same process. Networks of unlike size are compared by the
operations that they compute in a second: frames a second times operations a frame.

Results go to `benchmarks/results/inference.{json,md}`.
"""

import argparse
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference_plan import speeds
from machine import alone, described
from origin import command, commit


def main() -> None:
    """Run what is missing, or the one case that the parent process asks for."""
    arguments = parse()
    if arguments.case:
        from inference_cases import measure

        print(json.dumps(measure(json.loads(arguments.case))))
        return
    path = arguments.results / "inference.json"
    kept = json.loads(path.read_text())["records"] if arguments.again and path.exists() else []
    arguments.results.mkdir(parents=True, exist_ok=True)
    for case in plan(arguments):
        if any(case.items() <= record.items() and "failed" not in record for record in kept):
            continue
        kept = [record for record in kept if not case.items() <= record.items()]
        given = {"videopose3d": str(arguments.videopose3d or ""), "repeats": arguments.repeats}
        record = alone(__file__, case | given, case["threads"])
        record.pop("videopose3d")
        kept.append(record | origin())
        print(json.dumps(kept[-1]), flush=True)
        path.write_text(json.dumps({"records": kept}, indent=1) + "\n")
    from inference_page import render

    path.with_suffix(".md").write_text(render(kept))
    print(path.with_suffix(".md").read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = ("batch", "network", "live", "memory")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hours", type=float, default=10.0, help="of the memory case, at 30 fps")
    parser.add_argument("--videopose3d", type=Path, help="a checkout of VideoPose3D")
    parser.add_argument("--again", action="store_true", help="keep what is there, add the rest")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


def plan(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every case."""
    for threads in arguments.threads:
        for case in speeds(bool(arguments.videopose3d)):
            if case["kind"] in arguments.only:
                yield {**case, "threads": threads}
    if "memory" in arguments.only:
        whole = round(arguments.hours * 3600 * 30)
        for frames in (whole // 8, whole):
            yield {"kind": "memory", "network": "best-wild", "frames": frames, "threads": 1}


def origin() -> dict[str, Any]:
    """Command, commit, date and machine of a record."""
    return {
        "command": command(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **{name: value for name, value in described(1).items() if name != "threads"},
    }


if __name__ == "__main__":
    main()
