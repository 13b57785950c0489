"""Made-up motion capture in the layouts of CMU's files, and where its joints truly are.

Skeletons have the names, the order and the channels of the database's and of B. Hahne's BVH
conversion; lengths and angles are made up. Places are found joint by joint and frame by frame with
scipy's rotations, which share nothing with the library's.
"""

import numpy as np
from scipy.spatial.transform import Rotation

METRES = 2.54 / 45
"""A unit of length of CMU's files."""

HAHNE = {
    "Hips": (None, (0, 0, 0)),
    **{
        f"{side}{name}": (f"{parent}" if parent == "Hips" else f"{side}{parent}", offset)
        for side, sign in (("Left", 1), ("Right", -1))
        for name, parent, offset in (
            ("HipJoint", "Hips", (0, 0, 0)),
            ("UpLeg", "HipJoint", (sign * 1.7, -1.6, 0.8)),
            ("Leg", "UpLeg", (sign * 2.4, -6.6, 0)),
            ("Foot", "Leg", (sign * 2.5, -6.8, 0)),
            ("ToeBase", "Foot", (sign * 0.2, -0.5, 2.1)),
        )
    },
    "LowerBack": ("Hips", (0, 0, 0)),
    "Spine": ("LowerBack", (0.1, 2.1, -0.2)),
    "Spine1": ("Spine", (-0.1, 2.2, -0.1)),
    "Neck": ("Spine1", (0.05, 2.15, 0.1)),
    "Neck1": ("Neck", (0.0, 1.4, 0.2)),
    "Head": ("Neck1", (0.1, 1.5, -0.2)),
    **{
        f"{side}{name}": (parent if parent == "Spine1" else f"{side}{parent}", offset)
        for side, sign in (("Left", 1), ("Right", -1))
        for name, parent, offset in (
            ("Shoulder", "Spine1", (0.05, 2.15, 0.1)),
            ("Arm", "Shoulder", (sign * 3.2, 0.9, 0.1)),
            ("ForeArm", "Arm", (sign * 5.0, 0, 0)),
            ("Hand", "ForeArm", (sign * 3.4, 0, 0)),
            ("FingerBase", "Hand", (sign * 1.7, 0, 0)),
            ("HandIndex1", "FingerBase", (sign * 0.7, 0, 0)),
            ("Thumb", "Hand", (sign * 1.7, 0, 0)),
        )
    },
}
_RENAMED = {"LeftHipJoint": "LHipJoint", "RightHipJoint": "RHipJoint"}
_RENAMED |= {"LeftThumb": "LThumb", "RightThumb": "RThumb"}
HAHNE = {
    _RENAMED.get(name, name): (_RENAMED.get(parent, parent), np.array(offset, dtype=float))
    for name, (parent, offset) in HAHNE.items()
}
"""Joint: parent and offset, in the order in which children follow their parents."""

ENDS = {
    "LeftToeBase": (0, 0, 1.0),
    "RightToeBase": (0, 0, 1.0),
    "Head": (0.1, 1.5, -0.1),
    "LeftHandIndex1": (0.6, 0, 0),
    "RightHandIndex1": (-0.6, 0, 0),
    "LThumb": (0.6, 0, 0.6),
    "RThumb": (-0.6, 0, 0.6),
}
LOST = ("Neck", "LeftShoulder", "RightShoulder", "LeftFingerBase", "RightFingerBase")
LOST += ("LThumb", "RThumb")
"""The joints whose offset the conversion writes as 0."""


def as_converted(skeleton=HAHNE):
    """The skeleton with the bones lost that B. Hahne's conversion loses."""
    return {
        name: (parent, 0 * offset if name in LOST else offset)
        for name, (parent, offset) in skeleton.items()
    }


def angles(frames, count, seed=0, size=12.0):
    """(frames, count) degrees that swing smoothly."""
    random = np.random.default_rng(seed)
    times = np.arange(frames)[:, None] / 120
    speed, phase = random.uniform(1, 4, count), random.uniform(0, 7, count)
    return random.uniform(0.2, 1, count) * size * np.sin(speed * times + phase)


def values(frames, skeleton=HAHNE, seed=0):
    """(frames, 6 + 3 a joint): a walk along z with swinging joints, as a file's rows."""
    made = angles(frames, 3 + 3 * len(skeleton), seed)
    times = np.arange(frames) / 120
    made[:, :3] = np.stack([3 + 0 * times, 16 + 0.3 * np.sin(5 * times), 20 * times], axis=-1)
    return made


def write_bvh(path, rows, skeleton=HAHNE, order="ZYX", seconds=".0083333", ends=ENDS, t_pose=None):
    """A BVH file as the conversion writes it, with its T-pose first if there is one."""
    children = {name: [] for name in skeleton}
    for name, (parent, _) in skeleton.items():
        if parent is not None:
            children[parent].append(name)
    lines = ["HIERARCHY"]
    turns = " ".join(f"{axis}rotation" for axis in order)

    def numbers(offset):
        return " ".join(f"{value:.17g}" for value in offset)

    def joint(name, indent):
        root = skeleton[name][0] is None
        lines.append(f"{indent}{'ROOT' if root else 'JOINT'} {name}")
        lines.append(f"{indent}{{")
        lines.append(f"{indent}\tOFFSET {numbers(skeleton[name][1])}")
        moves = f"6 Xposition Yposition Zposition {turns} " if root else f"3 {turns}"
        lines.append(f"{indent}\tCHANNELS {moves}")
        for child in children[name]:
            joint(child, indent + "\t")
        if name in ends:
            lines.append(f"{indent}\tEnd Site")
            lines.append(f"{indent}\t{{\n{indent}\t\tOFFSET {numbers(ends[name])}\n{indent}\t}}")
        lines.append(f"{indent}}}")

    joint(next(iter(skeleton)), "")
    if t_pose is not None:
        rows = np.concatenate([t_pose[None], rows])
    lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {seconds}"]
    lines += [numbers(row) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def t_pose(rows):
    """What the conversion puts first: the root in its place, not turned; arms and legs set."""
    made = np.round(angles(1, rows.shape[1], seed=9)[0])
    made[:3], made[3:6] = rows[0, :3], 0.0
    return made


def bvh_places(rows, skeleton=HAHNE, order="ZYX", ends=ENDS):
    """Joint: (frames, 3), the file's unit, y up."""
    turns, places = {}, {}
    for number, (name, (parent, offset)) in enumerate(skeleton.items()):
        own = Rotation.from_euler(order, rows[:, 3 + 3 * number : 6 + 3 * number], degrees=True)
        if parent is None:
            turns[name], places[name] = own, offset + rows[:, :3]
        else:
            turns[name] = turns[parent] * own
            places[name] = places[parent] + turns[parent].apply(offset)
        if name in ends:
            places[f"{name}_end"] = places[name] + turns[name].apply(np.array(ends[name]))
    return places


ACCLAIM = {
    **{
        f"{s}{name}": ("root" if parent == "root" else f"{s}{parent}", *rest)
        for s, sign in (("l", 1), ("r", -1))
        for name, parent, *rest in (
            ("hipjoint", "root", (sign * 0.6, -0.7, 0.3), 2.5, (0, 0, 0), ""),
            ("femur", "hipjoint", (sign * 0.34, -0.94, 0), 7.0, (0, 0, sign * 20), "rx ry rz"),
            ("tibia", "femur", (sign * 0.34, -0.94, 0), 7.2, (0, 0, sign * 20), "rx"),
            ("foot", "tibia", (sign * 0.07, -0.18, 0.98), 2.3, (-90, 7, sign * 20), "rx rz"),
            ("toes", "foot", (0, 0, 1), 1.1, (-90, 0, sign * 20), "rx"),
        )
    },
    "lowerback": ("root", (0.01, 0.99, -0.1), 2.1, (0, 0, 0), "rx ry rz"),
    "upperback": ("lowerback", (0.03, 0.99, -0.02), 2.2, (0, 0, 0), "rx ry rz"),
    "thorax": ("upperback", (0.02, 0.99, 0.02), 2.2, (0, 0, 0), "rx ry rz"),
    "lowerneck": ("thorax", (0, 1, 0.1), 1.6, (0, 0, 0), "rx ry rz"),
    "upperneck": ("lowerneck", (0, 1, -0.1), 1.6, (0, 0, 0), "rx ry rz"),
    "head": ("upperneck", (0, 1, 0), 1.7, (0, 0, 0), "rx ry rz"),
    **{
        f"{s}{name}": ("thorax" if parent == "thorax" else f"{s}{parent}", *rest)
        for s, sign in (("l", 1), ("r", -1))
        for name, parent, *rest in (
            ("clavicle", "thorax", (sign * 0.92, 0.38, 0.02), 3.5, (0, 0, 0), "ry rz"),
            ("humerus", "clavicle", (sign, 0, 0), 5.0, (180, 20, sign * 90), "rx ry rz"),
            ("radius", "humerus", (sign, 0, 0), 3.4, (-90, 30, sign * 90), "rx"),
            ("wrist", "radius", (sign, 0, 0), 1.7, (0, -90, sign * 90), "ry"),
            ("hand", "wrist", (sign, 0, 0), 0.7, (0, -90, sign * 90), "rx rz"),
            ("fingers", "hand", (sign, 0, 0), 0.6, (0, -90, sign * 90), "rx"),
            ("thumb", "wrist", (sign * 0.7, 0, 0.7), 0.7, (-90, -45, 0), "rx rz"),
        )
    },
}
"""Bone: parent, direction, length, axis and degrees of freedom."""


def write_asf(path):
    """An ``.asf`` file as the database has them."""
    lines = [
        "# AST/ASF file generated using made-up data",
        ":version 1.10",
        ":name VICON",
        ":units\n  mass 1.0\n  length 0.45\n  angle deg",
        ":documentation\n   .ast/.asf made up\n   by a test",
        ":root\n   order TX TY TZ RX RY RZ\n   axis XYZ\n   position 0 0 0  ",
        "   orientation 0 0 0 \n:bonedata",
    ]
    for number, (name, (_, direction, length, axis, dof)) in enumerate(ACCLAIM.items(), start=1):
        lines += [
            f"  begin\n     id {number} \n     name {name}",
            f"     direction {' '.join(map(repr, map(float, direction)))} ",
            f"     length {length} \n     axis {' '.join(map(str, axis))}   XYZ",
        ]
        if dof:
            limits = ["(-160.0 20.0)"] * len(dof.split())
            lines += [f"    dof {dof}", "    limits " + "\n           ".join(limits)]
        lines.append("  end")
    lines += [":hierarchy", "  begin"]
    for parent in ("root", *ACCLAIM):
        children = [name for name, bone in ACCLAIM.items() if bone[0] == parent]
        if children:
            lines.append(f"    {parent} {' '.join(children)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\r\n".join([*lines, "  end", ""]))
    return path


def amc_values(frames, seed=0):
    """Bone: (frames, channels) degrees; the root's three places first."""
    root = np.concatenate([values(frames, seed=seed)[:, :3], angles(frames, 3, seed + 50)], axis=1)
    return {"root": root} | {
        name: angles(frames, len(dof.split()), seed + 100 + number)
        for number, (name, (*_, dof)) in enumerate(ACCLAIM.items())
        if dof
    }


def write_amc(path, moves, unit="DEGREES"):
    """An ``.amc`` file as the database has them: bones in an order of their own."""
    lines = [r"#!OML:ASF F:\made\up.ASF", ":FULLY-SPECIFIED", f":{unit}"]
    for frame in range(len(moves["root"])):
        lines.append(str(frame + 1))
        for name, track in moves.items():
            lines.append(f"{name} {' '.join(f'{value:.17g}' for value in track[frame])}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def amc_places(moves):
    """Bone: (frames, 3), its end, the file's unit, y up."""
    root = moves["root"]
    turns = {"root": Rotation.from_euler("xyz", root[:, 3:], degrees=True)}
    places = {"root": root[:, :3]}
    for name, (parent, direction, length, axis, dof) in ACCLAIM.items():
        full = np.zeros((len(root), 3))
        for column, channel in enumerate(dof.split()):
            full[:, "xyz".index(channel[1])] = moves[name][:, column]
        axes = Rotation.from_euler("xyz", axis, degrees=True)
        own = axes * Rotation.from_euler("xyz", full, degrees=True) * axes.inv()
        turns[name] = turns[parent] * own
        places[name] = places[parent] + turns[name].apply(length * np.array(direction, dtype=float))
    return places


_H36M = (
    *(("LeftUpLeg+RightUpLeg", "lhipjoint+rhipjoint"), ("RightUpLeg", "rhipjoint")),
    *(("RightLeg", "rfemur"), ("RightFoot", "rtibia"), ("LeftUpLeg", "lhipjoint")),
    *(("LeftLeg", "lfemur"), ("LeftFoot", "ltibia"), ("Spine+Spine1", "lowerback+upperback")),
    *(("Neck1", "lowerneck"), ("Head", "upperneck"), ("Head_end", "head")),
    *(("LeftArm", "lclavicle"), ("LeftForeArm", "lhumerus"), ("LeftFingerBase", "lwrist")),
    *(("RightArm", "rclavicle"), ("RightForeArm", "rhumerus"), ("RightFingerBase", "rwrist")),
)


def human36m(places):
    """(frames, 17, 3) metres, z up, of either skeleton's places."""
    kind = 0 if "Hips" in places else 1
    joints = [
        np.mean([places[point] for point in names[kind].split("+")], axis=0) for names in _H36M
    ]
    x, y, z = np.moveaxis(np.stack(joints, axis=1) * METRES, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def write_bvh_folder(root, *recordings, frames=125):
    """A folder of the conversion: ``001/01_01.bvh`` …, each another motion of one skeleton."""
    for number, name in enumerate(recordings):
        rows = values(frames, seed=number)
        path = root / f"{int(name.split('_')[0]):03}" / f"{name}.bvh"
        write_bvh(path, rows, as_converted(), t_pose=t_pose(rows))
    return root


def write_acclaim_folder(root, *recordings, frames=150):
    """A folder of the database: ``subjects/01/01.asf`` and ``subjects/01/01_01.amc`` …"""
    for number, name in enumerate(recordings):
        subject = name.split("_")[0]
        write_asf(root / "subjects" / subject / f"{subject}.asf")
        write_amc(root / "subjects" / subject / f"{name}.amc", amc_values(frames, number))
    return root
