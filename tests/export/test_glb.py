"""A GLB file is the moving body, as libraries that know nothing of ours find it."""

import os
from dataclasses import replace

import numpy as np
import pygltflib
import pytest
import torch
import trimesh
from beartype.roar import BeartypeException
from jaxtyping import TypeCheckError
from scipy.spatial.transform import Rotation
from typing_extensions import get_protocol_members

from posenet3d.body import BodyModel, mannequin_data, write_body_file
from posenet3d.body.lbs import forward_kinematics, skin
from posenet3d.errors import ConfigurationError, PoseNet3DError, ShapeError, StorageError
from posenet3d.export import write_glb
from posenet3d.export.glb_file import GlbBuffer
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.reconstruction import world_motion
from posenet3d.testing import check_exporter

TOLERANCE = 1e-5
"""Metres."""
FIVE_BONES = 14
"""Vertices of the mannequin that a fifth bone moves; the file has four."""

_NUMBERS = {5121: "u1", 5123: "u2", 5125: "u4", 5126: "f4"}
_WIDTHS = {"SCALAR": (), "VEC3": (3,), "VEC4": (4,), "MAT4": (4, 4)}


class GlbReader:
    """A GLB file through pygltflib, and its mesh skinned by the file's own numbers alone."""

    def __init__(self, path):
        self.file = pygltflib.GLTF2().load(path)
        self.nodes = self.file.nodes
        self.skin = self.file.skins[0]
        self.mesh = self.file.meshes[0].primitives[0]
        self.names = [self.nodes[joint].name for joint in self.skin.joints]
        self.tracks = {}
        animation = self.file.animations[0]
        for channel in animation.channels:
            sampler = animation.samplers[channel.sampler]
            assert sampler.interpolation == "LINEAR"
            self.times = self.array(sampler.input)
            track = self.array(sampler.output)
            assert len(track) == len(self.times)
            self.tracks[channel.target.node, channel.target.path] = track

    def array(self, index):
        accessor = self.file.accessors[index]
        view = self.file.bufferViews[accessor.bufferView]
        shape = (accessor.count, *_WIDTHS[accessor.type])
        found = np.frombuffer(
            self.file.binary_blob(), _NUMBERS[accessor.componentType], int(np.prod(shape)),
            view.byteOffset,
        )  # fmt: skip
        assert found.nbytes == view.byteLength
        if accessor.max:
            rows = found.reshape(accessor.count, -1)
            assert (rows.max(axis=0) == np.array(accessor.max, "f4")).all()
            assert (rows.min(axis=0) == np.array(accessor.min, "f4")).all()
        return found.reshape(shape)

    def attribute(self, name):
        return self.array(getattr(self.mesh.attributes, name))

    def local(self, node, frame):
        found, matrix = self.nodes[node], np.eye(4)
        turn, move = found.rotation, found.translation
        if frame is not None:
            turn = self.tracks[node, "rotation"][frame]
            move = self.tracks.get((node, "translation"), [move] * (frame + 1))[frame]
        matrix[:3, :3] = Rotation.from_quat(turn).as_matrix()
        matrix[:3, 3] = move
        return matrix

    def joints(self, frame):
        """Global matrices of the joints; the nodes' own where ``frame`` is None."""
        world = {}

        def walk(node, above):
            world[node] = above @ self.local(node, frame)
            for child in self.nodes[node].children or []:
                walk(child, world[node])

        walk(self.skin.skeleton, np.eye(4))
        return np.stack([world[joint] for joint in self.skin.joints])

    def vertices(self, frame):
        inverse = np.swapaxes(self.array(self.skin.inverseBindMatrices), -1, -2)
        carried = self.joints(frame) @ inverse
        weights = self.attribute("WEIGHTS_0").astype(np.float64)
        blended = np.einsum("vi,vixy->vxy", weights, carried[self.attribute("JOINTS_0")])
        points = np.pad(self.attribute("POSITION"), ((0, 0), (0, 1)), constant_values=1.0)
        return np.einsum("vxy,vy->vx", blended, points)[:, :3]


def written(folder, lifted, **options):
    write_glb(path=folder / "a.glb", reconstruction=lifted, **options)
    return GlbReader(str(folder / "a.glb"))


def model_in_world(lifted, root="grounded"):
    """The body model's joints, and its skin without corrections by pose."""
    world, body, model = world_motion(lifted, "y", root), lifted.body, lifted.body_model
    betas = torch.tensor(body.betas, dtype=torch.float32)
    rotations = torch.tensor(world.rotations, dtype=torch.float32)
    rest = model.rest_joints(betas)
    turned, posed = forward_kinematics(rotations, rest, model.parents)
    shaped = model.vertices(betas, torch.eye(3).expand(24, 3, 3))
    carried = skin(shaped.expand(len(rotations), -1, 3), model.blend_weights, turned, rest, posed)
    place = world.translation[:, None]
    return posed.numpy() * body.scale + place, carried.numpy() * body.scale + place


@pytest.mark.parametrize("root", ["grounded", "track", "still"])
def test_joints_are_the_body_models_in_every_frame(tmp_path, moving, root):
    lifted = moving()
    found, (joints, _) = written(tmp_path, lifted, root=root), model_in_world(lifted, root)
    assert tuple(found.names) == lifted.body_model.joint_names
    for frame in range(len(lifted)):
        np.testing.assert_allclose(found.joints(frame)[:, :3, 3], joints[frame], atol=TOLERANCE)


def test_skinning_by_the_files_own_numbers_gives_the_models_linear_blend(tmp_path, moving):
    lifted = moving()
    found, (_, expected) = written(tmp_path, lifted), model_in_world(lifted)
    many = (lifted.body_model.blend_weights.numpy() > 0).sum(axis=1) > 4
    assert many.sum() == FIVE_BONES
    for frame in range(len(lifted)):
        off = np.linalg.norm(found.vertices(frame) - expected[frame], axis=-1)
        assert off[~many].max() < TOLERANCE
        assert off[many].max() < 0.005


def test_corrections_by_pose_are_what_is_missing_to_the_models_own_vertices(tmp_path, moving):
    """The size that the documentation names, for turns about all joints of a third of a radian."""
    lifted = moving(20)
    turns = Rotation.from_matrix(lifted.body.rotations.reshape(-1, 3, 3)).as_rotvec()
    gentle = Rotation.from_rotvec(turns / np.linalg.norm(turns, axis=-1, keepdims=True) * 0.33)
    rotations = gentle.as_matrix().reshape(-1, 24, 3, 3)
    lifted = replace(lifted, body=replace(lifted.body, rotations=rotations))
    found, world = written(tmp_path, lifted), world_motion(lifted)
    whole = lifted.vertices() @ world.from_camera.T + world.offset[:, None]
    off = np.stack([np.linalg.norm(found.vertices(f) - whole[f], axis=-1) for f in range(20)])
    assert 0.0005 < off.mean() < 0.002
    assert off.max() < 0.05


def test_trimesh_finds_the_first_frames_pose_and_a_mesh_the_right_way_out(tmp_path, moving):
    lifted = moving()
    write_glb(path=tmp_path / "a.glb", reconstruction=lifted)
    scene, (joints, _) = trimesh.load_scene(tmp_path / "a.glb"), model_in_world(lifted)
    for name, place in zip(lifted.body_model.joint_names, joints[0], strict=True):
        np.testing.assert_allclose(scene.graph.get(name)[0][:3, 3], place, atol=TOLERANCE)
    (mesh,) = scene.geometry.values()
    assert mesh.faces.shape == (13776, 3)
    assert mesh.volume > 0.03
    np.testing.assert_allclose(np.linalg.norm(mesh.vertex_normals, axis=1), 1.0, atol=1e-5)


def test_at_rest_it_stands_on_the_floor_with_its_shape_and_scale(tmp_path, moving):
    lifted = moving()
    found = written(tmp_path, lifted).attribute("POSITION")
    betas = torch.tensor(lifted.body.betas, dtype=torch.float32)
    shaped = lifted.body_model.vertices(betas, torch.eye(3).expand(24, 3, 3)).numpy()
    assert found[:, 1].min() == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(
        found - found[0], (shaped - shaped[0]) * lifted.body.scale, atol=2e-6
    )


def test_normals_are_unit_vectors_out_of_the_skin(tmp_path, moving):
    found = written(tmp_path, moving())
    points, normals = found.attribute("POSITION"), found.attribute("NORMAL")
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
    faces = found.array(found.mesh.indices).reshape(-1, 3)
    mesh = trimesh.Trimesh(points, faces, process=False)
    assert (np.einsum("vx,vx->v", mesh.vertex_normals, normals) > 0.5).mean() > 0.999
    crown = points[:, 1].argmax()
    assert normals[crown, 1] > 0.8


def test_weights_sum_to_one_and_a_bone_without_weight_is_the_first(tmp_path, moving):
    found = written(tmp_path, moving())
    bones, weights = found.attribute("JOINTS_0"), found.attribute("WEIGHTS_0")
    np.testing.assert_allclose(weights.astype(np.float64).sum(axis=1), 1.0, atol=2e-7)
    assert (bones[weights == 0] == 0).all()
    assert bones.max() < 24


def test_quaternions_have_length_one_and_never_change_sign(tmp_path, moving):
    lifted = moving(200)
    angle = np.linspace(0.0, 6.0 * np.pi, 200)  # three turns: w changes its sign three times
    rotations = lifted.body.rotations.copy()
    rotations[:, 0] = Rotation.from_euler("y", angle[:, None]).as_matrix()
    found = written(tmp_path, replace(lifted, body=replace(lifted.body, rotations=rotations)))
    tracks = [track for (_, path), track in found.tracks.items() if path == "rotation"]
    assert len(tracks) == 24
    for track in tracks:
        np.testing.assert_allclose(np.linalg.norm(track, axis=1), 1.0, atol=1e-6)
        assert (track[1:] * track[:-1]).sum(axis=1).min() > 0.0


def test_times_are_the_frames_times_and_a_gap_stays_one(tmp_path, moving):
    lifted = moving(4, fps=25.0, frame_index=np.array([10, 11, 60, 61]))
    np.testing.assert_allclose(written(tmp_path, lifted).times, [0.0, 0.04, 2.0, 2.04], atol=1e-6)


def test_one_frame_is_a_file(tmp_path, moving):
    lifted = moving(1)
    found, (joints, _) = written(tmp_path, lifted), model_in_world(lifted)
    np.testing.assert_allclose(found.joints(0)[:, :3, 3], joints[0], atol=TOLERANCE)


def test_the_file_grows_by_four_hundred_bytes_a_frame(tmp_path, moving):
    sizes = []
    for frames in (1000, 2000):
        write_glb(path=tmp_path / "a.glb", reconstruction=moving(frames))
        sizes.append(os.path.getsize(tmp_path / "a.glb"))
    assert sizes[1] - sizes[0] == pytest.approx(1000 * (24 * 16 + 3 * 4 + 4), abs=200)


def test_the_file_says_what_its_numbers_mean(tmp_path, moving):
    asset = written(tmp_path, moving(height_m=1.8, provenance={"weights": "some"})).file.asset
    assert asset.version == "2.0"
    assert "CC0" in asset.copyright
    told = asset.extras
    assert (told["unit"], told["up_axis"], told["fps"]) == ("m", "y", 30.0)
    assert (told["scale_known"], told["up_from"], told["frames"]) == (True, "given", 12)
    assert (told["body_family"], told["body_mesh"]) == ("makehuman-cc0", True)
    assert told["body_scale"] == 1.07
    assert len(told["betas"]) == 10
    assert "CC0" in told["facts"]["Body licence"]
    assert told["facts"]["Made with weights"] == "some"
    assert not written(tmp_path, moving()).file.asset.extras["scale_known"]


@pytest.fixture
def not_free(tmp_path, moving):
    """A person whose body model has a licence of its own."""
    theirs = replace(mannequin_data(), license="For research only", family="theirs")
    write_body_file(tmp_path / "body.npz", theirs)
    spec = PluginSpec(name="linear_blend", options={"path": str(tmp_path / "body.npz")})
    lifted = moving(model=spec)
    return replace(lifted, body=replace(lifted.body, family="theirs"))


def test_a_body_that_is_not_free_gives_sticks_that_move_the_same_way(tmp_path, not_free):
    found, (joints, _) = written(tmp_path, not_free), model_in_world(not_free)
    assert len(found.attribute("POSITION")) == 28 * 24
    assert not found.file.asset.extras["body_mesh"]
    for frame in (0, 5, 11):
        np.testing.assert_allclose(found.joints(frame)[:, :3, 3], joints[frame], atol=TOLERANCE)
        points = found.vertices(frame)
        for joint in joints[frame]:  # a stick ends or begins at every joint
            assert np.linalg.norm(points - joint, axis=-1).min() < TOLERANCE


def test_sticks_are_closed_and_the_right_way_out(tmp_path, not_free):
    found = written(tmp_path, not_free)
    for stick in found.attribute("POSITION").astype(np.float64).reshape(28, 8, 3, 3):
        a, b, c = np.moveaxis(stick - stick.mean(axis=(0, 1)), 1, 0)
        assert (np.einsum("fd,fd->f", a, np.cross(b, c)) > 0).all()


def test_a_body_that_is_not_free_is_written_when_asked_for_with_its_licence(tmp_path, not_free):
    found = written(tmp_path, not_free, mesh=True)
    assert len(found.attribute("POSITION")) == 6890
    assert found.file.asset.copyright == "Mesh: For research only"
    assert found.file.asset.extras["facts"]["Body licence"] == "For research only"


def test_smpl_through_smplx_gives_the_mesh_of_its_own_weights(tmp_path, moving):
    """The mannequin's numbers in SMPL's place: ``smplx`` and our own linear blend agree."""
    body = moving().body
    spec = PluginSpec(name="smpl", options={"path": str(tmp_path / "smpl.npz")})
    write_body_file(tmp_path / "smpl.npz", replace(mannequin_data(), license="theirs"))
    found = written(tmp_path, moving(body=replace(body, model=spec)), mesh=True)
    ours = written(tmp_path, moving(body=body))
    np.testing.assert_allclose(found.vertices(3), ours.vertices(3), atol=1e-5)


class Opaque:
    """A body model that has what the interface asks for and no more: no blend weights."""

    def __init__(self, body):
        for name in get_protocol_members(BodyModel):
            setattr(self, name, getattr(body, name))


def test_a_body_without_blend_weights_gives_sticks_and_no_mesh(tmp_path, moving):
    lifted = moving()
    lifted.__dict__["body_model"] = Opaque(lifted.body_model)
    assert len(written(tmp_path, lifted).attribute("POSITION")) == 28 * 24
    with pytest.raises(PoseNet3DError, match=r"blend weights.*mesh=False"):
        written(tmp_path, lifted, mesh=True)


def test_a_skeleton_alone_is_refused_and_nothing_is_written(tmp_path, moving):
    with pytest.raises(PoseNet3DError, match="A GLB file holds a body"):
        write_glb(path=tmp_path / "a.glb", reconstruction=moving(body=None))
    assert os.listdir(tmp_path) == []


def test_numbers_that_are_not_finite_are_refused_by_frame(tmp_path, moving):
    lifted = moving()
    broken = lifted.body.translation.copy()
    broken[3] = np.inf
    with pytest.raises(ShapeError, match=r"body\.translation.*frame 3"):
        written(tmp_path, replace(lifted, body=replace(lifted.body, translation=broken)))
    assert os.listdir(tmp_path) == []


def test_more_than_four_gibibytes_are_refused(tmp_path):
    buffer = GlbBuffer()
    buffer.length = 2**32
    with (tmp_path / "a.glb").open("wb") as file, pytest.raises(PoseNet3DError, match="several"):
        buffer.write(file, {})


@pytest.mark.parametrize("option", [{"root": "gone"}, {"mesh": 3}, {"texture": True}])
def test_options_that_do_not_exist_are_refused(tmp_path, moving, option):
    with pytest.raises((PoseNet3DError, TypeError, TypeCheckError, BeartypeException)):
        write_glb(path=tmp_path / "a.glb", reconstruction=moving(), **option)
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        moving().save(tmp_path / "a.glb", **option)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_one_of_our_errors(tmp_path, moving):
    with pytest.raises(StorageError):
        write_glb(path=tmp_path / "absent" / "a.glb", reconstruction=moving())


def test_it_does_what_every_exporter_must():
    says = ['"unit":"m"', '"up_axis":"y"', "makehuman-cc0", "CC0", "y up"]
    check_exporter(write_glb, suffix=".glb", needs_body=True, says=says)


def test_saving_by_suffix_finds_it(tmp_path, moving):
    if "glb" not in GROUPS["exporters"].names():
        pytest.skip("this installation predates the exporter's entry point; install it again")
    moving().save(tmp_path / "a.GLB")
    assert len(GlbReader(str(tmp_path / "a.GLB")).times) == 12
