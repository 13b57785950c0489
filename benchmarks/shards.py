"""Windows per second from shards and from memory, and what a batch from shards costs a step.

    OMP_NUM_THREADS=1 python benchmarks/shards.py

A set of synthetic numbers (4 million frames, 448 MB, in sequences of 2000 frames) is written as
shards of a million frames. Batches of the paper's size are then sampled from memory and from the
shards, whose files the system has in its cache: alone, and while a step of 50 ms of work runs, so
that the reading ahead is seen. For comparison the same frames are gathered from memory maps.
Results go to `benchmarks/results/shards.md`.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from posenet3d.data import TrainingSet, load_shards, write_shards
from posenet3d.keypoints import KeypointSequence

LENGTH = 2000
STEPS = 40
STEP_SECONDS = 0.05


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=4_000_000)
    parser.add_argument("--batch", type=int, default=6000)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder, "shards"), arguments.frames, arguments.batch)
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.results / "shards.md"
    page.write_text(render(rows, arguments.frames, arguments.batch))
    print(page.read_text())


def sequences(frames: int) -> Iterator[tuple[str, KeypointSequence]]:
    """Upright figures that tremble, each of another subject."""
    random = np.random.default_rng(0)
    up = np.linspace(0, -100, 14)[:, None] * np.array([0.1, 1.0])
    for number in range(frames // LENGTH):
        points = up + random.normal(size=(LENGTH, 14, 2))
        yield f"S{number}/a", KeypointSequence(points, layout="lsp_14", fps=50.0)


def measure(folder: Path, frames: int, batch: int) -> list[tuple[str, float, str]]:
    """Rows of the table: what, its number, its unit."""
    began = time.perf_counter()
    write_shards(sequences(frames), folder)
    rows = [("writing the shards", frames / (time.perf_counter() - began), "frames/s")]
    disk = load_shards(folder).windows()
    memory = TrainingSet(dict(sequences(frames))).windows()
    if not torch.equal(memory.sample(0, "a", 0, batch), disk.sample(0, "a", 0, batch)):
        raise SystemExit("Expected the same windows from shards and from memory, got others.")
    disk.close()
    for name, windows in (("memory", memory), ("shards", disk)):
        numbers = torch.from_numpy(np.random.default_rng(1).integers(0, len(windows), batch))
        seconds = shortest(lambda windows=windows, numbers=numbers: windows.gather(numbers))
        rows.append((f"{name}: gather", batch / seconds, "windows/s"))
    maps = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))]
    rows.append(("memory maps: gather", batch / shortest(lambda: mapped(maps, batch)), "windows/s"))
    for name, windows in (("memory", memory), ("shards", disk)):
        wait = shortest_wait(windows, batch)
        rows.append((f"{name}: wait for a batch beside a step of 50 ms", 1000 * wait, "ms"))
    disk.close()
    return rows


def mapped(maps: list[np.ndarray], batch: int) -> np.ndarray:
    """A batch gathered from memory maps, shard by shard."""
    random = np.random.default_rng(1)
    shard, offsets = random.integers(0, len(maps), batch), np.arange(10)
    windows = np.empty((batch, 10, 14, 2), dtype=np.float32)
    for number, frames in enumerate(maps):
        of_it = np.flatnonzero(shard == number)
        rows = random.integers(0, len(frames) - 10, len(of_it))
        windows[of_it] = frames[rows[:, None] + offsets]
    return windows


def shortest(call: Callable[[], object]) -> float:
    """Seconds of a call: the shortest, as other work on the machine only lengthens it."""
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return float(np.min(seconds[3:]))


def shortest_wait(windows: object, batch: int) -> float:
    """The shortest seconds that a step waits for its windows beside steps of matrix products."""
    matrix = torch.randn(512, 512)
    waits = []
    for step in range(STEPS):
        began = time.perf_counter()
        windows.sample(0, "teacher", step, batch)
        waits.append(time.perf_counter() - began)
        end = time.perf_counter() + STEP_SECONDS
        while time.perf_counter() < end:
            matrix @ matrix
    return float(np.min(waits[3:]))


def render(rows: list[tuple[str, float, str]], frames: int, batch: int) -> str:
    """The page of results."""
    from posenet3d.evaluation.provenance import source_commit

    lines = [
        "# Windows from shards and from memory",
        "",
        f"Command: `OMP_NUM_THREADS=1 python benchmarks/shards.py --frames {frames} --batch "
        f"{batch}`, seed 0, commit {source_commit() or 'unknown'}.",
        f"Machine: {os.cpu_count()} cores, {torch.get_num_threads()} thread(s), CPU, torch "
        f"{torch.__version__}; files in the system's cache. {frames / 1e6:g} million frames, "
        f"windows of 9 + 1 frames, batches of {batch}, the best of {STEPS - 3}.",
        "",
        "| what | figure |",
        "|---|---|",
    ]
    lines += [f"| {what} | {said(number)} {unit} |" for what, number, unit in rows]
    return "\n".join(lines) + "\n"


def said(number: float) -> str:
    """A number with three significant digits."""
    return f"{float(f'{number:.3g}'):,.10g}"


if __name__ == "__main__":
    main()
