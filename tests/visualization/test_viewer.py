"""The viewer's playback, served by a real viser, by a clock that goes on when the viewer sleeps."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from posenet3d.reconstruction import Reconstruction
from posenet3d.visualization import viewer as viewer_module
from posenet3d.visualization.viewer import MotionViewer

Waving = Callable[..., Reconstruction]
Played = Callable[..., list[tuple[float, int]]]


class Clock:
    """Time that passes while somebody sleeps, and at no other time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    pytest.importorskip("viser")
    made = Clock()
    fake = SimpleNamespace(monotonic=made.monotonic, sleep=made.sleep)
    monkeypatch.setattr(viewer_module, "time", fake)
    return made


@pytest.fixture
def played(waving: Waving, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Plays frames at 8 a second for some seconds; gives when which frame was drawn."""

    def play(
        frame_index: list[int],
        seconds: float,
        meanwhile: Callable[[MotionViewer], None] = lambda viewer: None,
    ) -> list[tuple[float, int]]:
        lifted = waving(len(frame_index), fps=8.0, body=False, frame_index=frame_index)
        viewer = MotionViewer(lifted, port=0)
        drawn: list[tuple[float, int]] = []
        draw = viewer.show

        def show(frame: int) -> None:
            draw(frame)
            drawn.append((clock.now, frame))

        def is_over() -> bool:
            meanwhile(viewer)
            return clock.now > seconds

        monkeypatch.setattr(viewer, "show", show)
        viewer.serve(until=is_over)
        return drawn

    return play


def test_a_gap_keeps_its_time_and_the_motion_begins_again_after_its_last_frame(
    played: Played,
) -> None:
    once = [(0.0, 0), (0.125, 1), (1.0, 2)]
    assert played([20, 21, 28], 2.125) == [*once, *((1.125 + at, each) for at, each in once)]


def test_playback_goes_on_from_where_the_slider_is_moved_to(played: Played, clock: Clock) -> None:
    def move(viewer: MotionViewer) -> None:
        if clock.now == 0.5:
            viewer._slider.value = 0

    assert played([0, 1, 8], 1.5, move) == [(0, 0), (0.125, 1), (0.5, 0), (0.625, 1), (1.5, 2)]


def test_what_is_paused_stays_and_can_be_moved_through(played: Played, clock: Clock) -> None:
    def pause_and_move(viewer: MotionViewer) -> None:
        viewer._playing.value = False
        if clock.now == 0.5:
            viewer._slider.value = 2

    assert played([0, 1, 8], 3.0, pause_and_move) == [(0, 0), (0.5, 2)]


def test_the_slider_of_a_single_frame_cannot_be_moved(waving: Waving) -> None:
    pytest.importorskip("viser")
    for frames in (1, 2):
        viewer = MotionViewer(waving(frames, body=False), port=0)
        viewer.close()
        assert viewer._slider.disabled == (frames == 1)
