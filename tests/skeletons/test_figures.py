"""A person whose left and right are known, in every layout, must come out with none exchanged.

The figure is one person in 3D, made of named points; each layout's joints are listed here anew, in
the order of the formats' own documentation, so that a fault in `posenet3d.skeletons` shows.
"""

import numpy as np
import pytest

from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LAYOUTS, LSP_14

# A person in metres, who stands and faces the camera: x to the right of the image, y down, z away
# from the camera. The person's left is on the right of the image. Every point has its own height.
SIDED = {
    "eye_inner": (0.02, -1.64, -0.10), "eye": (0.03, -1.65, -0.10),
    "eye_outer": (0.04, -1.66, -0.09),
    "ear": (0.07, -1.62, 0.0), "mouth": (0.02, -1.55, -0.1), "collar": (0.08, -1.40, 0.0),
    "shoulder": (0.18, -1.42, 0.0), "elbow": (0.24, -1.13, 0.03), "wrist": (0.27, -0.88, -0.02),
    "hand": (0.28, -0.80, -0.03), "pinky": (0.30, -0.77, 0.0), "index": (0.29, -0.76, -0.05),
    "thumb": (0.25, -0.81, -0.07), "hip": (0.10, -0.93, 0.0), "knee": (0.12, -0.50, -0.03),
    "ankle": (0.13, -0.09, 0.02), "heel": (0.13, -0.03, 0.07), "foot": (0.14, -0.04, -0.08),
    "toe": (0.14, -0.01, -0.15), "small_toe": (0.19, -0.02, -0.12),
}  # fmt: skip
MIDDLE = {
    "nose": (0.0, -1.61, -0.13), "top": (0.0, -1.78, 0.0), "head": (0.0, -1.60, 0.0),
    "neck": (0.0, -1.42, 0.0), "chest": (0.0, -1.18, 0.0), "hips": (0.0, -0.93, 0.0),
    "low spine": (0.0, -1.04, 0.0), "mid spine": (0.0, -1.15, 0.0), "high spine": (0.0, -1.27, 0.0),
}  # fmt: skip

COCO = "nose L.eye R.eye L.ear R.ear L.shoulder R.shoulder L.elbow R.elbow L.wrist R.wrist " \
    "L.hip R.hip L.knee R.knee L.ankle R.ankle"  # fmt: skip
OPENPOSE_ARMS = "neck R.shoulder R.elbow R.wrist L.shoulder L.elbow L.wrist"
OPENPOSE_LEGS = "R.hip R.knee R.ankle L.hip L.knee L.ankle"
OPENPOSE_FACE = "R.eye L.eye R.ear L.ear"
H36M_UPPER = "mid_spine neck nose top L.shoulder L.elbow L.wrist R.shoulder R.elbow R.wrist"
FEET = "L.toe L.small_toe L.heel R.toe R.small_toe R.heel"
FILES = {
    "lsp_14": "R.ankle R.knee R.hip L.hip L.knee L.ankle R.wrist R.elbow R.shoulder L.shoulder "
              "L.elbow L.wrist neck top",
    "coco_17": COCO,
    "body_25": f"nose {OPENPOSE_ARMS} hips {OPENPOSE_LEGS} {OPENPOSE_FACE} {FEET}",
    "body_25b": f"{COCO} neck top {FEET}",
    "coco_18": f"nose {OPENPOSE_ARMS} {OPENPOSE_LEGS} {OPENPOSE_FACE}",
    "mpi_15": f"top {OPENPOSE_ARMS} {OPENPOSE_LEGS} chest",
    "halpe_26": f"{COCO} top neck hips L.toe R.toe L.small_toe R.small_toe L.heel R.heel",
    "mpii_16": "R.ankle R.knee R.hip L.hip L.knee L.ankle hips chest neck top R.wrist R.elbow "
               "R.shoulder L.shoulder L.elbow L.wrist",
    "mediapipe_33": "nose L.eye_inner L.eye L.eye_outer R.eye_inner R.eye R.eye_outer L.ear R.ear "
                    "L.mouth R.mouth L.shoulder R.shoulder L.elbow R.elbow L.wrist R.wrist "
                    "L.pinky R.pinky L.index R.index L.thumb R.thumb L.hip R.hip L.knee R.knee "
                    "L.ankle R.ankle L.heel R.heel L.toe R.toe",
    "h36m_17": f"hips {OPENPOSE_LEGS} {H36M_UPPER}",
    "h36m_17_left_first": f"hips L.hip L.knee L.ankle R.hip R.knee R.ankle {H36M_UPPER}",
    "smpl_24": "hips L.hip R.hip low_spine L.knee R.knee mid_spine L.ankle R.ankle high_spine "
               "L.foot R.foot neck L.collar R.collar head L.shoulder R.shoulder L.elbow R.elbow "
               "L.wrist R.wrist L.hand R.hand",
    "mpi_inf_3dhp_28": "high_spine chest mid_spine low_spine hips neck head top L.collar "
                       "L.shoulder L.elbow L.wrist L.hand R.collar R.shoulder R.elbow R.wrist "
                       "R.hand L.hip L.knee L.ankle L.foot L.toe R.hip R.knee R.ankle R.foot R.toe",
    "mpi_inf_3dhp_17": f"top {OPENPOSE_ARMS} {OPENPOSE_LEGS} hips mid_spine head",
}  # fmt: skip
CANONICAL = FILES["lsp_14"].split()


def point(name):
    """Where a point of the person is."""
    side, _, rest = name.rpartition(".")
    if not side:
        return np.array(MIDDLE[name.replace("_", " ")])
    x, y, z = SIDED[rest]
    return np.array([x if side == "L" else -x, y, z])


def picture(names, turn=0.0, tilt=0.0):
    """Pixels of the points, 4 metres away, as a camera sees them."""
    person = np.array([point(name) for name in names])
    cos, sin = np.cos(turn), np.sin(turn)
    person = person @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    cos, sin = np.cos(tilt), np.sin(tilt)
    person = person @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]).T
    return 320 + 500 * person[:, :2] / (person[:, 2:] + 4)


def converted(name, **view):
    seen = picture(FILES[name].split(), **view)[None]
    return KeypointSequence(seen, layout=name, fps=25.0).to_layout("lsp_14")


def test_every_layout_has_a_figure():
    assert set(FILES) == set(LAYOUTS)
    assert {name: len(joints.split()) for name, joints in FILES.items()} == {
        name: len(skeleton) for name, skeleton in LAYOUTS.items()
    }


@pytest.mark.parametrize("name", FILES)
def test_left_is_on_the_right_of_the_image_for_a_person_who_faces_the_camera(name):
    made = dict(zip(LSP_14.joint_names, converted(name).points[0], strict=True))
    swapped = [
        joint
        for joint, (x, _) in made.items()
        if (joint.startswith("left") and x <= 320) or (joint.startswith("right") and x >= 320)
    ]
    assert swapped == []


@pytest.mark.parametrize("turn", [0.0, 0.7, np.pi, -1.9], ids=["front", "half", "back", "side"])
@pytest.mark.parametrize("tilt", [0.0, np.pi / 2], ids=["level", "rolled"])
@pytest.mark.parametrize("name", FILES)
def test_every_joint_is_the_point_of_its_name_from_any_side(name, tilt, turn):
    made = converted(name, turn=turn, tilt=tilt).points[0]
    truth = picture(CANONICAL, turn=turn, tilt=tilt)
    limbs = [at for at, joint in enumerate(CANONICAL) if joint not in ("neck", "top")]
    np.testing.assert_allclose(made[limbs], truth[limbs], atol=1e-9)
    neck, top = CANONICAL.index("neck"), CANONICAL.index("top")
    assert np.linalg.norm(made[neck] - truth[neck]) < 2.0
    assert np.linalg.norm(made[top] - truth[top]) < 30.0


@pytest.mark.parametrize("name", FILES)
def test_a_file_read_with_its_sides_exchanged_is_noticed(name):
    skeleton = LAYOUTS[name]
    seen = picture(FILES[name].split())[list(skeleton.mirror)][None]
    made = KeypointSequence(seen, layout=name, fps=25.0).to_layout("lsp_14").points[0]
    left = [at for at, joint in enumerate(CANONICAL) if joint.startswith("L.")]
    assert (made[left, 0] < 320).all()
