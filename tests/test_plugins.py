import json
import os
import subprocess
import sys
import textwrap
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from posenet3d import plugins
from posenet3d.body import BodyModel, JointRegressor
from posenet3d.data.datasets import Dataset
from posenet3d.errors import (
    ConfigurationError,
    PluginConflictError,
    PluginLoadError,
    ShapeError,
    UnknownNameError,
    UnknownPluginError,
)
from posenet3d.keypoints import KeypointReader, KeypointSequence, write_clips
from posenet3d.plugins import (
    GROUPS,
    PluginDiscoveryWarning,
    PluginSpec,
    list_plugins,
    plugin_group,
)
from posenet3d.training.loggers import Logger
from posenet3d.views import ViewSampler

LOSSES = GROUPS["losses"]

Install = Callable[..., None]


def forget() -> None:
    plugins._advertised.cache_clear()
    plugins._scan_each_distribution.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package on sys.path as an installer leaves it: metadata, entry points, modules."""
    forget()
    before = set(sys.modules)

    def install(
        name: str, entry_points: str, *, modules: dict[str, str] | None = None, version: str = "1.0"
    ) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, source in (modules or {}).items():
            (folder / f"{module}.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(folder)

    yield install
    forget()
    for module in set(sys.modules) - before:
        if (getattr(sys.modules[module], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[module]


def jitter(install: Install, source: str) -> None:
    """Install a package `jitter` with one loss `jitter`, made by this source."""
    install(
        "jitter", "[posenet3d.losses]\njitter = jittering:Jitter\n", modules={"jittering": source}
    )


def test_a_bare_name_is_a_specification_without_options() -> None:
    assert PluginSpec.model_validate("jitter") == PluginSpec(name="jitter", options={})


@pytest.mark.parametrize(
    "value",
    [
        "",
        {"name": "x", "target": "os:system"},
        {"options": {}},
        3,
        {"name": "x", "options": {"f": print}},
    ],
)
def test_a_specification_refuses_what_is_no_name_with_json_options(value: object) -> None:
    with pytest.raises(ValidationError):
        PluginSpec.model_validate(value)


def test_listing_imports_no_plugin(install: Install) -> None:
    jitter(install, "raise RuntimeError('imported')")
    (found,) = [each for each in list_plugins() if each.name == "jitter"]
    assert (found.group, found.target) == ("posenet3d.losses", "jittering:Jitter")
    assert (found.distribution, found.version) == ("jitter", "1.0")
    assert str(found) == "'jitter' of jitter 1.0 (jittering:Jitter)"
    assert "jitter" in LOSSES.names()
    assert "jittering" not in sys.modules


def test_the_installed_packages_are_looked_at_once(install: Install) -> None:
    names = LOSSES.names()
    install("late", "[posenet3d.losses]\nlate = late:loss\n")
    assert LOSSES.names() == names


def test_a_group_is_found_with_and_without_its_prefix() -> None:
    assert plugin_group("losses") is plugin_group("posenet3d.losses")
    assert {each.group for each in list_plugins("losses")} <= {"posenet3d.losses"}


def test_an_unknown_group_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'losses'"):
        list_plugins("lozzes")


def test_an_unknown_name_lists_the_known_ones_and_suggests_the_nearest(install: Install) -> None:
    jitter(install, "Jitter = dict")
    with pytest.raises(UnknownPluginError, match="did you mean 'jitter'") as caught:
        LOSSES.load("jiter")
    assert caught.value.nearest == "jitter"
    assert "jitter" in caught.value.known


def test_a_nested_object_is_loaded(install: Install) -> None:
    install(
        "deep",
        "[posenet3d.losses]\ndeep = deep_losses:Family.member [extra]\n",
        modules={"deep_losses": "class Family:\n    def member(): return 7\n"},
    )
    assert LOSSES.load("deep")() == 7


def test_a_module_is_no_component(install: Install) -> None:
    install("bare", "[posenet3d.losses]\nbare = bare_losses\n", modules={"bare_losses": ""})
    with pytest.raises(PluginLoadError, match="expected a class or function, got module"):
        LOSSES.load("bare")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (
            "import no_such_package_at_all",
            "ModuleNotFoundError: No module named 'no_such_package_at_all'",
        ),
        ("raise RuntimeError('out of luck')", "RuntimeError: out of luck"),
        ("raise SystemExit(7)", "SystemExit: 7"),
        ("", "AttributeError: module 'jittering' has no attribute 'Jitter'"),
    ],
)
def test_a_failing_import_names_plugin_package_and_cause(
    install: Install, source: str, cause: str
) -> None:
    jitter(install, source)
    with pytest.raises(PluginLoadError) as caught:
        LOSSES.load("jitter")
    assert "'jitter' of jitter 1.0" in str(caught.value)
    assert cause in str(caught.value)
    assert caught.value.__cause__ is not None
    assert (caught.value.group, caught.value.name) == ("posenet3d.losses", "jitter")


def test_one_name_from_two_packages_is_an_error_that_lists_both(install: Install) -> None:
    jitter(install, "Jitter = dict")
    install(
        "rival", "[posenet3d.losses]\njitter = rival:Jitter\nother = rival:Other\n", version="2.0"
    )
    assert [each.distribution for each in list_plugins("losses") if each.name == "jitter"] == [
        "jitter",
        "rival",
    ]
    with pytest.raises(PluginConflictError, match=r"jitter 1\.0 .* and rival 2\.0 .*uninstall"):
        LOSSES.load("jitter")
    assert LOSSES.find("other").distribution == "rival"


def test_one_target_advertised_twice_is_one_plugin(install: Install) -> None:
    jitter(install, "Jitter = dict")
    install("jitter_editable", "[posenet3d.losses]\njitter = jittering:Jitter\n")
    assert LOSSES.load("jitter") is dict


def test_a_package_earlier_on_the_path_shadows_its_namesake(
    install: Install, tmp_path: Path
) -> None:
    install("jitter", "[posenet3d.losses]\njitter = old:Jitter\n")
    later = tmp_path / "jitter"
    later.rename(tmp_path / "old")
    sys.path.append(str(tmp_path / "old"))
    try:
        jitter(install, "Jitter = dict")
        assert LOSSES.find("jitter").target == "jittering:Jitter"
    finally:
        sys.path.remove(str(tmp_path / "old"))


BROKEN = "[posenet3d.losses]\nnot an entry point at all\n"


@pytest.mark.parametrize("broken", [BROKEN, "not even a section\n", "[posenet3d.losses\nx = y:z\n"])
def test_a_malformed_package_hides_no_other_and_is_named_in_the_warning(
    install: Install, broken: str
) -> None:
    jitter(install, "Jitter = dict")
    install("wreck", broken)
    with pytest.warns(PluginDiscoveryWarning, match="wreck"):
        found = list_plugins()
    assert [each.target for each in found if each.name == "jitter"] == ["jittering:Jitter"]
    assert LOSSES.load("jitter") is dict


def test_a_malformed_package_is_warned_of_once(install: Install) -> None:
    install("wreck", BROKEN)
    with pytest.warns(PluginDiscoveryWarning) as warned:
        list_plugins()
    assert len(warned) == 1
    LOSSES.names()  # a second warning would be an error


def test_the_fallback_sees_what_entrypoints_sees(install: Install) -> None:
    jitter(install, "Jitter = dict")
    install("bare_bones", "[posenet3d.losses]\nbare = bare_losses\n[elsewhere]\nx = y:z\n")
    seen = list_plugins()
    assert LOSSES.find("bare").distribution == "bare-bones"
    forget()
    install("wreck", BROKEN)
    with pytest.warns(PluginDiscoveryWarning):
        assert list_plugins() == seen


def test_the_fallback_takes_the_first_of_two_namesakes(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("jitter", "[posenet3d.losses]\njitter = old:Jitter\n")
    (tmp_path / "jitter").rename(tmp_path / "old")
    jitter(install, "Jitter = dict")
    install("wreck", BROKEN)
    monkeypatch.syspath_prepend(tmp_path / "jitter")
    sys.path.append(str(tmp_path / "old"))
    try:
        with pytest.warns(PluginDiscoveryWarning):
            assert LOSSES.find("jitter").target == "jittering:Jitter"
    finally:
        sys.path.remove(str(tmp_path / "old"))


def test_a_failing_scan_without_a_culprit_is_told_by_its_reason(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(group: str) -> None:
        raise OSError("unreadable")

    jitter(install, "Jitter = dict")
    monkeypatch.setattr(plugins.entrypoints, "get_group_all", fail)
    with pytest.warns(PluginDiscoveryWarning, match=r"entry_points.txt \(unreadable\)"):
        assert LOSSES.load("jitter") is dict


CONFIGURED = """
    from pydantic import BaseModel, ConfigDict, Field

    class Jitter:
        class Config(BaseModel):
            model_config = ConfigDict(extra="forbid", frozen=True)
            order: int = Field(ge=1)
            joints_weight: float = 1.0

        def __init__(self, order, joints_weight, *, joints):
            self.facts = order, joints_weight, joints
"""


def test_a_nested_config_checks_the_options(install: Install) -> None:
    jitter(install, CONFIGURED)
    made = LOSSES.build(PluginSpec(name="jitter", options={"order": 2}), joints=14)
    assert made.facts == (2, 1.0, 14)


def test_all_faults_of_the_options_are_told_at_once(install: Install) -> None:
    jitter(install, CONFIGURED)
    spec = PluginSpec(name="jitter", options={"joint_weight": 3, "order": 0})
    with pytest.raises(ConfigurationError) as caught:
        LOSSES.build(spec, joints=14)
    first, second = sorted(caught.value.faults, key=len)
    assert first == "loss 'jitter': order: Input should be greater than or equal to 1, got 0"
    assert "'joint_weight'; did you mean 'joints_weight'?" in second


def test_a_missing_option_is_named(install: Install) -> None:
    jitter(install, CONFIGURED)
    with pytest.raises(ConfigurationError, match=r"loss 'jitter': order: Field required$"):
        LOSSES.build(PluginSpec(name="jitter"), joints=14)


PLAIN = """
    def Jitter(order=1, *, joints):
        return order, joints
"""


def test_without_a_config_the_options_are_keyword_arguments(install: Install) -> None:
    jitter(install, PLAIN)
    assert LOSSES.build(PluginSpec(name="jitter", options={"order": 2}), joints=14) == (2, 14)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"ordr": 2}, "unexpected keyword argument 'ordr'"),
        ({"joints": 17}, "'joints' cannot be set"),
    ],
)
def test_without_a_config_unfit_options_are_refused_before_the_call(
    install: Install, options: dict[str, int], fault: str
) -> None:
    jitter(install, PLAIN)
    with pytest.raises(ConfigurationError, match=fault):
        LOSSES.build(PluginSpec(name="jitter", options=options), joints=14)


def test_a_component_that_tells_no_signature_is_called_all_the_same(install: Install) -> None:
    jitter(install, "Jitter = dict")
    spec = PluginSpec(name="jitter", options={"order": 2})
    assert LOSSES.build(spec, joints=14) == {"order": 2, "joints": 14}


def test_a_component_that_fails_is_named_with_its_cause(install: Install) -> None:
    jitter(install, "def Jitter():\n    raise ZeroDivisionError('no joints')\n")
    with pytest.raises(PluginLoadError, match="failed: ZeroDivisionError: no joints"):
        LOSSES.build(PluginSpec(name="jitter"))


def test_an_error_of_ours_passes_through_a_build(install: Install) -> None:
    jitter(
        install,
        """
        from posenet3d.errors import ShapeError

        def Jitter():
            raise ShapeError("points", expected="14 joints", got="17")
        """,
    )
    with pytest.raises(ShapeError):
        LOSSES.build(PluginSpec(name="jitter"))


def test_faults_are_found_without_building(install: Install) -> None:
    jitter(install, CONFIGURED)
    assert LOSSES.faults(PluginSpec(name="jitter", options={"order": 1})) == ()
    (fault,) = LOSSES.faults(PluginSpec(name="jitter", options={"order": 0}))
    assert "greater than or equal to 1" in fault
    (fault,) = LOSSES.faults(PluginSpec(name="jiter"))
    assert "did you mean 'jitter'?" in fault


def test_a_component_without_a_config_has_no_faults_to_find(install: Install) -> None:
    jitter(install, PLAIN)
    assert LOSSES.faults(PluginSpec(name="jitter", options={"ordr": 2})) == ()


def test_a_function_is_given_its_config_by_a_decorator(install: Install) -> None:
    jitter(
        install,
        """
        from pydantic import BaseModel
        from posenet3d.plugins import configured_by

        class Options(BaseModel):
            order: int = 5

        @configured_by(Options)
        def Jitter(*, order, joints):
            return order, joints
        """,
    )
    assert LOSSES.build(PluginSpec(name="jitter"), joints=14) == (5, 14)


def test_what_lacks_a_promised_method_is_refused_when_it_is_built(install: Install) -> None:
    install(
        "mute",
        "[posenet3d.loggers]\nmute = mutes:Mute\n",
        modules={"mutes": "class Mute:\n    def log(self, record): ..."},
    )
    with pytest.raises(PluginLoadError, match="got Mute without start_at, picture, close; mend"):
        GROUPS["loggers"].build(PluginSpec(name="mute"))


@pytest.mark.parametrize(
    ("group", "protocol"),
    [
        ("body_models", BodyModel),
        ("joint_regressors", JointRegressor),
        ("keypoint_readers", KeypointReader),
        ("loggers", Logger),
        ("view_samplers", ViewSampler),
        ("datasets", Dataset),
    ],
)
def test_a_group_promises_what_its_protocol_has(group: str, protocol: type) -> None:
    assert set(GROUPS[group].promised) == {name for name in dir(protocol) if name[0] != "_"}


def test_every_advertised_builtin_can_be_imported() -> None:
    for plugin in list_plugins():
        if plugin.distribution == "posenet3d":
            assert callable(plugin.load()), plugin


STRANGER = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"

        [project]
        name = "stranger"
        version = "3.1"
        dependencies = ["posenet3d"]

        [project.entry-points."posenet3d.losses"]
        stranger_drift = "stranger.losses:drift"

        [project.entry-points."posenet3d.view_samplers"]
        stranger_views = "stranger.views:StrangerViews"

        [project.entry-points."posenet3d.exporters"]
        stranger_text = "stranger.exporters:write_text"

        [tool.hatch.build.targets.wheel]
        packages = ["stranger"]
    """,
    "stranger/__init__.py": "",
    "stranger/losses.py": """
        def drift(forward):
            '''How far the joints move over a window, a loss of a stranger.'''
            joints = forward.teacher_joints
            return (joints[:, 1:] - joints[:, :-1]).square().sum(dim=(1, 2, 3)).mean()
    """,
    "stranger/views.py": """
        from pydantic import BaseModel, ConfigDict
        from torch import nn
        from posenet3d.views import UniformViews

        class StrangerViews(nn.Module):
            '''Views as seen by a stranger: those of another sampler, which it wraps.'''

            class Config(BaseModel):
                model_config = ConfigDict(extra="forbid", frozen=True)
                limit: float = 5.0

            pitch = None

            def __init__(self, limit):
                super().__init__()
                self.inner = UniformViews(elevation_degrees=limit)

            def mirrored_parameters(self):
                return ()

            def forward(self, batch):
                return self.inner(batch)
    """,
    "stranger/exporters.py": "import no_such_package_for_text\n\ndef write_text(): ...\n",
}


def run(*command: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    # The new environment must find what is installed in it, not this process's folders.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A fresh environment with posenet3d and a stranger's package, both built and installed."""
    folder = tmp_path_factory.mktemp("stranger")
    for name, text in STRANGER.items():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_text(textwrap.dedent(text))
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    # Torch is large and there may be no network, so the dependencies are shared through a path
    # file. `system_site_packages` would share the wrong ones: those of the base interpreter. Path
    # files of the folder named here are not read, so an editable posenet3d does not leak in.
    (site / "shared_dependencies.pth").write_text(str(Path(pytest.__file__).parents[1]) + "\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    pip += ["--no-deps", "--no-build-isolation", "--ignore-installed"]
    run(*pip, repository, folder / "source")
    return folder / "env"


def test_a_strangers_plugins_are_listed_by_the_command_line(environment: Path) -> None:
    done = run(environment / "bin" / "posenet3d", "plugins", "--json")
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert found["stranger_drift"] == {
        "group": "posenet3d.losses",
        "name": "stranger_drift",
        "target": "stranger.losses:drift",
        "distribution": "stranger",
        "version": "3.1",
    }
    assert found["stranger_text"]["group"] == "posenet3d.exporters"


def test_a_strangers_plugins_load_and_its_broken_one_fails_alone(environment: Path) -> None:
    command = environment / "bin" / "posenet3d"
    run(command, "plugins", "view_samplers", "--check")
    done = run(command, "plugins", "exporters", "--check", "--json", check=False)
    assert done.returncode == 2
    faults = {each["name"]: each["error"] for each in json.loads(done.stdout)}
    assert "stranger 3.1" in faults.pop("stranger_text")
    assert set(faults.values()) <= {None}


def test_the_command_line_trains_with_a_strangers_loss_and_views(
    environment: Path, tmp_path: Path
) -> None:
    wobble = 0.1 * np.sin(np.arange(30 * 14 * 2)).reshape(30, 14, 2)
    points = np.linspace([0.0, 0.0], [0.3, 1.7], 14) + wobble
    sequence = KeypointSequence(points, np.ones((30, 14)), layout="lsp_14", fps=50.0)
    write_clips(tmp_path / "keypoints.npz", {"S1/walk": sequence})
    changes = {
        "network.views": {"name": "stranger_views", "options": {"limit": 3.0}},
        "network.backbone.options.channels": 8,
        "network.discriminator.options.channels": 8,
        "batch_size": 4,
        "stages": [
            {
                "name": "teacher",
                "steps": 2,
                "train": ["backbone", "teacher", "views"],
                "losses": {"self_supervision": 1.0, "stranger_drift": 0.5},
            }
        ],
    }
    options = [f"--set={key}={json.dumps(value)}" for key, value in changes.items()]
    command = [environment / "bin" / "posenet3d", "train", "--data", tmp_path / "keypoints.npz"]
    run(*command, "--run", tmp_path / "run", "--device", "cpu", *options)
    metrics = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    record = dict(zip(metrics[0].split(","), metrics[-1].split(","), strict=True))
    assert float(record["stranger_drift"]) > 0
    options.append("--set=network.views.options.limt=3")
    done = run(*command, "--run", tmp_path / "other", *options, check=False)
    assert done.returncode == 2
    assert "did you mean 'limit'?" in done.stderr


def test_the_installed_library_is_the_built_one(environment: Path) -> None:
    done = run(environment / "bin" / "python", "-c", "import posenet3d; print(posenet3d.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(environment)
