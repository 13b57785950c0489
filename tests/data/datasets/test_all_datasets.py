"""Every dataset's look-alike: converted by the command line, trained on, evaluated."""

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from posenet3d.cli import main
from posenet3d.data import AnnotatedFile, SequenceFiles
from posenet3d.data.datasets import load_dataset
from posenet3d.evaluation import evaluate
from posenet3d.keypoints import write_csv
from posenet3d.plugins import GROUPS
from posenet3d.training import Trainer, TrainerConfig

pytest.importorskip("cdflib")
pytest.importorskip("h5py")
pytest.importorskip("scipy")

SMALL = {"name": "temporal", "options": {"channels": 8}}
CONFIG = {
    "batch_size": 4,
    "network": {"backbone": SMALL, "discriminator": SMALL},
    "stages": [
        {
            "name": "teacher",
            "steps": 2,
            "train": ["backbone", "teacher"],
            "losses": {"teacher_adversarial": 1, "self_supervision": 10},
            "discriminators": {"discriminator": ["teacher"]},
        }
    ],
}


WITH_GAPS = ("3dpw",)
"""Datasets whose 2D was detected, with joints that were not seen."""


USUAL = {"amass": "cmu14", "cmu": "cmu14", "human36m": "h36m", "synthetic": "cmu14"}
"""The protocol that a dataset's test is for, where it is not called as the dataset."""


def look_alike(name):
    """The module beside this one that writes a dataset's files."""
    path = Path(__file__).with_name(f"{name}_files.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def human36m(root):
    files = look_alike("human36m")
    files.RECORDINGS = [each for each in files.RECORDINGS if each.startswith("Photo")]
    standing, places = files.cameras(), files.world()
    files.write_archives(root, places, files.views(standing, places))
    files.write_metadata_xml(root / "metadata.xml", standing)
    return root, {"subjects": ["S1"], "actions": ["Photo"]}


def mpi_inf_3dhp(root):
    files = look_alike("mpi_inf_3dhp")
    files.write_training(root, ("S1/Seq1", "S1/Seq2"))
    files.write_test(root)
    return root, {"subjects": ["S1"], "cameras": [0]}


def lsp(root):
    files = look_alike("lsp")
    files.write(root, count=4)
    return root, {}


def threedpw(root):
    look_alike("threedpw").write(root)
    return root, {}


def aist(root):
    look_alike("aist").write_folder(root)
    return root, {"cameras": ["c01"]}


def amass(root):
    look_alike("amass").write_folder(root)
    return root, {"fps": 25.0}


def cmu(root):
    look_alike("cmu").write_bvh_folder(root, "01_01", "14_02")
    return root, {"training_subjects": ["01"], "test_subjects": ["14"], "recordings": "all"}


def keypoint_folder(root):
    _, sequence = next(load_dataset("synthetic", clips=1, seconds=1.0).training())
    (root / "anna").mkdir()
    write_csv(root / "anna" / "walk.csv", [sequence])
    return root, {}


def synthetic(root):
    return None, {"clips": 1, "seconds": 0.5}


MADE: dict[str, Callable[[Path], tuple[Path | None, dict[str, object]]]] = {
    "3dpw": threedpw,
    "aist": aist,
    "amass": amass,
    "cmu": cmu,
    "human36m": human36m,
    "keypoint_folder": keypoint_folder,
    "lsp": lsp,
    "mpi_inf_3dhp": mpi_inf_3dhp,
    "synthetic": synthetic,
}


def test_every_dataset_of_the_library_is_here():
    assert sorted(MADE) == list(GROUPS["datasets"].names())


@pytest.mark.parametrize("name", sorted(MADE))
def test_its_options_have_the_same_defaults_in_python(name):
    dataset = GROUPS["datasets"].load(name)
    parameters = inspect.signature(dataset).parameters
    for option, field in dataset.Config.model_fields.items():
        default = field.get_default(call_default_factory=True)
        assert (parameters[option].default or None) == (default or None), option


def convert(name, root, options, out):
    words = ["data", "convert", name, "--out", str(out)]
    words += [] if root is None else ["--root", str(root)]
    for key, value in options.items():
        words += ["--option", f"{key}={value}".replace("'", '"')]
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


@pytest.mark.parametrize("name", sorted(MADE))
def test_it_is_converted_trained_on_and_evaluated(name, tmp_path, capsys):
    root = tmp_path / "files"
    root.mkdir()
    folder, options = MADE[name](root)
    out = tmp_path / "made"
    assert convert(name, folder, options, out) in (0, None), capsys.readouterr().err
    splits = load_dataset(name, folder, **options).about.splits
    told = capsys.readouterr().out
    assert [f"{each}.npz" for each in splits] == sorted(
        (path.name for path in out.iterdir()), reverse=True
    )
    gaps = {"network": {**CONFIG["network"], "missing_joints": name in WITH_GAPS}}
    config = TrainerConfig.parse(CONFIG | gaps)
    trainer = Trainer(config, train_data=out / "train.npz", progress=False, device="cpu")
    (stage,) = trainer.fit().stages
    assert stage.steps == 2
    assert len(list(SequenceFiles([out / "train.npz"]))) > 0
    if "test" in splits:
        data, frames = out / "test.npz", trainer.model.receptive_field
        assert told.endswith(f"Next: posenet3d evaluate runs/mine --data {data}\n")
        report = evaluate(trainer.model.lift, data, frames=frames, samples=0)
        assert report.protocol == USUAL.get(name, name.replace("_", "-"))
        assert report.views > 0
        assert report.frames == sum(map(len, AnnotatedFile(data)))
