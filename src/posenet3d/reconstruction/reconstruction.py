"""What lifting gives: a body in motion, frozen, with what is known of scale, camera and gravity."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from posenet3d.body import BodyModel
from posenet3d.errors import ConfigurationError, PoseNet3DError, ShapeError, how_many
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.reconstruction.camera import AssumedCamera
from posenet3d.skeletons import LSP_14

BODY_TO_CAMERA = np.array([1.0, -1.0, -1.0])
"""B of Eq. 7: the body's axes (y up, z out of the chest at rest) to the camera's, as a diagonal."""

NOTEBOOK_FRAMES = 1500
"""How many frames of a motion a notebook's display holds at most."""


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """The student's body over time, ready for its body model.

    The camera-frame vertices of a frame are ``scale * B vertices(betas, rotations) +
    translation``, B = diag(1, -1, -1).

    Example:
        >>> eye = np.broadcast_to(np.eye(3), (5, 24, 3, 3))
        >>> BodyMotion(np.zeros(10), eye, np.zeros((5, 3)), PluginSpec(name="mannequin")).scale
        1.0
    """

    betas: Float[np.ndarray, " betas"]
    """Shape coefficients, one set for the whole sequence."""
    rotations: Float[np.ndarray, "frames bones 3 3"]
    """Local joint rotations; the root's turns the body's frame to the camera's with y up (B)."""
    translation: Float[np.ndarray, "frames 3"]
    """Where the body's origin is in the camera frame, metres."""
    model: PluginSpec
    """The body model that the numbers are for."""
    family: str = "makehuman-cc0"
    """That body's family."""
    scale: float = 1.0
    """Metres a metre of the body model; other than 1 where a height was given."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """One person's motion in 3D. Frozen; methods give new arrays.

    The camera frame is x right, y down, z forward, in metres; see :doc:`/conventions`. Monocular
    2D gives neither scale nor the root's depth: the scale is the body model's or that of the
    given height (:attr:`metric`), the root's track is under the assumed :attr:`camera`.

    Raises:
        ShapeError: arrays do not fit each other.

    Example:
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> len(still), still.fps, still.metric
        (5, 25.0, False)
    """

    joints3d: Float[np.ndarray, "frames 14 3"]
    """``lsp_14`` joints about the hips' middle, camera frame, metres."""
    root: Float[np.ndarray, "frames 3"]
    """The hips' middle in the camera frame under the assumed camera, metres."""
    keypoints: KeypointSequence
    """The 2D that was lifted, as the detector gave it, a row a frame of :attr:`joints3d`."""
    body: BodyMotion | None = None
    """The student's body; ``None`` where the network has no trained student."""
    branches: Mapping[str, Float[np.ndarray, "frames 14 3"]] = field(default_factory=dict)
    """``teacher`` and ``student`` as :attr:`joints3d` has their fusion."""
    invented: Bool[np.ndarray, "frames 14"] | None = None
    """True for ``lsp_14`` joints whose 2D was not seen but filled in or guessed by the network."""
    camera: AssumedCamera | None = None
    """The camera that :attr:`root` assumes; ``None`` where the image's size is unknown."""
    up: Float[np.ndarray, " 3"] = field(default_factory=lambda: np.array([0.0, -1.0, 0.0]))
    """Unit vector against gravity in the camera frame."""
    up_from: str = "camera"
    """Where :attr:`up` comes from: ``camera`` (the image's up), ``estimated`` or ``given``."""
    height_m: float | None = None
    """The person's height in metres where it was given."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """What made it: weights and their checksum, version, fusion, stitching."""

    def __post_init__(self) -> None:
        frames = len(self.joints3d)
        shapes = {
            "joints3d": (self.joints3d, (frames, len(LSP_14), 3)),
            "root": (self.root, (frames, 3)),
            "up": (self.up, (3,)),
            **{
                f"branches[{name!r}]": (each, (frames, len(LSP_14), 3))
                for name, each in self.branches.items()
            },
        }
        if self.body is not None:
            bones = self.body.rotations.shape[1:2]
            shapes["body.rotations"] = (self.body.rotations, (frames, *bones, 3, 3))
            shapes["body.translation"] = (self.body.translation, (frames, 3))
        for name, (array, expected) in shapes.items():
            if array.shape != expected:
                raise ShapeError(name, expected=f"{expected}", got=f"{array.shape}")
        if len(self.keypoints) != frames:
            raise ShapeError("keypoints", expected=f"{frames} frames", got=f"{len(self.keypoints)}")

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.joints3d)

    def __repr__(self) -> str:
        scale = f"height {self.height_m:g} m" if self.metric else "scale unknown"
        body = "skeleton" if self.body is None else f"body {self.body.model.name!r}"
        frames = how_many(len(self), "frame")
        facts = f"{frames}, {self.fps:g} fps, {body}, {scale}"
        return f"Reconstruction({self.keypoints.source!r}: {facts})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the page that plays the motion, in a frame of its own.

        Longer motions than `NOTEBOOK_FRAMES` keep every second, third ... frame, which bounds the
        notebook's size to some 1.5 MB a display.
        """
        try:
            with tempfile.TemporaryDirectory() as folder:
                page = Path(folder, "motion.html")
                self.save(page, most_frames=NOTEBOOK_FRAMES)
                shown = page.read_text(encoding="utf-8")
        except PoseNet3DError as error:
            return f"<pre>{escape(f'{self!r}: {error}')}</pre>"
        return (
            f'<iframe srcdoc="{escape(shown)}" title="{escape(repr(self))}" '
            'sandbox="allow-scripts" width="100%" height="560" style="border:0"></iframe>'
        )

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.keypoints.fps

    @property
    def seconds(self) -> Float[np.ndarray, " frames"]:
        """When each frame is, from the first one on; a gap in the frames is a jump."""
        return self.keypoints.seconds

    @property
    def duration(self) -> float:
        """How long the motion is in seconds, gaps included."""
        return self.keypoints.duration

    @property
    def metric(self) -> bool:
        """Whether metres are metres: a height was given."""
        return self.height_m is not None

    @cached_property
    def confidence(self) -> Float[np.ndarray, "frames 14"]:
        """The 2D detector's confidence of each ``lsp_14`` joint; 0 where it was not seen."""
        seen = self.keypoints.to_layout("lsp_14").confidence
        return seen if self.invented is None else np.where(self.invented, 0.0, seen)

    @cached_property
    def body_model(self) -> BodyModel:
        """The body model of :attr:`body`, loaded when first asked for.

        Raises:
            PoseNet3DError: there is no body.
        """
        model: BodyModel = GROUPS["body_models"].build(self._moving_body.model)
        return model

    @property
    def _moving_body(self) -> BodyMotion:
        if self.body is None:
            raise PoseNet3DError(
                "Expected a reconstruction with a body, got a skeleton alone: the network has no "
                "trained student; lift with weights that have one, such as best-wild."
            )
        return self.body

    def vertices(self, start: int = 0, stop: int | None = None) -> Float[np.ndarray, "some V 3"]:
        """The body's vertices in the camera frame, metres, computed when asked for.

        Args:
            start: the first frame.
            stop: the one after the last; the end if ``None``.

        Raises:
            PoseNet3DError: there is no body.

        Example:
            >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
            >>> eye = np.broadcast_to(np.eye(3), (5, 24, 3, 3))
            >>> body = BodyMotion(np.zeros(10), eye, np.zeros((5, 3)), PluginSpec(name="mannequin"))
            >>> lifted = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen, body)
            >>> lifted.vertices(0, 2).shape
            (2, 6890, 3)
        """
        body = self._moving_body
        chosen = slice(start, stop)
        with torch.no_grad():
            made = self.body_model.vertices(
                torch.tensor(body.betas, dtype=torch.float32),
                torch.tensor(body.rotations[chosen], dtype=torch.float32),
            )
        posed = made.numpy().astype(np.float64) * (body.scale * BODY_TO_CAMERA)
        placed: Float[np.ndarray, "some V 3"] = posed + body.translation[chosen, None]
        return placed

    def cut(self, start: int, stop: int) -> "Reconstruction":
        """Some of the frames.

        Raises:
            KeypointFormatError: no frame is left.
        """
        chosen = slice(start, stop)
        body = self.body and replace(
            self.body,
            rotations=self.body.rotations[chosen],
            translation=self.body.translation[chosen],
        )
        return replace(
            self,
            joints3d=self.joints3d[chosen],
            root=self.root[chosen],
            keypoints=self.keypoints.cut(start, stop),
            body=body,
            branches={name: each[chosen] for name, each in self.branches.items()},
            invented=None if self.invented is None else self.invented[chosen],
        )

    def save(self, path: str | os.PathLike[str], format: str | None = None, **options: Any) -> None:
        """Write it in the format of the path's suffix, by the exporter plug-in of that name.

        Args:
            path: the file; an existing one is replaced.
            format: the exporter's name, where the suffix does not tell it; see
                ``posenet3d plugins``.
            **options: the exporter's own.

        Raises:
            ConfigurationError: an option that the exporter does not take, or no suffix.
            PoseNet3DError: the format needs a body, and there is none.
            StorageError: the file cannot be written.
            UnknownPluginError: no such format; it suggests the nearest.
        """
        name = format or os.path.splitext(os.fspath(path))[1].removeprefix(".").lower()
        if not name:
            known = ", ".join(f".{each}" for each in GROUPS["exporters"].names())
            raise ConfigurationError(
                [f"path: expected a suffix that tells the format ({known}), got {path!s}"]
            )
        spec = PluginSpec(name=name, options=options)
        GROUPS["exporters"].build(spec, path=path, reconstruction=self)
