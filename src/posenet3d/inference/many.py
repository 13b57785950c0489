"""Many keypoint files lifted in one go: resumed where it was stopped, and no bad file stops it."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from posenet3d.errors import StorageError
from posenet3d.files import atomic_write, make_folder, remove_partials
from posenet3d.inference.batch import ManyReport, Outcome, Plan, Predictor
from posenet3d.inference.batch_inputs import find_inputs, name_inputs
from posenet3d.inference.lift_input import STAGE, lift_input

REPORT = "report.json"
"""The summary of the latest batch, in the folder of outputs."""
LOCK = ".lock"

OnOutcome = Callable[[int, int, Outcome], None]
"""Called with the inputs done, the inputs there are, and what became of the latest."""


def predict_many(
    estimator: Predictor,
    inputs: str | Path | Iterable[str | Path],
    out_folder: str | Path,
    plan: Plan | None = None,
    *,
    on_outcome: OnOutcome | None = None,
    options: Mapping[str, str] | None = None,
) -> ManyReport:
    """Lift every input, everyone in it, and write one file a person and format.

    ``walks/anna.json`` becomes ``<out>/anna.glb``, or ``anna_person0.glb``, ``anna_person1.glb``
    by the tracks' numbers where there are several people. What a batch finished, the next one
    skips: a record in ``<out>/manifests`` holds the input's checksum and all options, so a changed
    input, option or network is lifted anew. All files of an input appear at once when they are
    whole; a killed process leaves none by half. ``<out>/report.json`` tells what became of each.

    Args:
        estimator: what lifts.
        inputs: files and folders of a file a frame; or one folder that holds them, see
            `find_inputs`.
        out_folder: where the files go; it is made. One process at a time writes there.
        plan: formats and options; GLB if ``None``.
        on_outcome: called after each input.
        options: what messages call the arguments that an input lacks, such as ``--fps`` for
            ``fps``; see :meth:`~posenet3d.errors.PoseNet3DError.told`.

    Returns:
        What became of each input. An input that fails is in it, and does not stop the others.

    Raises:
        ConfigurationError: there are no inputs, or the plan cannot be.
        StorageError: the folder cannot be made, or another process writes there.
        UnknownPluginError: no such format.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from posenet3d.inference import Estimator
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.savez(folder / "a.npz", fps=50, layout="coco_17", points=np.random.rand(9, 17, 2))
        >>> estimator = Estimator.from_pretrained(device="cpu")
        >>> out = folder / "lifted"
        >>> predict_many(estimator, [folder / "a.npz"], out, Plan(("npz",))).of("done")[0].files
        ('a.npz',)
    """
    plan = plan or Plan()
    plan.check()
    out = Path(out_folder)
    jobs = name_inputs(find_inputs(inputs, beside=out))
    make_folder(out)
    outcomes: list[Outcome] = []
    with _alone_in(out):
        try:
            for source, name in jobs:
                outcomes.append(lift_input(estimator, source, out, name, plan, options or {}))
                if on_outcome is not None:
                    on_outcome(len(outcomes), len(jobs), outcomes[-1])
        finally:
            report = ManyReport(tuple(outcomes))
            with atomic_write(out / REPORT) as file:
                file.write(json.dumps(report.as_dict(), indent=1).encode() + b"\n")
    return report


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder of outputs for a block, once what a killed process left in it is cleared."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0.5)
    try:
        lock.acquire()
    except Timeout as error:
        raise StorageError(
            folder, "expected a folder that nobody writes to, got one that another process does."
        ) from error
    try:
        remove_partials(folder)
        for left in folder.glob(f"{STAGE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()
