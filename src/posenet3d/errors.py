"""Every exception the library raises on purpose; each carries its facts as attributes.

A message reads "Expected X, got Y; do Z." All of them derive from :class:`PoseNet3DError`, so
``except posenet3d.PoseNet3DError`` catches what a user can mend and nothing else. The command line
prints them without a traceback and leaves with exit code 2.
"""

import difflib
from collections.abc import Iterable, Mapping

__all__ = [
    "BodyFamilyError",
    "BodyModelError",
    "BodyModelFileError",
    "ConfigurationError",
    "DamagedCheckpointWarning",
    "DataError",
    "DetectorError",
    "FrozenPartMovedError",
    "GameCollapsedError",
    "KeypointFormatError",
    "MirroredError",
    "MissingExtraError",
    "NonFiniteError",
    "PluginConflictError",
    "PluginError",
    "PluginLoadError",
    "PoseNet3DError",
    "RunFolderError",
    "ShapeError",
    "StorageError",
    "TrainingError",
    "TrainingWarning",
    "UnknownNameError",
    "UnknownPluginError",
]

Say = str | tuple[str, str]
"""An argument that an error asks for: its name, or name and value."""


def how_many(count: int, thing: str) -> str:
    """A number of things in words.

    Example:
        >>> how_many(1, "fault"), how_many(2, "fault")
        ('1 fault', '2 faults')
    """
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


class PoseNet3DError(Exception):
    """Base of every error that a user of the library can cause and mend.

    Example:
        >>> issubclass(ShapeError, PoseNet3DError)
        True
    """

    def told(self, options: Mapping[str, str]) -> str:
        """The message for a command line, arguments called by its options.

        Args:
            options: the option of an argument, such as ``--fps`` for ``fps``; arguments that have
                none keep their name.

        Example:
            >>> DataError("a.json", "no rate", say=["fps"]).told({"fps": "--fps"})
            'a.json: no rate; say --fps.'
        """
        return str(self)


class ShapeError(PoseNet3DError, ValueError):
    """An array or tensor has the wrong shape, type or values.

    Attributes:
        what: the name of the argument.
        expected: what was expected, in words.
        got: what came, in words.
        do: what to do, in words, or nothing.

    Example:
        >>> str(ShapeError("points", expected="(..., 3)", got="(4, 2)"))
        'points: expected (..., 3), got (4, 2).'
    """

    def __init__(self, what: str, *, expected: str, got: str, do: str = "") -> None:
        self.what, self.expected, self.got, self.do = what, expected, got, do
        super().__init__(self._message(what))

    def told(self, options: Mapping[str, str]) -> str:
        """As :meth:`PoseNet3DError.told`."""
        return self._message(options.get(self.what, self.what))

    def _message(self, what: str) -> str:
        tail = f"; {self.do}." if self.do else "."
        return f"{what}: expected {self.expected}, got {self.got}{tail}"


class UnknownNameError(PoseNet3DError, KeyError):
    """A name is not among the known ones; the message lists them and suggests the nearest.

    Attributes:
        kind: what was looked up ("layout", "preset", "loss", ...).
        name: the name that came.
        known: the names that exist, sorted.
        nearest: the closest known name, or ``None``.

    Example:
        >>> str(UnknownNameError("preset", "quik", ["paper", "quick"]))
        "Unknown preset 'quik'; did you mean 'quick'? Known: 'paper', 'quick'."
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        close = difflib.get_close_matches(name, self.known, n=1)
        self.nearest = close[0] if close else None
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else "."
        listed = ", ".join(map(repr, self.known)) or "none"
        super().__init__(f"Unknown {kind} {name!r}{hint} Known: {listed}.")

    def __str__(self) -> str:
        return str(self.args[0])


class ConfigurationError(PoseNet3DError, ValueError):
    """A configuration has faults; all of them are listed at once.

    Attributes:
        faults: one line a fault.

    Example:
        >>> print(ConfigurationError(["frames: must be 1, 9 or 27, got 8"]))
        The configuration has 1 fault:
          - frames: must be 1, 9 or 27, got 8
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"The configuration has {how_many(len(self.faults), 'fault')}:\n{lines}")


class PluginError(PoseNet3DError):
    """Something is wrong with an installed plug-in.

    Attributes:
        group: the entry-point group.
        name: the plug-in's name.
    """

    def __init__(self, group: str, name: str, message: str) -> None:
        self.group, self.name = group, name
        super().__init__(message)


class UnknownPluginError(UnknownNameError):
    """No installed package advertises a plug-in of this name."""


class PluginLoadError(PluginError):
    """A plug-in is advertised but cannot be imported or used; the cause is chained."""


class PluginConflictError(PluginError):
    """Two distributions advertise different plug-ins under one name."""


class DataError(PoseNet3DError, ValueError):
    """Training or evaluation data cannot be used.

    Attributes:
        source: the file or clip that the fault lies in.
        say: the arguments by which the caller can mend it, with the value where it is known.

    Example:
        >>> str(DataError("a.json", "expected a frame rate, got none", say=["fps"]))
        'a.json: expected a frame rate, got none; say fps=.'
    """

    def __init__(
        self, source: object, message: str, *, say: Iterable[Say] = (), how: str = ""
    ) -> None:
        self.source, self.say = str(source), tuple(say)
        self._parts = message, how
        super().__init__(self.told({}))

    def told(self, options: Mapping[str, str]) -> str:
        """As :meth:`PoseNet3DError.told`."""
        message, how = self._parts
        if not self.say:
            return f"{self.source}: {message}"
        joint = " and " if all(isinstance(each, str) for each in self.say) else " or "
        named = joint.join(_typed(each, options) for each in self.say)
        return f"{self.source}: {message}; say {named}{how and ' '}{how}."


def _typed(say: Say, options: Mapping[str, str]) -> str:
    """An argument as one types it: ``fps=``, ``layout='coco_17'``, or as an option."""
    name, value = (say, "") if isinstance(say, str) else say
    if name in options:
        return f"{options[name]} {value}".rstrip()
    return f"{name}={value and repr(value)}"


class KeypointFormatError(DataError):
    """A keypoint file or array is not what its format promises."""


class BodyModelError(PoseNet3DError, ValueError):
    """A body model cannot be made or used as asked."""


class BodyModelFileError(BodyModelError):
    """A body model file is missing, damaged or not of a known format.

    Attributes:
        path: the file.
    """

    def __init__(self, path: object, message: str) -> None:
        self.path = str(path)
        super().__init__(f"{self.path}: {message}")


class BodyFamilyError(BodyModelError):
    """Weights were trained with another family of body model.

    Attributes:
        expected: the family of the weights.
        got: the family of the body model at hand.
    """

    def __init__(self, expected: str, got: str) -> None:
        self.expected, self.got = expected, got
        super().__init__(
            f"The weights were trained with a body model of family {expected!r}, got {got!r}; "
            f"load a body model of family {expected!r}, or train anew with this one."
        )


class StorageError(PoseNet3DError, OSError):
    """A file or folder cannot be read or written (full disk, read-only, missing).

    Attributes:
        path: the file or folder.
    """

    def __init__(self, path: object, message: str) -> None:
        self.path = str(path)
        super().__init__(f"{self.path}: {message}")


class RunFolderError(PoseNet3DError):
    """A run folder cannot be used as asked: damaged, or of another configuration.

    Attributes:
        path: the run folder.
    """

    def __init__(self, path: object, message: str) -> None:
        self.path = str(path)
        super().__init__(f"{self.path}: {message}")


class DamagedCheckpointWarning(UserWarning):
    """A checkpoint is not what was written; an older one takes its place.

    Attributes:
        path: the checkpoint's folder.
        file: the damaged file in it.
        expected: what the file should be, in words.
        got: what it is, in words.
    """

    def __init__(self, path: object, file: str, *, expected: str, got: str, do: str) -> None:
        self.path, self.file, self.expected, self.got = str(path), file, expected, got
        super().__init__(f"{self.path}: {file}: expected {expected}, got {got}; {do}.")


class TrainingError(PoseNet3DError, RuntimeError):
    """Training cannot go on; what was reached is saved.

    Attributes:
        stage: the stage's name.
        step: the step in that stage.
        reason: the message without them.
    """

    def __init__(self, stage: str, step: int, message: str) -> None:
        self.stage, self.step, self.reason = stage, step, message
        super().__init__(f"Stage {stage!r}, step {step}: {message}")


class GameCollapsedError(TrainingError):
    """The adversarial game collapsed: the discriminator is certain and gives no gradient."""


class MirroredError(TrainingError):
    """The teacher learns the depth mirror, and the run is told to stop there."""


class NonFiniteError(TrainingError):
    """Losses or gradients are NaN or infinite; the state before them was kept."""


class FrozenPartMovedError(TrainingError):
    """A part that the stage does not train changed; the state before that was kept."""


class TrainingWarning(UserWarning):
    """Training goes on, but something is wrong with it.

    Attributes:
        stage: the stage's name.
        step: the step in that stage.
    """

    def __init__(self, stage: str, step: int, message: str) -> None:
        self.stage, self.step = stage, step
        super().__init__(f"Stage {stage!r}, step {step}: {message}")


class DetectorError(PoseNet3DError, RuntimeError):
    """The 2D detector of videos is not there, not as it should be, or ended before its end.

    Attributes:
        python: the Python that runs it, or should.

    Example:
        >>> str(DetectorError("detector/bin/python", "has no mediapipe."))
        'detector/bin/python: has no mediapipe.'
    """

    def __init__(self, python: object, message: str) -> None:
        self.python = str(python)
        super().__init__(f"{self.python}: {message}")


class MissingExtraError(PoseNet3DError, ImportError):
    """An optional package is not installed.

    Attributes:
        package: what is missing.
        extra: the extra of this library that brings it.

    Example:
        >>> str(MissingExtraError("matplotlib", "viz", "Pictures"))
        "Pictures need 'matplotlib', which is not installed; run: pip install 'posenet3d[viz]'"
    """

    def __init__(self, package: str, extra: str, what: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(
            f"{what} need {package!r}, which is not installed; "
            f"run: pip install 'posenet3d[{extra}]'"
        )
