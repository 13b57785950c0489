"""OBJ and PLY sequences hold the body's mesh, a file a frame, as trimesh reads it."""

import numpy as np
import pytest
import torch

from posenet3d.errors import ConfigurationError, StorageError
from posenet3d.export import mesh_frames
from posenet3d.reconstruction import world_motion

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed (extra test)")


@pytest.fixture(scope="module")
def lifted(moving):
    return moving(frames=5, frame_index=np.array([7, 8, 9, 12, 13]))


def read(path):
    mesh = trimesh.load(path, process=False, force="mesh")
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def wanted(lifted, frame, up_axis, root):
    seen = lifted.vertices()
    if frame == "camera":
        return seen if root != "still" else seen - lifted.root[:, None]
    world, body = world_motion(lifted, up_axis, root), lifted.body
    posed = lifted.body_model.vertices(
        torch.tensor(body.betas, dtype=torch.float32),
        torch.tensor(world.rotations, dtype=torch.float32),
    )
    return body.scale * posed.numpy() + world.translation[:, None]


@pytest.mark.parametrize("suffix", ["obj", "ply"])
def test_there_is_a_file_a_frame_named_as_the_videos_frames(tmp_path, lifted, suffix, monkeypatch):
    monkeypatch.setattr(mesh_frames, "FRAMES_AT_ONCE", 2)
    lifted.save(tmp_path / f"my.walk.{suffix}")
    folder = tmp_path / f"my.walk_{suffix}"
    assert sorted(each.name for each in folder.iterdir()) == [
        f"my.walk_{number:06d}.{suffix}" for number in (7, 8, 9, 12, 13)
    ]
    for place, number in enumerate((7, 8, 9, 12, 13)):
        vertices, faces = read(folder / f"my.walk_{number:06d}.{suffix}")
        np.testing.assert_allclose(
            vertices, wanted(lifted, "world", "y", "grounded")[place], atol=1e-5
        )
        np.testing.assert_array_equal(faces, lifted.body_model.faces.numpy())


@pytest.mark.parametrize("root", ["grounded", "track", "still"])
@pytest.mark.parametrize(("frame", "up_axis"), [("world", "z"), ("camera", "y")])
def test_one_frame_is_one_file(tmp_path, lifted, frame, up_axis, root):
    lifted.save(tmp_path / "a.ply", only=3, frame=frame, up_axis=up_axis, root=root)
    assert [each.name for each in tmp_path.iterdir()] == ["a.ply"]
    vertices, _ = read(tmp_path / "a.ply")
    np.testing.assert_allclose(vertices, wanted(lifted, frame, up_axis, root)[3], atol=1e-5)


def test_the_outside_stays_outside(tmp_path, lifted):
    lifted.save(tmp_path / "a.ply", only=0)
    assert trimesh.load(tmp_path / "a.ply", process=False, force="mesh").volume > 0.03


def test_every_second_frame(tmp_path, lifted):
    lifted.save(tmp_path / "walk.ply", every=2)
    names = sorted(each.name for each in (tmp_path / "walk_ply").iterdir())
    assert names == ["walk_000007.ply", "walk_000009.ply", "walk_000013.ply"]
    vertices, _ = read(tmp_path / "walk_ply" / "walk_000013.ply")
    np.testing.assert_allclose(vertices, wanted(lifted, "world", "y", "grounded")[4], atol=1e-5)


@pytest.mark.parametrize("suffix", ["obj", "ply"])
def test_each_file_says_unit_axes_family_and_licence(tmp_path, lifted, suffix):
    lifted.save(tmp_path / f"a.{suffix}", only=0)
    head = (tmp_path / f"a.{suffix}").read_bytes()[:2000]
    for text in ("Unit: metres", "y up", "Body family: makehuman-cc0", "CC0", "Scale: unknown"):
        assert text.encode() in head


def test_an_earlier_sequence_is_replaced_whole(tmp_path, lifted):
    lifted.save(tmp_path / "walk.ply")
    lifted.cut(0, 2).save(tmp_path / "walk.ply")
    assert len(list((tmp_path / "walk_ply").iterdir())) == 2


def test_a_folder_with_other_things_is_left_alone(tmp_path, lifted):
    (tmp_path / "walk_ply").mkdir()
    (tmp_path / "walk_ply" / "thesis.tex").write_text("years of work")
    with pytest.raises(StorageError, match=r"got 'thesis.tex' in it"):
        lifted.save(tmp_path / "walk.ply")
    assert [each.name for each in tmp_path.rglob("*")] == ["walk_ply", "thesis.tex"]


def test_a_frame_that_is_not_there_is_told(tmp_path, lifted):
    with pytest.raises(ConfigurationError, match="only: expected a frame from 0 to 4, got 5"):
        lifted.save(tmp_path / "walk.obj", only=5)


def test_meshes_are_made_a_few_at_a_time(lifted, monkeypatch):
    asked = []
    monkeypatch.setattr(mesh_frames, "FRAMES_AT_ONCE", 2)
    monkeypatch.setattr(
        type(lifted),
        "vertices",
        lambda self, start, stop: asked.append((start, stop)) or np.zeros((stop - start, 4, 3)),
    )
    made = mesh_frames.meshes(lifted, mesh_frames.MeshConfig(), range(5), ".obj")
    next(made)
    floor = len(asked) - 1  # single frames that tell where the floor is
    assert asked[floor:] == [(0, 2)]
    assert len(list(made)) == 4
    assert asked[floor:] == [(0, 2), (2, 4), (4, 5)]
