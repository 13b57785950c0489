import gc
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from posenet3d.errors import PoseNet3DError, ShapeError, UnknownNameError
from posenet3d.inference import Estimator, LiveFrame
from posenet3d.inference.running import RunningMean
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14


def frames_of(walk: KeypointSequence) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return zip(walk.points, walk.confidence, strict=True)


def head_to_root(walk: KeypointSequence) -> float:
    points = walk.to_layout("lsp_14").points
    hips = points[:, list(LSP_14.indices("right_hip", "left_hip"))].mean(1)
    head = points[:, LSP_14.index("head_top")]
    return float(np.linalg.norm(head - hips, axis=1).mean())


def stream(
    estimator: Estimator, walk: KeypointSequence, latency: int, **options: object
) -> list[LiveFrame]:
    told = {"fps": walk.fps, "layout": walk.layout, "image_size": walk.image_size, **options}
    live = estimator.predict_stream(frames_of(walk), latency=latency, **told)  # type: ignore[arg-type]
    return list(live)


def test_with_half_a_windows_latency_a_stream_gives_the_offline_answer(
    estimator: Estimator, walk: KeypointSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_scale = lambda model: "sequence"  # noqa: E731  # as the stream is told
    monkeypatch.setattr("posenet3d.inference.windows.lifting_scale", one_scale)
    live = stream(estimator, walk, 4, head_to_root=head_to_root(walk))
    offline = estimator.predict(walk, stitch="centre")
    teacher = np.stack([each.branches["teacher"] for each in live])
    np.testing.assert_allclose(teacher, offline.branches["teacher"], atol=1e-5)
    assert offline.body is not None
    turned = np.stack([each.rotations for each in live])  # type: ignore[type-var]
    np.testing.assert_allclose(turned, offline.body.rotations, atol=1e-4)
    np.testing.assert_allclose(live[-1].betas, offline.body.betas, atol=1e-4)
    np.testing.assert_allclose(
        live[-1].branches["student"], offline.branches["student"][-1], atol=1e-4
    )


@pytest.mark.parametrize("latency", [0, 1, 4])
def test_every_frame_is_told_once_after_the_stated_latency(
    estimator: Estimator, walk: KeypointSequence, latency: int
) -> None:
    taken = []

    def watched() -> Iterator[np.ndarray]:
        for number, points in enumerate(walk.points[:12]):
            taken.append(number)
            yield points

    live = estimator.predict_stream(watched(), fps=50, layout=walk.layout, latency=latency)
    for number, told in enumerate(live):
        assert told.frame == number
        assert told.newest == min(number + latency, 11) == taken[-1]
        assert told.seconds == pytest.approx(number / 50)
    assert number == 11


def test_a_causal_stream_is_near_the_offline_answer(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    live = stream(estimator, walk, 0, height_m=1.8)
    offline = estimator.predict(walk, height_m=1.8)
    joints = np.stack([each.joints3d for each in live])
    apart = np.linalg.norm(joints - offline.joints3d, axis=-1)[5:]
    assert apart.mean() < 0.06
    root = np.stack([each.root for each in live])
    assert np.abs(root - offline.root)[10:].max() < 0.1 * offline.root[:, 2].mean()
    assert live[-1].translation is not None


def test_a_stream_needs_no_more_room_after_many_frames(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    def endless(count: int) -> Iterator[np.ndarray]:
        for number in range(count):
            yield walk.points[number % len(walk)]

    live = estimator.predict_stream(endless(160), fps=50, layout=walk.layout, latency=4)
    sizes = []
    tracemalloc.start()
    for told in live:
        if told.frame in (60, 155):
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[1] - sizes[0] < 20_000  # 95 frames' results alone would take 150 kB


def test_nobody_in_sight_is_no_end(estimator: Estimator, walk: KeypointSequence) -> None:
    frames = [None, None, *walk.points[:10], None, *walk.points[11:20]]
    live = list(estimator.predict_stream(frames, fps=50, layout=walk.layout))
    assert np.isnan(live[0].joints3d).all()
    assert np.isnan(live[1].root).all()
    assert all(np.isfinite(each.joints3d).all() for each in live[2:])
    assert all(np.isfinite(each.root).all() for each in live[2:])
    assert live[12].invented.all()
    assert repr(live[12]).endswith("newest 12, 14 of 14 joints not seen)")
    assert not live[11].invented.any()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"latency": 5}, ShapeError, "0 to 4 frames"),
        ({"latency": -1}, ShapeError, "0 to 4 frames"),
        ({"fps": 0}, ShapeError, "fps"),
        ({"layout": "lsp_15"}, UnknownNameError, "lsp_14"),
        ({"unit": "metres"}, UnknownNameError, "pixels"),
        ({"fusion": "best"}, UnknownNameError, "mean"),
        ({"head_to_root": -2.0}, ShapeError, "head_to_root"),
    ],
)
def test_what_cannot_be_is_said_before_the_first_frame(
    estimator: Estimator, options: dict[str, object], error: type[PoseNet3DError], words: str
) -> None:
    told = {"fps": 50, "layout": "lsp_14", **options}
    with pytest.raises(error, match=words):
        estimator.predict_stream(iter([]), **told)  # type: ignore[arg-type]


def test_a_frame_of_another_layout_is_refused(estimator: Estimator, walk: KeypointSequence) -> None:
    live = estimator.predict_stream([np.zeros((25, 2))], fps=50, layout="coco_17")
    with pytest.raises(ShapeError, match=r"\(17, 2\) for layout 'coco_17'"):
        next(live)
    assert len(stream(estimator, replace(walk, source="again").cut(0, 1), 4)) == 1


def test_a_running_mean_forgets() -> None:
    mean = RunningMean(4.0)
    for value in [0.0] * 50 + [1.0] * 50:
        mean.add(value)
    assert mean.value == pytest.approx(1.0, abs=1e-3)
