"""Try changes to the teacher's stage on training subjects that are held out of it.

    OMP_NUM_THREADS=1 python benchmarks/teacher_trials.py --data cmu_train.npz --list
    OMP_NUM_THREADS=1 python benchmarks/teacher_trials.py --data cmu_train.npz \
        --steps 1000 --seeds 0 --minutes 40
    OMP_NUM_THREADS=1 python benchmarks/teacher_trials.py --data cmu_train.npz \
        --steps 1000 --seeds 0 1 --trial best --trial parts

A trial is one of `benchmarks/trials/catalogue.py`, or a preset with changes after colons:
`quick:batch_size=128`. Its first stage alone is trained for `--steps` steps on all subjects but
`--hold-out`, filmed by the rig's training cameras, and judged on those. Without `--trial` all of
the catalogue are run, in its order; `--minutes` stops before a run that would begin later than
that. After each run a record is added to `benchmarks/results/teacher_trials.json`; a run of the
same settings that is there already is not run again (`--again` does). The test subjects are never
looked at. What is tried beside the library's own pieces is in `benchmarks/trials/plugins`, as
plug-ins; the flow prior needs `pip install 'posenet3d[priors]'`.
"""

import argparse
import time
from pathlib import Path

from trials.catalogue import TRIALS, find
from trials.distribution import advertise
from trials.page import render
from trials.records import read, same, write


def main() -> None:
    """Run what is missing, and write records and page."""
    advertise()
    arguments = parse()
    if arguments.list:
        print("\n".join(f"{trial.name:18}{trial.says}" for trial in TRIALS))
        return
    work(arguments)
    write_page(arguments.results)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="training motion")
    parser.add_argument("--trial", action="append", help="NAME or PRESET[:KEY=VALUE]...")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=200, help="steps between looks")
    parser.add_argument("--hold-out", nargs="+", default=["S02", "S06"])
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of CPU, in all")
    parser.add_argument("--flow-steps", type=int, default=1000, help="steps of a flow's training")
    parser.add_argument("--again", action="store_true", help="run what there is a record of, too")
    parser.add_argument("--list", action="store_true", help="say which trials there are")
    folder = Path(__file__).parent / "results"
    parser.add_argument("--results", type=Path, default=folder / "teacher_trials.json")
    parser.add_argument("--cache", type=Path, default=Path("runs/trials"), help="trained flows")
    arguments = parser.parse_args()
    arguments.trial = arguments.trial or [trial.name for trial in TRIALS]
    return arguments


def work(arguments: argparse.Namespace) -> None:
    """Run the queue; the file is read again after each run, for others may add to it."""
    from trials.running import Subjects, run, told_of

    subjects = Subjects.load(arguments.data, arguments.hold_out)
    queue = [(find(name), seed) for seed in arguments.seeds for name in arguments.trial]
    for trial, seed in queue:
        told = told_of(trial, arguments, seed)
        done = any(same(record, told) for record in read(arguments.results))
        if done and not arguments.again:
            continue
        if time.process_time() > 60 * arguments.minutes:
            print("No minutes left; the same command goes on from here.", flush=True)
            return
        name = f"{trial.name}, seed {seed}"
        print(f"{name}: {trial.says}", flush=True)
        found = run(trial, subjects, arguments, seed, lambda line, name=name: report(name, line))
        write(arguments.results, [*read(arguments.results), told | found])
        write_page(arguments.results)
        report(name, f"P-MPJPE {found['p_mpjpe']:.1f} mm, {found['cpu_seconds']:.0f} s of CPU")


def write_page(results: Path) -> None:
    """Write the page of all records beside them."""
    results.with_suffix(".md").write_text(render(read(results)))


def report(name: str, line: str) -> None:
    """A line on the terminal."""
    print(f"  {name}  {time.process_time() / 60:5.1f} min  {line}", flush=True)


if __name__ == "__main__":
    main()
