"""How long a plan's trainings will take on this machine, from some steps of each stage."""

from collections.abc import Sequence

from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.reproduction.planning import Plan
from posenet3d.training import Trainer, TrainerConfig

STEPS = 4
"""Steps of each stage that are timed, the first of which is a slow one."""

MOST_WINDOWS = 512
"""Windows a step that is timed; larger batches count in proportion."""


def estimated_seconds(plan: Plan, device: str = "auto") -> float:
    """About how long what is left of a plan takes to train; measuring comes on top.

    Each kind of configuration is tried for some steps on synthetic people, with batches of 512
    windows at most. What is not said of the machine's load later.

    Args:
        plan: the plan.
        device: what to train on.

    Returns:
        Seconds.

    Example:
        >>> from posenet3d.reproduction import Material, plan_table
        >>> people = synthetic_motion(clips=2, seconds=0.5)
        >>> train, test = {"exact": people[:1]}, {"exact": people[1:]}
        >>> material = Material(train, test, "cmu14", rig="cmu14", noise="gentle")
        >>> small = ["network.backbone.options.channels=8", "batch_size=4"]
        >>> toy = {"seeds": [0], "budget": 1e-3, "changes": small}
        >>> estimated_seconds(plan_table("table2", material, "tables", **toy)) > 0
        True
    """
    pace: dict[str, float] = {}
    for job in plan.left:
        if job.run.name not in pace:
            pace[job.run.name] = _seconds_a_window(job.config, device)
    return sum((pace[job.run.name] * job.windows for job in plan.left), start=0.0)


def _seconds_a_window(config: TrainerConfig, device: str) -> float:
    """Seconds a window, the stages weighted as the run has them where they have steps."""
    sizes = [min(stage.batch_size or config.batch_size, MOST_WINDOWS) for stage in config.stages]
    tried = config.override(
        {
            path: value
            for stage, size in zip(config.stages, sizes, strict=True)
            for path, value in (
                (f"stages.{stage.name}.steps", STEPS),
                (f"stages.{stage.name}.epochs", None),
                (f"stages.{stage.name}.batch_size", size),
            )
        }
    )
    people = film(synthetic_motion(clips=4, seconds=2.0), "cmu14")
    report = Trainer(tried, train_data=people, device=device, progress=False).fit()
    paces = [each.seconds / (STEPS * size) for each, size in zip(report.stages, sizes, strict=True)]
    return _weighted(paces, config)


def _weighted(paces: Sequence[float], config: TrainerConfig) -> float:
    shares = [
        float(stage.epochs or 0) or (stage.steps or 0) * (stage.batch_size or config.batch_size)
        for stage in config.stages
    ]
    return sum(pace * share for pace, share in zip(paces, shares, strict=True)) / sum(shares)
