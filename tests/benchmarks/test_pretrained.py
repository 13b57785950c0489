"""The benchmark of the weights that ship: what it trains, whom it looks at, what it writes."""

import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.networks import ModelCard, PoseNet3D, load_model
from posenet3d.training import TrainerConfig

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TINY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    'network.student={"name": "student", "options": {"blocks": 0}}',
    "batch_size=4",
    "validation.every=null",
    *(f"stages.{name}.batch_size=4" for name in ("distillation", "sja")),
]


@pytest.fixture(scope="module")
def benchmark():
    """The modules of the benchmark, its folder on the path as when it is run."""
    if not BENCHMARKS.exists():
        pytest.skip("no benchmarks beside these tests")
    names = ("pretrained", "pretrained_card", "pretrained_page", "pretrained_runs")
    sys.path.insert(0, str(BENCHMARKS))
    for name in names:
        sys.modules.pop(name, None)
    yield Namespace(**{name: importlib.import_module(name) for name in names})
    sys.path.remove(str(BENCHMARKS))
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as the motion capture's, with synthetic people."""
    folder = tmp_path_factory.mktemp("data")
    for number, split in enumerate(("train", "test")):
        clips = synthetic_motion(clips=3, seconds=0.4, seed=number)
        arrays = {f"S0{place}/walk": clip.joints for place, clip in enumerate(clips)}
        np.savez(folder / f"cmu_{split}.npz", fps=50.0, layout="lsp_14", **arrays)
    return folder


def words(data, folder, *more):
    given = ["pretrained.py", "--data", str(data), "--device", "cpu", "--budget", "0.0005"]
    given += ["--runs", str(folder / "runs"), "--results", str(folder / "results"), "--seeds", "0"]
    for change in TINY:
        given += ["--set", change]
    return [*given, "--noise", "gentle", *more]


def parse(benchmark, monkeypatch, *more):
    monkeypatch.setattr(sys, "argv", words(*more))
    return benchmark.pretrained.parse()


@pytest.fixture(scope="module")
def rehearsal(benchmark, data, tmp_path_factory):
    """A rehearsal with a tiny network, from training to a card."""
    folder = tmp_path_factory.mktemp("rehearsal")
    measure = benchmark.pretrained.rounding_of

    def rounding_of(*given):
        """As measured; after two steps it is a toss-up which way round the depth is."""
        return measure(*given) | {"right_way_round": True}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark.pretrained, "rounding_of", rounding_of)
        more = ("--hold-out", "S02", "--ship", "--into", str(folder / "weights"))
        patch.setattr(sys, "argv", words(data, folder, *more, "--seeds", "3", "1"))
        benchmark.pretrained.main()
    return folder


def test_a_rehearsal_ships_the_first_seed_with_a_card_that_tells_its_figures(rehearsal):
    shipped = rehearsal / "weights" / "best-wild"
    card = ModelCard.model_validate_json((shipped / "card.json").read_text())
    assert (card.name, card.seed, card.seeds) == ("best-wild", 3, (3, 1))
    assert (shipped / "model_card.md").read_text() == card.to_markdown()
    network = PoseNet3D.from_pretrained(shipped)
    (run,) = (rehearsal / "runs").glob("*/3")
    trained = load_model(run).state_dict()
    for name, value in network.state_dict().items():
        close = (value - trained[name]).abs() <= 1e-3 * trained[name].abs() + 1e-7
        assert close.all(), name
    branches = {(each.protocol, each.seen, each.head) for each in card.measured}
    for protocol in ("cmu14", "cmu14-wild"):
        for seen in ("exact", "noise `gentle`"):
            for head in ("teacher", "student", "mean", "flat"):
                assert (protocol, seen, head) in branches
    results = json.loads((rehearsal / "results" / "pretrained_held_out.json").read_text())
    first, other = (record["figures"] for record in results["records"])
    mean = next(
        each
        for each in card.measured
        if (each.protocol, each.seen, each.head) == ("cmu14-wild", "exact", "mean")
    )
    errors = [each["cmu14-wild"]["exact"]["mean"]["p_mpjpe"] for each in (first, other)]
    told = mean.figures["p_mpjpe"]
    assert told.shipped == errors[0]
    assert told.mean == pytest.approx(np.mean(errors))
    assert told.deviation == pytest.approx(np.std(errors, ddof=1))
    page = (rehearsal / "results" / "pretrained_held_out.md").read_text()
    for text in (card.to_markdown(), page):
        assert told.told(1) in text
        assert "S02" in text


def test_the_card_says_what_has_to_be_said(rehearsal):
    page = (rehearsal / "weights" / "best-wild" / "model_card.md").read_text()
    for words_ in (
        "The data used in this project was obtained from mocap.cs.cmu.edu. The database was "
        "created with funding from NSF EIA-0196217.",
        "you may not resell this data directly, even in converted form",
        "Apache-2.0",
        "One person",
        "14 joints",
        "simulated",
        "(the paper has 1024), chosen for training on a CPU",
        "Seed 3.",
        "Commit `",
        "python benchmarks/pretrained.py --data",
        "Windows of 9 frames",
        "gaps=True",
    ):
        assert words_ in page


def test_storing_as_fp16_was_measured_and_told(rehearsal):
    results = json.loads((rehearsal / "results" / "pretrained_held_out.json").read_text())
    rows = results["rounding"]["rows"]
    assert {(row["protocol"], row["head"]) for row in rows} == {
        (protocol, head)
        for protocol in ("cmu14", "cmu14-wild")
        for head in ("teacher", "student", "mean")
    }
    assert all(0 < abs(row["fp16"] - row["fp32"]) < 0.05 for row in rows)
    assert results["shipped"]["precision"] == "fp16"
    assert "held-out subjects" in results["rounding"]["on"]


def test_nobody_of_the_test_subjects_was_looked_at(rehearsal):
    assert not (rehearsal / "results" / "looks_at_test.md").exists()
    assert not list((rehearsal / "runs").glob("*/*/figures-test.json"))


def test_each_seed_starts_from_weights_of_its_own_and_is_measured_on_spoilt_2d_too(
    benchmark, data, tmp_path, monkeypatch
):
    given = ["pretrained.py", "--data", str(data), "--preset", "detected", "--seeds", "2", "5"]
    starts = ["best-wild", str(benchmark_start(tmp_path))]
    monkeypatch.setattr(sys, "argv", [*given, "--start-from", *starts])
    arguments = benchmark.pretrained.parse()
    configs = [benchmark.pretrained_runs.config_of(seed, arguments) for seed in (2, 5)]
    assert [config.start_from for config in configs] == starts
    assert [config.seed for config in configs] == [2, 5]
    assert benchmark.pretrained_runs.kinds_of_2d(arguments) == ("exact", "openpose")
    assert benchmark.pretrained_runs.train_command(arguments).endswith("--start-from best-wild")
    monkeypatch.setattr(sys, "argv", [*given, "--start-from", "best-wild"])
    with pytest.raises(SystemExit):
        benchmark.pretrained.parse()


def benchmark_start(folder):
    """A copy of shipped weights."""
    from posenet3d.networks import save_model

    return save_model(PoseNet3D.from_pretrained("best-wild"), folder / "own")


def test_what_is_done_is_used_again(benchmark, data, rehearsal, monkeypatch):
    def never(*_, **__):
        raise AssertionError("trained or measured again")

    monkeypatch.setattr(benchmark.pretrained_runs, "evaluated", never)
    monkeypatch.setattr("posenet3d.training.Trainer.fit", never)
    given = words(data, rehearsal, "--hold-out", "S02", "--seeds", "3", "1")
    monkeypatch.setattr(sys, "argv", given)
    page = rehearsal / "results" / "pretrained_held_out.md"
    before = page.read_text()
    benchmark.pretrained.main()
    shipped_line = [line for line in before.splitlines() if line.startswith("Shipped")]
    assert len(shipped_line) == 1
    assert len(page.read_text().splitlines()) == len(before.splitlines()) - 2


def test_a_run_of_other_settings_is_refused(benchmark, data, rehearsal, monkeypatch):
    given = words(data, rehearsal, "--hold-out", "S02", "--seeds", "3", "--set", "log_every=7")
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit, match="made with other settings"):
        benchmark.pretrained.main()


def test_each_look_at_the_test_subjects_is_written_down_before_it_is_taken_and_once(
    benchmark, data, tmp_path, monkeypatch
):
    looks = tmp_path / "results" / "looks_at_test.md"

    def evaluated(*_):
        assert looks.exists()
        figures = dict.fromkeys(("p_mpjpe", "n_mpjpe", "pck_150", "auc", "mpjve"), 50.0)
        figures |= {"mblstd": 1.0, "p_mpjpe_subjects": 40.0, "right_way_round": True, "frames": 9}
        return {"teacher": figures, "flat": figures}

    monkeypatch.setattr(sys, "argv", words(data, tmp_path, "--noise", "none", "--test"))
    arguments = benchmark.pretrained.parse()
    monkeypatch.setattr(benchmark.pretrained_runs, "evaluated", evaluated)
    monkeypatch.setattr(benchmark.pretrained_runs, "trained", lambda *_: {})
    monkeypatch.setattr(benchmark.pretrained, "trained", lambda *_: {})
    monkeypatch.setattr("posenet3d.networks.load_model", lambda _: None)
    benchmark.pretrained_runs.folder_of(0, arguments).mkdir(parents=True)
    for _ in range(2):
        record = benchmark.pretrained.record_of(0, arguments)
        assert record["figures"]["cmu14"]["exact"]["teacher"]["p_mpjpe"] == 50.0
    (line,) = [line for line in looks.read_text().splitlines() if "best-wild, seed 0" in line]
    assert "--test" in line
    assert str(tmp_path) not in line


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--hold-out", "S02", "--test"), "of all training subjects"),
        (("--ship",), "add --test"),
        (("--ship", "--hold-out", "S02"), "name --into"),
        (("--ship", "--test", "--clips", "2"), "name --into"),
        (("--set", "batch_size"), "KEY=VALUE"),
    ],
)
def test_what_does_not_go_together_is_refused(
    benchmark, data, tmp_path, monkeypatch, capsys, options, told
):
    with pytest.raises(SystemExit):
        parse(benchmark, monkeypatch, data, tmp_path, *options)
    assert told in capsys.readouterr().err


def test_an_unknown_subject_is_not_held_out(benchmark, data, tmp_path, monkeypatch):
    arguments = parse(benchmark, monkeypatch, data, tmp_path, "--hold-out", "S77")
    with pytest.raises(SystemExit, match="S77"):
        benchmark.pretrained_runs.clips_of(arguments)


def test_noise_and_missing_joints_are_as_asked_for(benchmark, data, tmp_path, monkeypatch):
    def config(*options):
        arguments = parse(benchmark, monkeypatch, data, tmp_path, *options)
        kinds = benchmark.pretrained_runs.kinds_of_2d(arguments)
        return benchmark.pretrained_runs.config_of(5, arguments), kinds

    made, kinds = config()
    assert (made.seed, made.network.missing_joints, made.detector_noise.dropped) == (5, True, 0.03)
    assert kinds == ("exact", "gentle")
    made, kinds = config("--noise", "openpose", "--no-missing-joints")
    assert (made.network.missing_joints, made.detector_noise.dropped) == (False, 0.0)
    assert made.detector_noise.wandering == 2.0
    assert kinds == ("exact", "openpose, whole")
    made, kinds = config("--noise", "none")
    assert made.detector_noise is None
    assert kinds == ("exact",)


@pytest.mark.parametrize("options", [(), ("--noise", "openpose", "--no-missing-joints")])
def test_the_package_s_own_command_on_the_card_trains_the_same_network(
    benchmark, data, tmp_path, monkeypatch, options
):
    import shlex

    from posenet3d.cli.train import parse_changes

    arguments = parse(benchmark, monkeypatch, data, tmp_path, *options, "--seeds", "4")
    told = shlex.split(benchmark.pretrained_runs.train_command(arguments))
    given = [told[place + 1] for place, word in enumerate(told) if word == "--set"]
    preset, seed = told[told.index("--preset") + 1], told[told.index("--seed") + 1]
    config = TrainerConfig.preset(preset, seed=int(seed)).override(parse_changes(given))
    assert config == benchmark.pretrained_runs.config_of(4, arguments)
    assert told[told.index("--protocol") + 1] == arguments.protocol == "cmu14-wild"


def test_a_network_that_is_mirrored_or_too_large_is_not_shipped(
    benchmark, data, rehearsal, tmp_path, monkeypatch
):
    options = ("--hold-out", "S02", "--seeds", "3", "--ship", "--into", str(tmp_path))
    arguments = parse(benchmark, monkeypatch, data, rehearsal, *options)
    rows = [{"protocol": "cmu14", "head": "mean", "fp32": 50.0, "fp16": 50.0}]
    rounding = {"rows": rows, "right_way_round": False, "on": "nothing"}
    with pytest.raises(SystemExit, match="mirrored"):
        benchmark.pretrained.ship([], rounding, {}, arguments)
    monkeypatch.setattr(benchmark.pretrained, "LARGEST", 1e3)
    with pytest.raises(SystemExit, match="train a narrower"):
        benchmark.pretrained.ship([], rounding | {"right_way_round": True}, {}, arguments)
    assert not list(tmp_path.iterdir())
