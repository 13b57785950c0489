"""MakeHuman's macro targets restricted to adults, and a population drawn from them."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from mannequin.makehuman import read_target

GENDERS, AGES = ("male", "female"), ("young", "old")
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
RACES = ("african", "asian", "caucasian")
HEIGHTS = ("minheight", "maxheight")
PROPORTIONS = ("idealproportions", "uncommonproportions")
CUPS = ("mincup", "maxcup")


@dataclass(frozen=True)
class Phenotype:
    """A person in MakeHuman's terms; all values from 0 to 1.

    Attributes:
        gender: 0 male, 1 female.
        age: 0 young (25 years), 1 old (90).
        muscle: 0.5 is average, as for the ones below.
        weight: body weight for the height.
        height: 0 short, 1 tall; 0.37 gives the usual stature.
        proportions: 0 ideal, 1 uncommon.
        cup: breast size.
        race: shares of MakeHuman's three face and body types.
    """

    gender: float = 0.5
    age: float = 0.25
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.37
    proportions: float = 0.5
    cup: float = 0.5
    race: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3)

    def shares(self) -> dict[str, float]:
        """Share of each named extreme; a target counts with the product of its names' shares."""
        return {
            **dict(zip(GENDERS, (1 - self.gender, self.gender), strict=True)),
            **dict(zip(AGES, (1 - self.age, self.age), strict=True)),
            **dict(zip(MUSCLES, _three_anchors(self.muscle), strict=True)),
            **dict(zip(WEIGHTS, _three_anchors(self.weight), strict=True)),
            **dict(zip(HEIGHTS, (1 - self.height, self.height), strict=True)),
            **dict(zip(PROPORTIONS, (1 - self.proportions, self.proportions), strict=True)),
            **dict(zip(CUPS, _three_anchors(self.cup)[::2], strict=True)),
            **dict(zip(RACES, self.race, strict=True)),
        }


def _three_anchors(value: float) -> tuple[float, float, float]:
    """Linear between anchors at 0, 1/2 and 1."""
    return max(0.0, 1 - 2 * value), 1 - abs(2 * value - 1), max(0.0, 2 * value - 1)


class Morphs:
    """The targets that exist, stacked.

    Args:
        folder: MakeHuman's data.
        count: number of vertices of the base mesh.
    """

    def __init__(self, folder: Path, count: int) -> None:
        found = [(path, names) for path, names in _candidates(folder / "targets") if path.exists()]
        self._names = [names for _, names in found]
        self._offsets = np.stack([read_target(path, count).ravel() for path, _ in found])

    def __len__(self) -> int:
        return len(self._names)

    def offsets(self, person: Phenotype) -> np.ndarray:
        """(n, 3) decimetres to add to the base mesh."""
        shares = person.shares()
        each = np.array([np.prod([shares[name] for name in names]) for names in self._names])
        return (each @ self._offsets).reshape(-1, 3)


def _candidates(targets: Path) -> list[tuple[Path, tuple[str, ...]]]:
    macro, found = targets / "macrodetails", []
    for gender, age in product(GENDERS, AGES):
        for race in RACES:
            found.append((macro / f"{race}-{gender}-{age}.target.gz", (gender, age, race)))
        for muscle, weight in product(MUSCLES, WEIGHTS):
            names = (gender, age, muscle, weight)
            stem = "-".join(names)
            found.append((macro / f"universal-{stem}.target.gz", names))
            for folder, extremes in (("height", HEIGHTS), ("proportions", PROPORTIONS)):
                for extreme in extremes:
                    path = macro / folder / f"{stem}-{extreme}.target.gz"
                    found.append((path, (*names, extreme)))
            if gender == "female":
                for cup in CUPS:
                    path = targets / "breast" / f"{stem}-{cup}-averagefirmness.target.gz"
                    found.append((path, (*names, cup)))
    return found


def draw_population(size: int, rng: np.random.Generator) -> list[Phenotype]:
    """Adults, one in four between the genders; the spreads give statures like people's."""
    return [_draw(rng, between=index % 4 == 0) for index in range(size)]


def _draw(rng: np.random.Generator, *, between: bool) -> Phenotype:
    def bell(mean: float, deviation: float) -> float:
        return float(np.clip(rng.normal(mean, deviation), 0, 1))

    return Phenotype(
        gender=float(rng.uniform()) if between else float(rng.integers(2)),
        age=float(rng.beta(1, 2.5)),
        muscle=bell(0.5, 0.22),
        weight=bell(0.5, 0.22),
        height=bell(0.37, 0.065),
        proportions=bell(0.5, 0.25),
        cup=bell(0.5, 0.2),
        race=tuple(rng.dirichlet([1.0, 1.0, 1.0]).tolist()),
    )
