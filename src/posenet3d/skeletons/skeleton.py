"""A skeleton: named joints, the tree that they form, and which of them are left and right.

Numbers of joints occur only in this package; everywhere else joints go by name.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from posenet3d.errors import ShapeError, UnknownNameError

_OTHER_SIDE = {"left": "right", "right": "left"}


def _counterpart(name: str) -> str:
    """The name of the joint on the other side; a middle joint is its own counterpart."""
    side, _, rest = name.partition("_")
    return f"{_OTHER_SIDE[side]}_{rest}" if side in _OTHER_SIDE else name


@dataclass(frozen=True)
class Skeleton:
    """Joint names in file order, their parents, and extra bones outside the tree.

    Left and right are the person's own and are told by the names' prefixes ``left_`` and
    ``right_``; every one-sided joint must have its counterpart.

    Attributes:
        name: the layout's name as users type it, such as ``"lsp_14"``.
        joint_names: one name a joint, in the order of the layout's arrays.
        parents: index of each joint's parent; -1 for the one root. A parent may come later in
            the order than its child.
        links: pairs of names that are bones though not edges of the tree, such as hip to hip.

    Raises:
        ShapeError: the names repeat, a side lacks its counterpart, or the parents form no tree.
        UnknownNameError: a link names a joint that the skeleton lacks.

    Example:
        >>> leg = Skeleton("leg", ("right_knee", "hip", "left_knee"), (1, -1, 1))
        >>> leg.bones
        ((1, 0), (1, 2))
        >>> leg.mirror
        (2, 1, 0)
    """

    name: str
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    links: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self._check_names()
        self._check_tree()
        for link in self.links:
            self.indices(*link)

    def _check_names(self) -> None:
        names = set(self.joint_names)
        if len(names) != len(self.joint_names):
            repeated = sorted(n for n in names if self.joint_names.count(n) > 1)
            raise ShapeError("joint_names", expected="distinct names", got=f"{repeated} repeated")
        alone = [name for name in self.joint_names if _counterpart(name) not in names]
        if alone:
            raise ShapeError(
                "joint_names",
                expected="a counterpart for each left_ and right_ joint",
                got=f"{alone} without one",
            )

    def _check_tree(self) -> None:
        joints = len(self.joint_names)
        in_range = all(-1 <= parent < joints for parent in self.parents)
        if len(self.parents) != joints or not in_range or self.parents.count(-1) != 1:
            raise ShapeError(
                "parents", expected=f"{joints} indices with one -1", got=f"{self.parents}"
            )
        for joint in range(joints):
            ancestor, steps = joint, 0
            while ancestor != -1:
                ancestor, steps = self.parents[ancestor], steps + 1
                if steps > joints:
                    raise ShapeError("parents", expected="a tree", got=f"a cycle: {self.parents}")

    def __len__(self) -> int:
        return len(self.joint_names)

    @cached_property
    def _index_of(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.joint_names)}

    def index(self, name: str) -> int:
        """The place of one joint in the layout's arrays.

        Args:
            name: the joint's name.

        Returns:
            Its index.

        Raises:
            UnknownNameError: the layout has no such joint.

        Example:
            >>> Skeleton("pair", ("hip", "neck"), (-1, 0)).index("neck")
            1
        """
        if name not in self._index_of:
            raise UnknownNameError(f"joint of layout {self.name!r}", name, self.joint_names)
        return self._index_of[name]

    def indices(self, *names: str) -> tuple[int, ...]:
        """The places of several joints, in the order asked for.

        Args:
            *names: the joints' names.

        Returns:
            One index a name.

        Raises:
            UnknownNameError: the layout lacks one of them.

        Example:
            >>> Skeleton("pair", ("hip", "neck"), (-1, 0)).indices("neck", "hip")
            (1, 0)
        """
        return tuple(self.index(name) for name in names)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Every bone once: the tree's edges as (parent, child), then the links."""
        tree = ((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)
        return (*tree, *((self.index(a), self.index(b)) for a, b in self.links))

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """The permutation that swaps left and right: joint ``i`` takes from ``mirror[i]``."""
        return self.indices(*map(_counterpart, self.joint_names))

    @cached_property
    def left(self) -> tuple[int, ...]:
        """The joints of the person's left side."""
        return self._of_side("left_")

    @cached_property
    def right(self) -> tuple[int, ...]:
        """The joints of the person's right side, in the order of their counterparts in `left`."""
        return tuple(self.mirror[joint] for joint in self.left)

    def _of_side(self, prefix: str) -> tuple[int, ...]:
        return tuple(i for i, name in enumerate(self.joint_names) if name.startswith(prefix))

    def mirrored(self, points: np.ndarray) -> np.ndarray:
        """The same motion seen in a mirror: x negated, left and right joints swapped.

        Doing it twice gives the input back, bit for bit.

        Args:
            points: (..., joints, 2 or 3), x in the first coordinate, zero at the mirror. An
                unknown (NaN) joint stays unknown on the other side.

        Returns:
            A new array of the same shape.

        Raises:
            ShapeError: the number of joints is not the layout's.

        Example:
            >>> pair = Skeleton("pair", ("left_hip", "right_hip"), (-1, 0))
            >>> pair.mirrored(np.array([[1.0, 5.0], [-2.0, 6.0]])).tolist()
            [[2.0, 6.0], [-1.0, 5.0]]
        """
        self.check(points)
        swapped = points[..., list(self.mirror), :].copy()
        swapped[..., 0] *= -1
        return swapped

    def check(self, points: np.ndarray) -> None:
        """Nothing, if an array is (..., joints, 2 or 3) with this layout's number of joints.

        Args:
            points: any array.

        Raises:
            ShapeError: it is not.

        Example:
            >>> Skeleton("pair", ("hip", "neck"), (-1, 0)).check(np.zeros((5, 2, 3)))
        """
        if points.ndim < 2 or points.shape[-2] != len(self) or points.shape[-1] not in (2, 3):
            raise ShapeError(
                "points",
                expected=f"(..., {len(self)}, 2 or 3) for layout {self.name!r}",
                got=f"{points.shape}",
                do="name the layout that the points are in",
            )
