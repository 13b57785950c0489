"""A corpus too large for one machine, lifted with Ray Data: one estimator an actor.

Needs the extra ``ray``. Each row of the data set is one input; each actor loads the network once
and writes into a folder that all machines share. What is finished is skipped as in
:func:`~posenet3d.inference.many.predict_many`, with the same records, so a corpus can be begun on
one machine and go on with many.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from posenet3d.errors import ConfigurationError, MissingExtraError
from posenet3d.inference.batch import ManyReport, Outcome, Plan
from posenet3d.inference.batch_inputs import find_inputs, name_inputs
from posenet3d.inference.lift_input import lift_input

Batch = dict[str, np.ndarray]


class LiftFiles:
    """What an actor of ``map_batches`` does: paths in, what became of each out.

    Args:
        out_folder: the folder of outputs, on a file system that all machines share.
        plan: formats and options.
        weights: as for :meth:`Estimator.from_pretrained`; loaded once an actor.
        device: where an actor computes.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> lift = LiftFiles(tempfile.mkdtemp(), Plan(("npz",)), device="cpu")
        >>> rows = {"source": np.array(["gone.json"]), "name": np.array(["gone"])}
        >>> json.loads(lift(rows)["outcome"][0])["status"]
        'failed'
    """

    def __init__(
        self,
        out_folder: str | Path,
        plan: Plan,
        weights: str | Path | None = None,
        device: str = "auto",
    ) -> None:
        from posenet3d.inference import Estimator

        self.out, self.plan = Path(out_folder), plan
        self.estimator = Estimator.from_pretrained(weights, device)

    def __call__(self, rows: Mapping[str, np.ndarray]) -> Batch:
        """Lift a batch of inputs.

        Args:
            rows: ``source`` (paths) and ``name`` (what the outputs are called).

        Returns:
            ``outcome``: one JSON text an input, the fields of
            :class:`~posenet3d.inference.batch.Outcome`.
        """
        found = [
            lift_input(self.estimator, Path(str(source)), self.out, str(name), self.plan)
            for source, name in zip(rows["source"], rows["name"], strict=True)
        ]
        return {"outcome": np.array([json.dumps(asdict(each)) for each in found])}


def predict_with_ray(
    inputs: str | Path | Iterable[str | Path],
    out_folder: str | Path,
    plan: Plan | None = None,
    *,
    weights: str | Path | None = None,
    workers: int = 2,
    inputs_a_batch: int = 4,
    cpus: float | int = 1,
    gpus: float | int = 0,
) -> ManyReport:
    """Lift every input on a Ray cluster, and write one file a person and format.

    As :func:`~posenet3d.inference.many.predict_many`, on the cluster that ``ray.init`` joined, or
    on this machine alone. Inputs and outputs lie on a file system that all machines share. Only
    paths and outcomes go through Ray. Nobody else should write into the folder meanwhile: there is
    no lock over machines.

    Args:
        inputs: as for ``predict_many``.
        out_folder: where the files go; it is made.
        plan: formats and options; GLB if ``None``.
        weights: as for :meth:`Estimator.from_pretrained`.
        workers: actors, each with one estimator.
        inputs_a_batch: inputs that an actor is given at once.
        cpus: processors of an actor.
        gpus: graphics cards of an actor; with 0 it computes on the processor.

    Returns:
        What became of each input, in the inputs' order.

    Raises:
        ConfigurationError: there are no inputs, no workers, or the plan cannot be.
        MissingExtraError: Ray is not installed.
        UnknownPluginError: no such format.

    Example:
        Two workers on this machine, each with half a graphics card::

            from posenet3d.inference.batch import Plan
            from posenet3d.integrations.ray import predict_with_ray

            plan = Plan(("glb", "npz"), reading={"layout": "body_25", "fps": 30})
            report = predict_with_ray("corpus/", "lifted/", plan, workers=2, gpus=0.5)
            print(len(report.of("done")), [each.error for each in report.of("failed")])

        >>> predict_with_ray([], "lifted")
        Traceback (most recent call last):
        posenet3d.errors.ConfigurationError: The configuration has 1 fault:
          - inputs: expected keypoint files or folders, got none in []
    """
    plan, out = plan or Plan(), Path(out_folder).absolute()
    plan.check()
    if workers < 1 or inputs_a_batch < 1:
        raise ConfigurationError(
            [f"workers, inputs_a_batch: expected 1 or more, got {workers} and {inputs_a_batch}"]
        )
    jobs = name_inputs(find_inputs(inputs, beside=out))
    data = _ray_data()
    out.mkdir(parents=True, exist_ok=True)
    rows = [{"source": str(source.absolute()), "name": name} for source, name in jobs]
    made = data.from_items(rows).map_batches(
        LiftFiles,
        fn_constructor_args=(str(out), plan, weights, "auto" if gpus else "cpu"),
        batch_size=inputs_a_batch,
        compute=data.ActorPoolStrategy(size=workers),
        num_cpus=cpus,
        num_gpus=gpus,
    )
    outcomes = [_outcome(row["outcome"]) for row in made.iter_rows()]
    order = {row["source"]: number for number, row in enumerate(rows)}
    return ManyReport(tuple(sorted(outcomes, key=lambda each: order[each.source])))


def _outcome(text: str) -> Outcome:
    facts = json.loads(text)
    return Outcome(**{**facts, "files": tuple(facts["files"])})


def _ray_data() -> Any:
    try:
        from ray import data
    except ImportError as error:
        raise MissingExtraError("ray[data]", "ray", "Corpora on many machines") from error
    return data
