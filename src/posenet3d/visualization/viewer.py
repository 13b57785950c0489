"""A motion in the browser, served by viser: playback, skeletons, body, camera and its 2D."""

import math
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float

from posenet3d.errors import MissingExtraError, StorageError
from posenet3d.geometry import rotmat_to_unitquat
from posenet3d.reconstruction import Reconstruction
from posenet3d.skeletons import LSP_14
from posenet3d.visualization.keypoints_svg import keypoints_svg
from posenet3d.visualization.mesh_drawing import SKIN
from posenet3d.visualization.motion_tracks import RESULT, motion_tracks
from posenet3d.visualization.stick_figures import side_of_bone

if TYPE_CHECKING:
    import viser

_SPEEDS = ("0.1", "0.25", "0.5", "1", "2")
_MOST_UPDATES = 30.0
"""Pictures a second that are sent to the browser, at most."""
_COLOURS = {
    RESULT: {"left": (0, 114, 178), "right": (213, 94, 0), "middle": (43, 49, 56)},
    "teacher": {"left": (78, 168, 220), "right": (230, 159, 0), "middle": (125, 135, 145)},
    "student": {"left": (0, 158, 115), "right": (170, 68, 153), "middle": (89, 99, 109)},
}
"""By skeleton and side of the body, as in the HTML page: cool left, warm right."""


class MotionViewer:
    """A motion, served as a page that a browser on this machine opens.

    Args:
        lifted: the motion.
        host: the address to serve at; the default is seen from this machine only.
        port: the port; the next free one where it is taken.

    Raises:
        MissingExtraError: viser is not installed.
        StorageError: nothing can be served at that address.
    """

    def __init__(self, lifted: Reconstruction, host: str = "127.0.0.1", port: int = 8080) -> None:
        self._server = _served(host, port)
        self._host = host
        self._lifted = lifted
        self._tracks = motion_tracks(lifted)
        self._segments = np.array(LSP_14.bones)
        self._server.scene.set_up_direction("+y")
        self._server.scene.add_grid("/floor", 20.0, 20.0, plane="xz", fade_distance=12.0)
        self._look_at_start()
        self._skeletons = {name: self._add_skeleton(name) for name in self._tracks.skeletons}
        self._body = self._add_body() if lifted.body is not None else None
        self._camera = self._add_camera()
        self._add_controls()
        self.show(0)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{self._host}:{self._server.get_port()}"

    def show(self, frame: int) -> None:
        """Draws a frame.

        Args:
            frame: from 0.
        """
        with self._server.atomic():
            for name, handle in self._skeletons.items():
                handle.points = self._sticks(name, frame)
            if self._body is not None and self._body.visible:
                self._body.vertices = self._vertices(frame)
            self._picture.content = keypoints_svg(self._lifted.keypoints, frame)

    def serve(self, until: Callable[[], bool] = lambda: False) -> None:
        """Plays until it is told to stop, then frees the port.

        Args:
            until: asked some times a second whether to stop; never by default, so that
                Ctrl-C ends it.
        """
        pause = 1.0 / min(_MOST_UPDATES, self._lifted.fps)
        seconds, duration = self._lifted.seconds, self._lifted.duration
        clock, shown, before = 0.0, -1, time.monotonic()
        try:
            while not until():
                now = time.monotonic()
                frame = int(self._slider.value)
                if frame != shown:  # somebody moved the slider, and playback goes on from there
                    clock = float(seconds[frame])
                elif self._playing.value:
                    clock = (clock + (now - before) * float(self._speed.value)) % duration
                    frame = int(np.searchsorted(seconds, clock, side="right")) - 1
                    self._slider.value = frame
                if frame != shown:
                    self.show(frame)
                before, shown = now, frame
                time.sleep(pause)
        finally:
            self.close()

    def close(self) -> None:
        """Stops serving and frees the port."""
        self._server.stop()

    def _look_at_start(self) -> None:
        middle = self._tracks.world.joints[0].mean(axis=0)
        self._server.initial_camera.position = tuple(middle + np.array([0.9, 0.35, 2.0]))
        self._server.initial_camera.look_at = tuple(middle)

    def _sticks(self, name: str, frame: int) -> Float[np.ndarray, "bones 2 3"]:
        ends = self._tracks.skeletons[name][frame][self._segments]
        return np.asarray(np.nan_to_num(ends), dtype=np.float32)

    def _add_skeleton(self, name: str) -> Any:
        colours = _COLOURS.get(name, _COLOURS["student"])
        sides = [colours[side_of_bone(LSP_14, bone)] for bone in LSP_14.bones]
        paints = np.repeat(np.array(sides, dtype=np.uint8)[:, None], 2, axis=1)
        return self._server.scene.add_line_segments(
            f"/skeletons/{_safe(name)}", self._sticks(name, 0), paints,
            thickness=0.03, visible=name == RESULT,
        )  # fmt: skip

    def _vertices(self, frame: int) -> Float[np.ndarray, "V 3"]:
        world = self._tracks.world
        seen = self._lifted.vertices(frame, frame + 1)[0]
        placed = seen @ world.from_camera.T + world.offset[frame]
        return np.asarray(placed, dtype=np.float32)

    def _add_body(self) -> Any:
        red, green, blue = (round(255 * part) for part in SKIN)
        return self._server.scene.add_mesh_simple(
            "/body", self._vertices(0), self._lifted.body_model.faces.numpy(),
            color=(red, green, blue), opacity=0.7,
        )  # fmt: skip

    def _add_camera(self) -> Any | None:
        camera, seen = self._lifted.camera, self._lifted.keypoints
        if camera is None or seen.image_size is None or seen.unit != "pixels":
            return None
        width, height = seen.image_size
        world = self._tracks.world
        x, y, z, w = rotmat_to_unitquat(torch.tensor(world.from_camera)).tolist()
        return self._server.scene.add_camera_frustum(
            "/camera", fov=2 * math.atan(0.5 * height / camera.focal), aspect=width / height,
            wxyz=(w, x, y, z), position=tuple(world.offset[0].tolist()),
            scale=0.12, thickness=0.006,
        )  # fmt: skip

    def _add_controls(self) -> None:
        gui, last = self._server.gui, len(self._lifted) - 1
        self._playing = gui.add_checkbox("Play", True)
        self._slider: Any = gui.add_slider("Frame", 0, max(last, 1), 1, 0, disabled=last == 0)
        self._speed = gui.add_dropdown("Speed", _SPEEDS, initial_value="1")
        self._picture = gui.add_html("")
        shown: dict[str, Any] = {
            f"{name} skeleton": handle for name, handle in self._skeletons.items()
        }
        shown |= {"body": self._body, "camera": self._camera}
        for label, handle in shown.items():
            if handle is not None:
                self._add_switch(label, handle)

    def _add_switch(self, label: str, handle: Any) -> None:
        switch = self._server.gui.add_checkbox(label, handle.visible)

        @switch.on_update
        def _(_: object) -> None:
            handle.visible = switch.value


def _served(host: str, port: int) -> "viser.ViserServer":
    try:
        import viser
    except ImportError as error:
        raise MissingExtraError("viser", "viz", "Motions in the browser") from error
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, 0), family=family).close()  # else viser waits for ever
        return viser.ViserServer(host=host, port=port, label="posenet3d", verbose=False)
    except (OSError, RuntimeError, AssertionError) as error:
        raise StorageError(f"{host}:{port}", f"nothing can be served here: {error}.") from error


def _safe(name: str) -> str:
    """A name as one part of a path in viser's tree."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)
