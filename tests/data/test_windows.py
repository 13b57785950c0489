import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data import WindowSet
from posenet3d.data.windows import draw
from posenet3d.errors import DataError, ShapeError

LENGTHS = st.lists(st.integers(0, 25), min_size=1, max_size=6).filter(lambda n: max(n) > 10)
SEEDS = st.integers(0, 2**32)
STAGES = st.sampled_from(["teacher", "distillation", "sja", "joint", 0])


def numbered(lengths):
    """Sequences whose every number tells its sequence and frame: 1000 times one plus the other."""
    return {
        f"clip{clip}": np.broadcast_to(
            1000.0 * clip + np.arange(length)[:, None, None], (length, 14, 2)
        )
        for clip, length in enumerate(lengths)
    }


def reference(seed, stage, step, place, count):
    """SplitMix64 in Python's own integers."""
    import hashlib

    bits = 2**64 - 1
    key = int.from_bytes(hashlib.sha256(f"{seed}/{stage}/{step}".encode()).digest()[:8], "big")
    z = (key + (place + 1) * 0x9E3779B97F4A7C15) & bits
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & bits
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & bits
    return ((z ^ (z >> 31)) & (2**63 - 1)) % count


@given(lengths=LENGTHS, seed=SEEDS, stage=STAGES, step=st.integers(0, 10**9))
def test_windows_are_consecutive_frames_of_one_clip(lengths, seed, stage, step):
    windows = WindowSet(numbered(lengths), frames=9)
    batch = windows.sample(seed, stage, step, 32)
    assert batch.shape == (32, 10, 14, 2)
    frames = batch[:, :, 0, 0]
    assert (frames.diff(dim=1) == 1).all()
    clip, first = frames[:, 0].div(1000, rounding_mode="floor").long(), frames[:, 0] % 1000
    assert (first + 10 <= torch.tensor(lengths)[clip]).all()


@given(
    lengths=LENGTHS, frames=st.integers(1, 9), following=st.integers(0, 1), size=st.integers(1, 50)
)
def test_every_window_comes_once_and_in_order(lengths, frames, following, size):
    windows = WindowSet(numbered(lengths), frames, following=following)
    expected = [
        1000 * clip + first
        for clip, length in enumerate(lengths)
        for first in range(length - frames - following + 1)
    ]
    batches = list(windows.all_windows(size))
    assert torch.cat(batches)[:, 0, 0, 0].tolist() == expected
    assert len(windows) == len(expected)
    assert all(len(batch) == size for batch in batches[:-1])


@given(seed=SEEDS, stage=STAGES, step=st.integers(0, 10**9), count=st.integers(1, 10**9))
def test_draws_are_splitmix64_of_seed_stage_and_step(seed, stage, step, count):
    drawn = draw(seed, stage, step, torch.arange(5), count).tolist()
    assert drawn == [reference(seed, stage, step, place, count) for place in range(5)]


@given(
    seed=SEEDS, stage=STAGES, step=st.integers(0, 10**6), workers=st.sampled_from([1, 2, 3, 4, 6])
)
def test_any_number_of_workers_sees_the_same_batch(seed, stage, step, workers):
    windows = WindowSet(numbered([300]))
    whole = windows.sample(seed, stage, step, 12)
    for rank in range(workers):
        part = windows.sample(seed, stage, step, 12, rank=rank, world_size=workers)
        assert torch.equal(part, whole[rank::workers])


def test_a_step_does_not_depend_on_the_steps_before_it():
    windows = WindowSet(numbered([500]))
    straight = [windows.sample(7, "teacher", step, 8) for step in range(5)]
    assert torch.equal(WindowSet(numbered([500])).sample(7, "teacher", 4, 8), straight[4])


def test_seed_stage_step_and_place_all_matter():
    places = torch.arange(64)
    base = draw(0, "teacher", 0, places, 10**6)
    others = [
        draw(1, "teacher", 0, places, 10**6),
        draw(0, "joint", 0, places, 10**6),
        draw(0, "teacher", 1, places, 10**6),
    ]
    assert all((base != other).float().mean() > 0.9 for other in others)
    assert len(set(base.tolist())) > 60


def test_draws_are_uniform():
    drawn = draw(3, "teacher", 9, torch.arange(100_000), 10)
    share = torch.bincount(drawn, minlength=10) / 100_000
    assert (share - 0.1).abs().max() < 0.005


def test_drawing_leaves_torchs_generator_alone():
    before = torch.random.get_rng_state()
    WindowSet(numbered([50])).sample(0, "teacher", 0, 8)
    assert torch.equal(before, torch.random.get_rng_state())


def test_short_clips_are_left_out_and_named():
    windows = WindowSet(numbered([12, 9, 0, 10]), frames=9)
    assert windows.skipped == ("clip1", "clip2")
    assert windows.names == ("clip0", "clip3")
    assert "4 windows of 10 frames from 2 sequences" in repr(windows)
    assert "2 skipped" in repr(windows)


def test_only_short_clips_are_an_error_that_names_them():
    with pytest.raises(DataError, match=r"at least 10 frames.*'clip0' has 3, 'clip1' has 9"):
        WindowSet(numbered([3, 9]), frames=9)
    with pytest.raises(DataError, match="and 2 more"):
        WindowSet(numbered([1] * 7), frames=9)
    with pytest.raises(DataError, match="no sequences"):
        WindowSet({})


def test_unknown_points_are_an_error_that_names_the_clip():
    clips = numbered([12, 12])
    clips["clip1"] = np.full((12, 14, 2), np.nan)
    with pytest.raises(DataError, match="clip1"):
        WindowSet(clips)


def test_wrong_shapes_and_sizes_are_errors():
    with pytest.raises(ShapeError, match="walk"):
        WindowSet({"walk": np.zeros((12, 17, 2))})
    with pytest.raises(ShapeError, match="frames"):
        WindowSet(numbered([12]), frames=0)
    windows = WindowSet(numbered([12]))
    for options in ({"batch_size": 0}, {"batch_size": 3, "world_size": 2},
                    {"batch_size": 4, "rank": 2, "world_size": 2}):  # fmt: skip
        with pytest.raises(ShapeError, match="batch_size"):
            windows.sample(0, "teacher", 0, **options)
    with pytest.raises(ShapeError, match="batch_size"):
        next(windows.all_windows(0))


def test_points_lie_on_the_device_as_single_precision():
    windows = WindowSet(numbered([12]))
    assert windows.points.dtype == torch.float32
    assert windows.starts.dtype == torch.int64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_gpu_draws_the_windows_that_the_cpu_draws():
    here, there = WindowSet(numbered([500])), WindowSet(numbered([500]), device="cuda")
    assert torch.equal(here.sample(1, "joint", 2, 64), there.sample(1, "joint", 2, 64).cpu())
