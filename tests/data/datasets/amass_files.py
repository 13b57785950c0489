"""Made-up motion in the layout of AMASS's files: keys, types and shapes of its release."""

import numpy as np

SMPLH, SMPLX = 156, 165


def poses(frames, width=SMPLH, seed=0):
    """(frames, width) rotation vectors: an upright person, z up, whose joints swing a little."""
    random = np.random.default_rng(seed)
    times = np.arange(frames)[:, None] / 60
    swing = 0.25 * np.sin(times * random.uniform(2, 5, width) + random.uniform(0, 7, width))
    swing[:, :3] = [np.pi / 2, 0.0, 0.0]  # from y up to z up
    return swing


def write(path, frames=60, width=SMPLH, seed=0, **changes):
    """A file as AMASS has them; ``changes`` replace its arrays, ``None`` takes one out."""
    random = np.random.default_rng(seed)
    walked = np.linspace(0, 1, frames)[:, None] * [0.0, -1.0, 0.0] + [0, 0, 0.9]
    arrays = {"poses": poses(frames, width, seed), "trans": walked, "betas": random.normal(size=16)}
    if width == SMPLH:
        arrays |= {
            "gender": np.array("male"),
            "mocap_framerate": np.array(60.0),
            "dmpls": random.normal(size=(frames, 8)),
            "marker_data": random.normal(size=(frames, 3, 3)),
            "marker_labels": np.array([b"LFHD", b"RFHD", b"C7"]),
        }
    else:
        arrays |= {
            "gender": np.array("female"),
            "surface_model_type": np.array("smplx"),
            "mocap_frame_rate": np.array(60.0),
            "mocap_time_length": np.array(frames / 60),
            "root_orient": arrays["poses"][:, :3],
            "pose_body": arrays["poses"][:, 3:66],
        }
    arrays |= changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def write_folder(root, frames=60):
    """A training dataset, a test dataset, and what lies beside motions in AMASS's folders."""
    write(root / "CMU" / "01" / "01_01_poses.npz", frames)
    write(root / "ACCAD" / "Male1 c3d" / "A1 - Stand_poses.npz", frames, seed=1)
    write(root / "SSM_synced" / "20160330_03333" / "kick_poses.npz", frames, seed=2)
    np.savez(root / "CMU" / "01" / "shape.npz", betas=np.zeros(16), gender="male")
    return root
