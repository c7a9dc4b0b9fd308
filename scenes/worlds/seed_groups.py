"""Which object of which world each seed takes.

A seed wants an object that is as occluded as its bin says, and a world must be drawn before anyone knows how occluded
its objects are. So worlds are drawn until they hold what is wanted. Seeds come in groups that share worlds, because one
world often serves several seeds: a group draws its world number 0, 1, 2, ... in turn, and each seed that still waits
takes an object that fits its bin and that no other seed of the group has (`take`). Seeds that wait after the last world
take the most occluded objects that are left (`settle`). Worlds are numbered by group, so that no group depends on
another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scenes.worlds.world import World
from scenes.worlds.world_random import WorldRandom

MAX_WORLDS = 24  # drawn for one group

Bin = tuple[float, float]  # least and most occluded share of the silhouette


@dataclass(frozen=True)
class ObjectDraw:
    """The object of a world that a seed takes; `rng` is the seed's own and goes on from here."""

    seed: int
    world: World
    index: int
    rng: WorldRandom


@dataclass
class SeedGroup:
    """Seeds that share worlds: those that wait for an object, with their bins, and what the others took."""

    number: int
    most_occluded: float  # no seed takes an object with a larger share
    waiting: dict[int, tuple[WorldRandom, Bin]]
    taken: dict[int, ObjectDraw] = field(default_factory=dict)
    left_over: list[tuple[float, int, int, World]] = field(default_factory=list)  # occluded, world seed, index

    @classmethod
    def begin(cls, number: int, seeds: range, bins: Sequence[Sequence[float]]) -> SeedGroup:
        """Draw the bin of each seed; without bins any object will do."""
        waiting: dict[int, tuple[WorldRandom, Bin]] = {}
        for seed in seeds:
            rng = WorldRandom(seed)
            least, most = rng.choice(bins) if bins else (0.0, 1.0)
            waiting[seed] = rng, (least, most)
        return cls(number, bins[-1][1] if bins else 1.0, waiting)

    def world_seed(self, attempt: int) -> int:
        """Number the worlds of all groups consecutively."""
        return self.number * MAX_WORLDS + attempt

    def take(self, world: World, shares: Sequence[tuple[int, float]]) -> None:
        """Give each waiting seed an object of this world in its bin, if there is one left.

        `shares` are (object, occluded share) of the objects that are large enough.
        """
        free = {index: occluded for index, occluded in shares if occluded < self.most_occluded}
        for seed, (rng, (least, most)) in list(self.waiting.items()):
            fits = [index for index, occluded in free.items() if least <= occluded < most]
            if fits:
                self._take(seed, world, rng.choice(fits), rng)
                del free[self.taken[seed].index]
        self.left_over += [(occluded, world.seed, index, world) for index, occluded in free.items()]

    def settle(self, smallest: float) -> None:
        """Give each seed that still waits the most occluded object that is left.

        Raises ValueError, which names `smallest` (share of the image), where none is left.
        """
        for seed, (rng, _) in list(self.waiting.items()):
            if not self.left_over:
                raise ValueError(
                    f"none of {MAX_WORLDS} sampled worlds has an object covering {100 * smallest:.1f} % of the image; "
                    "lower `smallest`"
                )
            most = max(self.left_over, key=lambda one: one[:3])
            self.left_over.remove(most)
            self._take(seed, most[3], most[2], rng)

    def _take(self, seed: int, world: World, index: int, rng: WorldRandom) -> None:
        self.taken[seed] = ObjectDraw(seed, world, index, rng)
        del self.waiting[seed]
