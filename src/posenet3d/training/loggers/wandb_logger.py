"""Weights & Biases: online where the user is logged in, offline elsewhere."""

import json
import netrc
import os
import secrets
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.errors import ConfigurationError, MissingExtraError, StorageError
from posenet3d.files import atomic_write
from posenet3d.training.loggers.logger import LoggedRun
from posenet3d.training.report import Record

Mode = Literal["online", "offline", "disabled"]

RUN_FILE = "wandb.json"
"""Keeps the W&B run's id and the last step that was logged, in the run folder."""


class WandbLogger:
    """Logs to one W&B run, and goes on with the same one when training does.

    The W&B run's id lies in ``wandb.json`` in the run folder, W&B's own files in ``wandb/`` there.
    Figures are called ``<stage>/<figure>``; the step counts over all stages. W&B cannot take a
    step back, so figures that come a second time after a stop are left out; they are what they
    were, since a run is a function of its configuration and data.

    Args:
        run: the run.
        project: the W&B project.
        name: the W&B run's name; by default the run folder's.
        entity: the W&B team or user; by default the user's own.
        mode: ``"online"``, ``"offline"`` (send it later by ``wandb sync``), ``"disabled"``;
            ``None``: what the variable ``WANDB_MODE`` says, else online where the user is logged
            in and offline elsewhere.

    Raises:
        ConfigurationError: the mode is online, but nobody is logged in.
        MissingExtraError: wandb is not installed.

    Example:
        >>> import tempfile
        >>> run = LoggedRun(Path(tempfile.mkdtemp()), {"teacher": 500})
        >>> logger = WandbLogger(run=run, mode="disabled")
        >>> logger.start_at(stages_done=0, step=0)
        >>> logger.log(Record("teacher", 50, {"bone_length": 0.25}))
        >>> logger.close()
    """

    class Config(BaseModel):
        """Options of the plug-in ``wandb``."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        project: str = Field(default="posenet3d", min_length=1)
        """The W&B project."""
        name: str | None = None
        """The W&B run's name; by default the run folder's."""
        entity: str | None = None
        """The W&B team or user; by default the user's own."""
        mode: Mode | None = None
        """Where the figures go; by default online where the user is logged in, else offline."""

    def __init__(
        self,
        *,
        run: LoggedRun,
        project: str = "posenet3d",
        name: str | None = None,
        entity: str | None = None,
        mode: Mode | None = None,
    ) -> None:
        try:
            import wandb  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("wandb", "logging", "W&B's logs") from error
        self.run, self.project, self.entity = run, project, entity
        self.name = name or run.folder.resolve().name
        self.mode = chosen_mode(mode)
        self._session: Any = None
        self._id, self._last, self._seen = "", -1, -1

    def start_at(self, stages_done: int, step: int) -> None:
        """Begin the W&B run, or go on with the one whose id the run folder keeps."""
        import wandb

        self.close()
        self._recall()
        self._session = wandb.init(
            project=self.project,
            entity=self.entity,
            name=self.name,
            id=self._id,
            # Offline there is nothing to ask; what is sent later joins the run of this id.
            resume="allow" if self.mode == "online" else None,
            mode=self.mode,
            dir=os.fspath(self.run.folder),
            config={**self.run.config, "stage_steps": dict(self.run.stages)},
            settings=wandb.Settings(console="off", silent=True),
        )
        self._keep()

    def log(self, record: Record) -> None:
        """Log a record's figures, unless they were logged before a stop."""
        figures = {f"{record.stage}/{name}": value for name, value in record.values.items()}
        self._log(record.stage, record.step, figures)

    def picture(self, name: str, stage: str, step: int, path: Path) -> None:
        """Log a picture, beside the figures of its step."""
        import wandb

        image = wandb.Image(os.fspath(path), caption=f"{stage}, step {step}")
        self._log(stage, step, {f"{stage}/{name}": image})

    def close(self) -> None:
        """End the session; online it waits until everything was sent."""
        session, self._session = self._session, None
        if session is not None:
            self._keep()
            session.finish()

    def _log(self, stage: str, step: int, values: dict[str, Any]) -> None:
        place = self.run.global_step(stage, step)
        if place <= self._seen:
            return
        self._session.log(values, step=place)
        if place > self._last:
            self._last = place
            self._keep()

    def _recall(self) -> None:
        """Take up the id and the last step of the run folder, or begin anew."""
        try:
            kept = json.loads((self.run.folder / RUN_FILE).read_bytes())
            self._id, self._last = str(kept["id"]), int(kept["last_step"])
        except FileNotFoundError:
            self._id, self._last = secrets.token_hex(4), -1
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                self.run.folder / RUN_FILE,
                f"expected the id of a W&B run, got {error}; remove the file to begin another one.",
            ) from error
        self._seen = self._last

    def _keep(self) -> None:
        if self.mode == "disabled":
            return
        kept = {"id": self._id, "project": self.project, "last_step": self._last}
        with atomic_write(self.run.folder / RUN_FILE) as file:
            file.write((json.dumps(kept, indent=2) + "\n").encode())


def chosen_mode(mode: Mode | None) -> Mode:
    """The mode that is asked for, or the one that works here.

    Args:
        mode: the option; ``None``: what ``WANDB_MODE`` says, else online where the user is logged
            in and offline elsewhere.

    Raises:
        ConfigurationError: the option is online, but nobody is logged in; a run must not wait
            for a password.

    Example:
        >>> chosen_mode("disabled")
        'disabled'
    """
    if mode == "online" and not logged_in():
        raise ConfigurationError(
            [
                "logger 'wandb': mode: expected a user who is logged in, got none; "
                "run 'wandb login' or choose mode 'offline'"
            ]
        )
    if mode is not None:
        return mode
    match os.environ.get("WANDB_MODE"):
        case "online" | "offline" | "disabled" as named:
            return named
        case _:
            return "online" if logged_in() else "offline"


def logged_in() -> bool:
    """Whether W&B would find a key: in the environment, or in the file that ``wandb login`` writes.

    Nothing is sent, and the key is not kept.

    Example:
        >>> logged_in() in (True, False)
        True
    """
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    address = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
    try:
        logins = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    return logins.authenticators(urlsplit(address).hostname or "") is not None
