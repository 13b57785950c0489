"""The trials of the teacher's stage: what is tried, what is kept of it, what the page says."""

import importlib
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from posenet3d import plugins
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.skeletons import LSP_14

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NARROW = {"channels": 8, "input_gain": 10.0}


def forget() -> None:
    plugins._advertised.cache_clear()
    plugins._scan_each_distribution.cache_clear()


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespace]:
    """The modules of the benchmark, its plug-ins advertised as when it is run."""
    if not BENCHMARKS.exists():
        pytest.skip("no benchmarks beside these tests")
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "trials" / "plugins"))
    forget()
    names = ("catalogue", "records", "running", "report", "pictures")
    yield Namespace(**{name: importlib.import_module(f"trials.{name}") for name in names})
    forget()
    for module in set(sys.modules) - before:
        if module.partition(".")[0] in ("trials", "posenet3d_trials", "teacher_trials"):
            del sys.modules[module]


def discriminator(name: str, **options: object) -> torch.nn.Module:
    spec = PluginSpec(name=name, options={**NARROW, **options})
    return GROUPS["discriminators"].build(spec, joints=14, frames=9)


def windows(count: int = 3) -> torch.Tensor:
    return 0.05 * torch.randn(count, 9, 14, 2, generator=torch.Generator().manual_seed(0))


def test_every_trial_has_a_configuration_and_a_name_of_its_own(trials: Namespace) -> None:
    found = trials.catalogue.TRIALS
    assert len({trial.name for trial in found}) == len(found)
    digests = set()
    for trial in found:
        config = trials.catalogue.configuration(trial, seed=3, steps=100)
        assert (len(config.stages), config.seed) == (1, 3)
        assert config.stages[0].steps == round(100 * trial.pace)
        assert not set(trial.without) & set(config.stages[0].losses)
        digests.add(trials.catalogue.digest(trial, config))
    assert len(digests) == len(found)


def test_a_trial_of_another_batch_sees_as_many_windows(trials: Namespace) -> None:
    configs = [
        trials.catalogue.configuration(trials.catalogue.find(name), seed=0, steps=100)
        for name in ("best", "batch-128", "batch-512")
    ]
    assert len({config.batch_size * config.stages[0].steps for config in configs}) == 1


def test_a_preset_with_changes_is_a_trial_too(trials: Namespace) -> None:
    trial = trials.catalogue.find("quick:batch_size=8")
    assert trials.catalogue.configuration(trial, seed=0, steps=5).batch_size == 8
    with pytest.raises(SystemExit, match="nonsense"):
        trials.catalogue.find("nonsense")


@pytest.mark.parametrize("name", ["augmented", "parts", "single_frames", "spectral"])
def test_a_discriminator_that_is_tried_judges_each_window_by_itself(
    trials: Namespace, name: str
) -> None:
    torch.manual_seed(0)
    judge = discriminator(name).eval()
    points = windows().requires_grad_()
    logits = judge(points)
    each = len(logits) // len(points)
    assert len(logits) == each * len(points)
    torch.testing.assert_close(judge(points[1:2]), logits[each : 2 * each])
    logits.square().sum().backward()
    assert (points.grad != 0).flatten(1).any(1).all()
    assert all(parameter.grad is not None for parameter in judge.parameters())


def test_the_part_wise_lifter_lifts_each_half_by_its_own_joints(trials: Namespace) -> None:
    torch.manual_seed(0)
    partwise = importlib.import_module("posenet3d_trials.partwise")
    spec = PluginSpec(name="partwise", options={"channels": 8})
    backbone = GROUPS["backbones"].build(spec, joints=14, frames=9).eval()
    lifter = (
        GROUPS["lifters"]
        .build(PluginSpec(name="partwise"), channels=16, joints=14, frames=9, distance=10.0)
        .eval()
    )
    points, changed = windows(), windows()
    changed[:, :, partwise.LEGS] += 0.03
    before, after = (lifter(backbone(each), each) for each in (points, changed))
    seen = before[..., :2] / before[..., 2:]
    torch.testing.assert_close(seen, points)
    moved = (before - after).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert moved[list(partwise.LEGS)].all()
    assert int(moved.sum()) == len(partwise.LEGS)


def test_augmentation_turns_and_scales_a_window_as_a_whole(trials: Namespace) -> None:
    torch.manual_seed(0)
    judge = discriminator("augmented", flip=0.0).train()
    points = windows()
    changed = judge.changed(points)
    ratio = changed.norm(dim=-1) / points.norm(dim=-1)
    first = ratio[:, :1, :1]
    assert not torch.allclose(first, torch.ones_like(first))
    torch.testing.assert_close(ratio, first.expand_as(ratio))


def test_a_flip_swaps_left_and_right_in_the_image_and_by_name(trials: Namespace) -> None:
    judge = discriminator("augmented", flip=1.0, roll_degrees=0.0, scale=0.0).train()
    points = windows()
    mirrored = LSP_14.mirrored(points.numpy())
    torch.testing.assert_close(judge.changed(points), torch.from_numpy(mirrored))


def test_the_whole_weighs_as_much_as_all_parts_together(trials: Namespace) -> None:
    judges = importlib.import_module("posenet3d_trials.judges")
    told = judges.with_whole(torch.tensor([1.0, 5.0]), torch.zeros(2, 7))
    assert told.reshape(2, -1).mean(1).tolist() == [0.5, 2.5]


def test_a_flow_is_less_surprised_by_what_it_has_learnt(trials: Namespace, tmp_path: Path) -> None:
    pytest.importorskip("zuko")
    flow = importlib.import_module("posenet3d_trials.flow")
    torch.manual_seed(0)
    poses = 0.05 * torch.randn(64, 14, 2) @ torch.tensor([[1.0, 0.9], [0.0, 0.3]])
    poses[:, 3] = -poses[:, 2]
    prior = flow.fit_flow(lambda step: poses, steps=30)
    assert prior.basis.shape == (28, 26)
    assert prior(poses).mean() < prior(poses.flip(-1)).mean()
    prior.save(tmp_path / "flow.safetensors")
    again = flow.FlowPrior.load(tmp_path / "flow.safetensors")
    assert torch.equal(again(poses), prior(poses))


def test_a_trial_runs_once_and_its_record_can_be_reported(
    trials: Namespace, tmp_path: Path
) -> None:
    clips = synthetic_motion(clips=3, seconds=1.0)
    subjects = trials.running.Subjects(clips[:2], clips[2:])
    arguments = Namespace(steps=2, every=1, hold_out=["S3"], cache=tmp_path)
    narrow = {
        "network.backbone.options.channels": 8,
        "network.discriminator.options.channels": 8,
        "batch_size": 4,
        "log_every": 1,
    }
    trial = trials.catalogue.Trial("best", "narrow", changes=narrow)
    told = trials.running.told_of(trial, arguments, 0)
    lines: list[str] = []
    record = told | trials.running.run(trial, subjects, arguments, 0, lines.append)
    assert [point["step"] for point in record["curve"]] == [1, 2]
    assert (len(lines), len(record["per_joint"]), record["failed"]) == (2, 14, None)
    path = tmp_path / "records.json"
    trials.records.write(path, [record])
    assert len(path.read_text().splitlines()) == 3
    (kept,) = trials.records.read(path)
    assert trials.records.same(kept, told)
    assert not trials.records.same(kept, {**told, "digest": "another"})
    findings = trials.report.Findings([kept], steps=2)
    assert trials.report.filled("{best} {best.curve.0.step} {quick}", findings) == (
        f"{record['p_mpjpe']:.1f} 1 (`quick` was not run)"
    )
    trials.pictures.draw_all(findings, tmp_path)
    drawn = {picture.stem for picture in tmp_path.glob("*.png")}
    assert drawn == {"findings_trials", "findings_joints", "findings_reprojections"}


def test_mirror_images_are_new_sequences_of_the_same_subjects(trials: Namespace) -> None:
    film = trials.running.Subjects(synthetic_motion(clips=1, seconds=1.0), ()).film(
        everybody=False, mirrored=False
    )
    both = trials.running.with_mirror_images(film)
    assert (len(both), both.subjects) == (2 * len(film), film.subjects)
    name, seen = next(iter(film.sequences.items()))
    mirrored = both.sequences[f"{name}/mirrored"].points
    assert np.allclose(mirrored[:, LSP_14.index("left_knee"), 0], -seen.points[:, 1, 0])


def test_records_of_the_first_form_are_kept(trials: Namespace) -> None:
    records = json.loads((BENCHMARKS / "results" / "teacher_trials.json").read_text())
    first = [each for each in records if each["commit"].startswith("c9117d836f")]
    assert [(each["trial"], each["seed"]) for each in first] == [
        ("quick", 0), ("quick", 1), ("best", 0), ("best", 1),
    ]  # fmt: skip
