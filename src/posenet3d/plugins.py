"""Plug-ins: named components that installed packages advertise as entry points.

The library's own components are advertised in its ``pyproject.toml`` just as a stranger's are, so
the built-in ones take the same way. Listing imports nothing; a plug-in is imported when a command
asks for it, and one that fails breaks that command only.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from types import MappingProxyType
from typing import Any, TypeVar

import entrypoints
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from posenet3d.errors import (
    ConfigurationError,
    PluginConflictError,
    PluginLoadError,
    PoseNet3DError,
    UnknownNameError,
    UnknownPluginError,
)

__all__ = [
    "GROUPS",
    "Plugin",
    "PluginDiscoveryWarning",
    "PluginGroup",
    "PluginSpec",
    "configured_by",
    "list_plugins",
    "plugin_group",
]


CONFIG = "Config"
"""The attribute by which a component tells the pydantic model of its options."""

NEEDS = "needs"
"""The attribute by which a component tells what must be installed for it."""

FITS = "fits"
"""The attribute by which a component looks at what it will be made of, before work begins."""

Component = TypeVar("Component", bound=Callable[..., Any])


class PluginDiscoveryWarning(UserWarning):
    """An installed package's ``entry_points.txt`` is malformed; its plug-ins are not seen."""


class PluginSpec(BaseModel):
    """How a configuration names a plug-in and sets its options.

    A bare name stands for the plug-in without options. A specification holds registered names
    only, never an import path, so a checkpoint cannot make the library import what it likes.

    Example:
        >>> PluginSpec.model_validate("uniform")
        PluginSpec(name='uniform', options={})
        >>> PluginSpec(name="gravity", options={"pitch": 12.7}).options["pitch"]
        12.7
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """The name under which a package advertises the plug-in."""

    options: dict[str, JsonValue] = Field(default_factory=dict)
    """What the plug-in's own ``Config`` checks and takes."""

    @model_validator(mode="before")
    @classmethod
    def _from_bare_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


@dataclass(frozen=True, order=True)
class Plugin:
    """One advertised plug-in, as its package describes it; nothing of it is imported.

    Attributes:
        group: the entry-point group, such as ``"posenet3d.losses"``.
        name: the name to use in a configuration.
        target: where the component lives, ``"module:object"``.
        distribution: the package that advertises it.
        version: that package's version, ``""`` where unknown.

    Example:
        >>> plugin = Plugin(
        ...     "posenet3d.losses", "bone_jitter", "jitter.losses:bone", "jitter", "1.2"
        ... )
        >>> print(plugin)
        'bone_jitter' of jitter 1.2 (jitter.losses:bone)
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.name!r} of {self.package} ({self.target})"

    @property
    def package(self) -> str:
        """The package's name and version."""
        return f"{self.distribution} {self.version}".strip()

    def load(self) -> Any:
        """Import the component.

        Raises:
            PluginLoadError: if the import fails, or what it gives cannot be called. The error
                names plug-in, package and cause; the cause is chained.
        """
        module, _, attributes = self.target.partition(":")
        try:
            component: Any = import_module(module)
            for attribute in filter(None, attributes.split(".")):
                component = getattr(component, attribute)
        except (Exception, SystemExit) as error:
            raise self._failure("cannot be imported", error) from error
        if not callable(component):
            raise PluginLoadError(
                self.group,
                self.name,
                f"Plug-in {self} of group {self.group!r}: expected a class or function, got "
                f"{type(component).__name__}; mend the entry point of {self.distribution!r}.",
            )
        return component

    def _failure(self, what: str, cause: BaseException) -> PluginLoadError:
        return PluginLoadError(
            self.group,
            self.name,
            f"Plug-in {self} of group {self.group!r} {what}: {type(cause).__name__}: {cause}. "
            f"Mend, update or uninstall {self.distribution!r}; other plug-ins are not affected.",
        )


@dataclass(frozen=True)
class PluginGroup:
    """One kind of plug-in: an entry-point group and what its members are called.

    Attributes:
        group: the entry-point group.
        kind: what one member is, in words; used in messages.
        promised: the attributes and methods that what a member makes must have.

    Example:
        >>> GROUPS["keypoint_readers"].promised
        ('sniff', 'read')
    """

    group: str
    kind: str
    promised: tuple[str, ...] = ()

    def advertised(self) -> tuple[Plugin, ...]:
        """Every plug-in of this group, sorted; imports none of them."""
        return _advertised(self.group)

    def names(self) -> tuple[str, ...]:
        """The names that :meth:`load` knows, sorted; imports nothing."""
        return tuple(sorted({plugin.name for plugin in self.advertised()}))

    def find(self, name: str) -> Plugin:
        """The plug-in called ``name``; imports nothing.

        Raises:
            UnknownPluginError: if no installed package advertises ``name``; it suggests the
                nearest name.
            PluginConflictError: if two packages advertise different plug-ins under ``name``.
        """
        found = [plugin for plugin in self.advertised() if plugin.name == name]
        if not found:
            raise UnknownPluginError(self.kind, name, self.names())
        if len(found) > 1:
            listed = " and ".join(f"{plugin.package} ({plugin.target})" for plugin in found)
            raise PluginConflictError(
                self.group,
                name,
                f"Expected one {self.kind} called {name!r} in group {self.group!r}, got one each "
                f"from {listed}; uninstall all but one of these packages.",
            )
        return found[0]

    def load(self, name: str) -> Any:
        """Import and give the component called ``name``.

        Raises:
            UnknownPluginError: if no installed package advertises ``name``.
            PluginConflictError: if two packages advertise different plug-ins under ``name``.
            PluginLoadError: if its import fails, or what it gives cannot be called.
        """
        return self.find(name).load()

    def build(self, spec: PluginSpec, **context: Any) -> Any:
        """Make the component that ``spec`` names.

        It is called as ``component(**options, **context)``. A component with a nested pydantic
        ``Config`` has its options checked, and its defaults filled in, by that first.

        Args:
            spec: the name and the options.
            **context: what the caller gives besides, such as ``joints=14``.

        Raises:
            ConfigurationError: if the options do not fit; lists every fault.
            PluginLoadError: if the component itself fails, with the cause chained, or makes
                something that lacks what the group promises. Errors of this library pass through
                as they are.
            UnknownPluginError, PluginConflictError: as :meth:`load`.
        """
        plugin = self.find(spec.name)
        component = plugin.load()
        config = getattr(component, CONFIG, None)
        options: dict[str, Any] = spec.options
        if isinstance(config, type) and issubclass(config, BaseModel):
            options = dict(self._configuration(config, spec))
        else:
            self._check_call(component, spec, context)
        try:
            made = component(**options, **context)
        except PoseNet3DError:
            raise
        except Exception as error:
            raise plugin._failure("failed", error) from error
        if lacking := [name for name in self.promised if not hasattr(made, name)]:
            raise PluginLoadError(
                self.group,
                plugin.name,
                f"Plug-in {plugin} of group {self.group!r}: expected a {self.kind} with "
                f"{', '.join(self.promised)}, got {type(made).__name__} without "
                f"{', '.join(lacking)}; mend {plugin.distribution!r}.",
            )
        return made

    def faults(self, spec: PluginSpec) -> tuple[str, ...]:
        """What is wrong with a specification, without building anything.

        Args:
            spec: the name and the options.

        Returns:
            One line a fault: the name is unknown or not unique, the import fails, what it needs
            is not installed, or the component's ``Config`` refuses an option. Empty where all is
            well.

        Example:
            >>> GROUPS["view_samplers"].faults(PluginSpec(name="uniform"))
            ()
        """
        try:
            component = self.load(spec.name)
            config = getattr(component, CONFIG, None)
            if isinstance(config, type) and issubclass(config, BaseModel):
                self._configuration(config, spec)
            if needs := getattr(component, NEEDS, None):
                needs()
        except ConfigurationError as error:
            return error.faults
        except PoseNet3DError as error:
            return (str(error),)
        return ()

    def check_fit(self, spec: PluginSpec, given: Any) -> None:
        """Nothing, if a component finds no fault with what it will be made of, or does not look.

        Args:
            spec: the name and the options.
            given: what the group's members look at: exporters at the keypoints of the motion.

        Raises:
            PoseNet3DError: whatever is wrong with it.
            ConfigurationError, UnknownPluginError, PluginConflictError: as :meth:`build`.
        """
        component = self.load(spec.name)
        if fits := getattr(component, FITS, None):
            fits(given, **dict(self._configuration(getattr(component, CONFIG), spec)))

    def _configuration(self, config: type[BaseModel], spec: PluginSpec) -> BaseModel:
        try:
            return config.model_validate(spec.options)
        except ValidationError as error:
            raise ConfigurationError(self._faults(error, config, spec)) from error

    def _faults(
        self, error: ValidationError, config: type[BaseModel], spec: PluginSpec
    ) -> Iterator[str]:
        for fault in error.errors():
            option = ".".join(map(str, fault["loc"])) or "options"
            if fault["type"] == "extra_forbidden":
                unknown = UnknownNameError("option", option, config.model_fields)
                yield f"{self.kind} {spec.name!r}: {unknown}"
            else:
                got = "" if fault["type"] == "missing" else f", got {fault['input']!r}"
                yield f"{self.kind} {spec.name!r}: {option}: {fault['msg']}{got}"

    def _check_call(self, component: Any, spec: PluginSpec, context: Mapping[str, Any]) -> None:
        try:
            signature = inspect.signature(component)
        except (TypeError, ValueError):  # some callables written in C tell no signature
            return
        try:
            if twice := sorted(spec.options.keys() & context.keys()):
                raise TypeError(f"{', '.join(map(repr, twice))} cannot be set as an option")
            signature.bind(**spec.options, **context)
        except TypeError as error:
            raise ConfigurationError([f"{self.kind} {spec.name!r}: {error}"]) from error


GROUPS: Mapping[str, PluginGroup] = MappingProxyType(
    {
        name: PluginGroup(f"posenet3d.{name}", kind, tuple(promised.split()))
        for name, kind, promised in (
            ("losses", "loss", ""),
            ("backbones", "backbone", "channels"),
            ("priors", "prior", ""),
            ("lifters", "lifter", "mirrored_parameters"),
            ("students", "student", ""),
            ("discriminators", "discriminator", ""),
            ("view_samplers", "view sampler", "pitch mirrored_parameters"),
            ("joint_regressors", "joint regressor", "num_rows joints"),
            (
                "body_models",
                "body model",
                "num_betas num_joints num_vertices faces parents joint_names family "
                "joint_regressor vertices joints regress",
            ),
            ("datasets", "dataset", "training test"),
            ("keypoint_readers", "keypoint reader", "sniff read"),
            ("exporters", "exporter", ""),
            ("loggers", "logger", "start_at log picture close"),
        )
    }
)
"""Every kind of plug-in, by the last part of its entry-point group's name."""


def configured_by(
    config: type[BaseModel],
    needs: Callable[[], object] | None = None,
    fits: Callable[..., object] | None = None,
) -> Callable[[Component], Component]:
    """A decorator: a plug-in's options are checked, and its defaults filled in, by ``config``.

    For components that are functions; a class nests its ``Config``.

    Args:
        config: the pydantic model of the options.
        needs: raises :class:`~posenet3d.errors.MissingExtraError` where an optional package is
            not installed; asked before work begins that would be lost.
        fits: called with what the component will be made of and its options, and raises where they
            do not go together; asked before work begins likewise.

    Returns:
        The decorator; it gives the component itself back.

    Example:
        >>> class NoiseConfig(BaseModel):
        ...     amount: float = 0.1
        >>> @configured_by(NoiseConfig)
        ... def noise(*, joints: int, amount: float) -> None: ...
        >>> noise.Config is NoiseConfig
        True
    """

    def attach(component: Component) -> Component:
        setattr(component, CONFIG, config)
        setattr(component, NEEDS, needs)
        setattr(component, FITS, fits)
        return component

    return attach


def plugin_group(name: str) -> PluginGroup:
    """The group called ``name``, with or without the prefix ``posenet3d.``.

    Raises:
        UnknownNameError: if there is no such kind of plug-in; it suggests the nearest.

    Example:
        >>> plugin_group("posenet3d.losses").kind
        'loss'
    """
    short = name.removeprefix("posenet3d.")
    if short not in GROUPS:
        raise UnknownNameError("plug-in group", name, GROUPS)
    return GROUPS[short]


def list_plugins(group: str | None = None) -> tuple[Plugin, ...]:
    """Every installed plug-in, sorted by group and name; imports none of them.

    The installed packages are looked at once a process: a package installed later is seen after
    a restart. Two packages that advertise one name are both listed; loading that name is an error.

    Args:
        group: one kind only, such as ``"losses"``.

    Raises:
        UnknownNameError: if there is no such kind of plug-in.

    Example:
        >>> {plugin.group for plugin in list_plugins("exporters")} <= {"posenet3d.exporters"}
        True
    """
    groups = GROUPS.values() if group is None else [plugin_group(group)]
    return tuple(sorted(plugin for each in groups for plugin in each.advertised()))


@cache
def _advertised(group: str) -> tuple[Plugin, ...]:
    """What installed packages advertise in ``group``; the same target twice is one plug-in."""
    try:
        found = [_from_entrypoints(group, point) for point in entrypoints.get_group_all(group)]
    except Exception as error:
        # `entrypoints` gives up on the first malformed entry_points.txt of any installed package.
        reason = " ".join(str(error).split())
        found = [plugin for plugin in _scan_each_distribution(reason) if plugin.group == group]
    first = {(plugin.name, plugin.target): plugin for plugin in reversed(found)}
    return tuple(sorted(first.values()))


def _from_entrypoints(group: str, point: Any) -> Plugin:
    target = f"{point.module_name}:{point.object_name}" if point.object_name else point.module_name
    return Plugin(
        group, point.name, target, _as_published(point.distro.name), point.distro.version or ""
    )


def _as_published(distribution: str) -> str:
    """A package's name as an index lists it; the name of its folder has no hyphen."""
    return distribution.replace("_", "-")


@cache
def _scan_each_distribution(reason: str) -> tuple[Plugin, ...]:
    """All our plug-ins by ``importlib.metadata``, one package at a time; warns once."""
    found: list[Plugin] = []
    malformed: list[str] = []
    seen: set[str] = set()
    for distribution in metadata.distributions():
        name = str(distribution.metadata["Name"])
        if name in seen:  # one earlier on sys.path shadows it
            continue
        seen.add(name)
        try:
            found += _from_metadata(name, distribution)
        except Exception:
            malformed.append(name)
    culprits = f" of {', '.join(map(repr, malformed))}" if malformed else ""
    warnings.warn(
        f"Expected well-formed entry points in every installed package, got a malformed "
        f"entry_points.txt{culprits} ({reason}); reinstall or uninstall that package. Plug-ins of "
        "the other packages are found all the same.",
        PluginDiscoveryWarning,
        stacklevel=4,
    )
    return tuple(found)


def _from_metadata(name: str, distribution: metadata.Distribution) -> list[Plugin]:
    return [
        Plugin(
            point.group,
            point.name,
            f"{point.module}:{point.attr}" if point.attr else point.module,
            _as_published(name),
            distribution.version,
        )
        for point in distribution.entry_points
        if point.group.startswith("posenet3d.")
    ]
