"""Measure the 14 joints of a body: smplx's mesh, our mesh, and the path without a mesh.

    OMP_NUM_THREADS=1 python benchmarks/bodies.py

Needs the extras `smpl` and `viz`. Every case runs in a process of its own, on one thread, so that
its peak memory is its own; a case that is expected to need more than `--memory` GiB, by the one
before it, is left out. All three get the mannequin's data, the same random shapes and rotations and
the same regressor: 14 rows, fixed (sparse) or learnt (dense, with a gradient). Time is the fastest
of `--repeats`; memory is what the case adds to the process at its highest. Results go to
`benchmarks/results/bodies.md` and `.png`.
"""

import argparse
import contextlib
import ctypes
import io
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from machine import processor

METHODS = ("smplx", "mesh", "joints")
NAMES = {"smplx": "smplx, mesh", "mesh": "posenet3d, mesh", "joints": "posenet3d, joints only"}
SIZES = ("1x9", "16x9", "64x9", "256x9", "1024x1", "1024x9", "4096x9")
GIB = 2**30


def main() -> None:
    """Run every case, or the one that the parent process asks for."""
    arguments = parse()
    if arguments.case:
        print(json.dumps(measure(json.loads(arguments.case))))
        return
    results = run_all(arguments)
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / f"{arguments.name}.md"
    page.write_text(render(results, arguments))
    page.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    draw(results, page.with_suffix(".png"))
    print(page.read_text())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), help="windows x frames")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=float, default=6.0, help="GiB that a case may need")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="bodies")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_all(arguments: argparse.Namespace) -> list[dict]:
    """The records of all cases, sizes rising; a case's memory foretells that of the next size."""
    results, needed = [], {}
    sizes = sorted(arguments.sizes, key=poses)
    for regressor in ("fixed", "learnt"):
        for backward in (False, True):
            for size in sizes:
                for method in METHODS:
                    key = (regressor, backward, method)
                    case = {"regressor": regressor, "backward": backward, "method": method}
                    case |= {"size": size, "repeats": arguments.repeats, "seed": arguments.seed}
                    case |= {"device": arguments.device}
                    foretold = needed.get(key, 0) * poses(size)
                    if foretold > arguments.memory * GIB:
                        results.append(case | {"left_out": foretold})
                        continue
                    record = run_one(case)
                    results.append(record)
                    needed[key] = record.get("memory", arguments.memory * GIB) / poses(size)
                    print(json.dumps(record), flush=True)
    return results


def run_one(case: dict) -> dict:
    """One case in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if done.returncode:
        return case | {"failed": done.stderr.strip().splitlines()[-1:] or [str(done.returncode)]}
    return case | json.loads(done.stdout.splitlines()[-1])


ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def measure(case: dict) -> dict:
    """Fastest seconds and highest additional memory of one case."""
    import torch

    torch.set_num_threads(1)
    step = build(case)
    torch.ones(3, 3, requires_grad=True).matmul(torch.ones(3, 3)).sum().backward()  # wake autograd
    watch = Memory(case["device"])
    step()  # the first call, which makes what is kept for the others
    memory = watch.added()
    seconds = []
    for _ in range(case["repeats"]):
        began = time.perf_counter()
        step()
        if case["device"] != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return {"seconds": min(seconds), "memory": memory}


def build(case: dict) -> Callable[[], None]:
    """What is timed: joints of random shapes and poses, with gradients if the case has them."""
    import torch

    from posenet3d.body import load_body_model, lsp_14_regressor, mannequin_data
    from posenet3d.geometry import random_rotmat

    torch.manual_seed(case["seed"])
    windows, frames = (int(part) for part in case["size"].split("x"))
    device, learnt = case["device"], case["regressor"] == "learnt"
    rotations = random_rotmat(windows, frames, 24).to(device)
    betas = torch.randn(windows, 1, 10).to(device)
    body = load_body_model("mannequin").to(device)
    weights = lsp_14_regressor(body)
    if learnt:
        weights = 0.9 * weights + 0.1 * torch.rand_like(weights).softmax(-1)
    inputs = [betas, rotations, *([weights] if learnt else [])]
    if case["backward"]:
        inputs = [tensor.requires_grad_() for tensor in inputs]
    joints = {
        "smplx": lambda: weights @ smplx_vertices(layer, betas, rotations),
        "mesh": lambda: weights @ body.vertices(betas, rotations),
        "joints": lambda: body.regress(betas, rotations, weights),
    }[case["method"]]
    if case["method"] == "smplx":
        layer = smplx_layer(mannequin_data()).to(device)
        del body

    def step() -> None:
        with torch.set_grad_enabled(case["backward"]):
            result = joints()
            if case["backward"]:
                torch.autograd.grad(result.square().mean(), inputs)

    return step


def smplx_layer(data):
    """smplx's own layer over the mannequin's data."""
    import numpy as np
    import smplx

    fields = {
        "v_template": data.v_template, "shapedirs": data.shapedirs, "posedirs": data.posedirs,
        "J_regressor": data.joint_regressor, "weights": data.weights, "f": data.faces,
        "kintree_table": np.array([data.parents, range(24)]),
    }  # fmt: skip
    names = smplx.vertex_ids.vertex_ids["smplh"]
    with contextlib.redirect_stdout(io.StringIO()):
        return smplx.SMPLLayer(
            "", data_struct=SimpleNamespace(**fields), vertex_ids=dict.fromkeys(names, 0)
        )


def smplx_vertices(layer, betas, rotations):
    """The mesh; smplx wants one leading axis and betas for each frame."""
    shared = betas.expand(*rotations.shape[:2], 10).flatten(0, 1)
    turns = rotations.flatten(0, 1)
    out = layer(betas=shared, global_orient=turns[:, :1], body_pose=turns[:, 1:])
    return out.vertices.unflatten(0, rotations.shape[:2])


class Memory:
    """What the process, or the graphics card, holds at its highest from now on."""

    def __init__(self, device: str) -> None:
        self.device = device
        if device == "cpu":
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed while building is given back
            Path("/proc/self/clear_refs").write_text("5")  # the highest mark starts anew
            self.before = self._status("VmRSS")
        else:
            import torch

            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated()

    def added(self) -> int:
        """Bytes above those at the start."""
        if self.device == "cpu":
            return self._status("VmHWM") - self.before
        import torch

        return torch.cuda.max_memory_allocated() - self.before

    def _status(self, name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def poses(size: str) -> int:
    """Windows times frames."""
    windows, frames = size.split("x")
    return int(windows) * int(frames)


def render(results: list[dict], arguments: argparse.Namespace) -> str:
    """The page of results."""
    from importlib.metadata import version

    from posenet3d.evaluation.provenance import source_commit

    device = arguments.device
    if device != "cpu":
        import torch

        device = torch.cuda.get_device_name()
    given = " ".join(sys.argv[1:])
    lines = [
        "# Bodies: mesh against joints only",
        "",
        f"Command: `python benchmarks/bodies.py{' ' + given if given else ''}`, seed "
        f"{arguments.seed}, commit {source_commit() or 'unknown'}.",
        f"Machine: {processor()}, 1 thread, device {device}, Python {platform.python_version()}, "
        f"torch {version('torch')}, smplx {version('smplx')}.",
        "",
        "14 joints of the mannequin, float32, windows x frames with one shape a window. The ratio "
        "is smplx's time or memory over ours: above 1 we are faster or smaller. Memory is what the "
        "first call adds at its highest, a kept table included; Linux only. Cases foretold to need "
        f"more than {arguments.memory:g} GiB were not run.",
        "",
    ]  # fmt: skip
    for regressor in ("fixed", "learnt"):
        for backward in (False, True):
            chosen = [
                r for r in results if (r["regressor"], r["backward"]) == (regressor, backward)
            ]
            title = "forward and backward" if backward else "forward"
            lines += [f"## {regressor.capitalize()} regressor, {title}", "", *table(chosen), ""]
    return "\n".join(lines)


def table(records: list[dict]) -> list[str]:
    """A row a size: time and memory of each method, and the ratios to smplx."""
    lines = [
        "| windows x frames | smplx | our mesh | joints only | faster than smplx: mesh, joints "
        "| memory: smplx, mesh, joints | less memory than smplx: joints |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sorted({record["size"] for record in records}, key=poses):
        of = {record["method"]: record for record in records if record["size"] == size}
        faster = ", ".join(ratio(of, "seconds", method) for method in ("mesh", "joints"))
        memory = ", ".join(mebibytes(of[method]) for method in METHODS)
        lines.append(
            f"| {size.replace('x', ' x ')} | {' | '.join(milliseconds(of[m]) for m in METHODS)} "
            f"| {faster} | {memory} | {ratio(of, 'memory', 'joints')} |"
        )
    return lines


def ratio(of: dict[str, dict], what: str, method: str) -> str:
    """smplx's figure over that of a method; a dash where one is missing or too small to tell."""
    ours, theirs = of[method].get(what), of["smplx"].get(what)
    if not theirs or ours is None or (what == "memory" and theirs < 2**20):
        return "–"
    if what == "memory" and ours < 2**20:
        return f"> {theirs / 2**20:.0f}"
    return f"{theirs / ours:.{1 if theirs < 10 * ours else 0}f}"


def milliseconds(record: dict) -> str:
    """The time with its unit, or why there is none."""
    if "seconds" in record:
        return f"{1e3 * record['seconds']:.3g} ms" if record["seconds"] < 1 else (
            f"{record['seconds']:.1f} s"
        )  # fmt: skip
    return "failed" if "failed" in record else "not run"


def mebibytes(record: dict) -> str:
    """The memory with its unit; of a case that was left out, what was foretold."""
    amount = record.get("memory", record.get("left_out"))
    if amount is None:
        return "–"
    text = f"{amount / 2**20:.0f} MiB" if amount < GIB else f"{amount / GIB:.1f} GiB"
    return text if "memory" in record else f"({text})"


def draw(results: list[dict], path: Path) -> None:
    """Time a pose over the number of poses, one panel a kind of case."""
    from posenet3d.visualization.figures import BLUE, GREY, VERMILION, new_figure, save_figure

    colours = {"smplx": VERMILION, "mesh": GREY, "joints": BLUE}
    figure = new_figure(9.0, 6.0)
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    for row, regressor in zip(grid, ("fixed", "learnt"), strict=True):
        for axes, backward in zip(row, (False, True), strict=True):
            for method in METHODS:
                kind = (regressor, backward, method)
                points = sorted(
                    (poses(r["size"]), 1e6 * r["seconds"] / poses(r["size"]))
                    for r in results
                    if (r["regressor"], r["backward"], r["method"]) == kind and "seconds" in r
                )
                axes.plot(*zip(*points, strict=True), "o-", color=colours[method], markersize=4,
                          label=NAMES[method])  # fmt: skip
            title = "forward and backward" if backward else "forward"
            axes.set(xscale="log", yscale="log")
            axes.set_title(f"{regressor} regressor, {title}", fontsize=10, loc="left")
            axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("poses in a call")
    for axes in grid[:, 0]:
        axes.set_ylabel("microseconds a pose")
    grid[0, 0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    save_figure(figure, path)


if __name__ == "__main__":
    main()
