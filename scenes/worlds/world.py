"""A world: a room, the objects in it with their poses over time, a camera, a light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from scenes.worlds.camera_paths import KINDS, CameraPose
from scenes.worlds.motion import MOTIONS, FloorPose, Motion
from scenes.worlds.objects.families import FAMILIES
from scenes.worlds.objects.palette import COLOURS
from scenes.worlds.objects.primitives import Primitive, Vector
from scenes.worlds.objects.textures import OBJECT_PATTERNS, Texture

SIZES = ("free", "natural")


@dataclass(frozen=True)
class WorldConfig:
    """The distribution of worlds. All clips of one config have the same height, width (pixels) and frame count."""

    height: int = 64
    width: int = 64
    frames: int = 4
    objects: Sequence[int] = (3, 8)
    families: Sequence[str] = tuple(FAMILIES)
    colours: Sequence[str] = COLOURS
    patterns: Sequence[str] = OBJECT_PATTERNS  # of objects
    motion: bool = False  # whether objects may move
    movers: float = 0.5  # share of the objects on the floor that move, if `motion` is set
    motions: Sequence[str] = tuple(MOTIONS)
    cameras: Sequence[str] = KINDS
    hfov_deg: Sequence[float] = (40.0, 75.0)
    intervals: Sequence[float] = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between frames, one a clip
    interval_range: Sequence[float] | None = None  # seconds, from which intervals are drawn log-uniformly instead
    interval_gap: Sequence[float] | None = None  # seconds within this range that are not drawn for a clip
    irregular: float = 0.2  # share of clips whose intervals vary by half
    sizes: str = "free"  # "free": whatever fits the view; "natural": the size of the family, within a tenth
    rescale: Sequence[float] = (
        0.5,
        1.6,
    )  # of whole worlds, log-uniform; (1, 1) with natural sizes: metres are visible
    noise: float = 0.02  # largest standard deviation of the sensor noise, of full scale

    def __post_init__(self) -> None:
        for entry in fields(self):  # lists of a configuration file become tuples
            if isinstance(getattr(self, entry.name), Sequence) and not isinstance(getattr(self, entry.name), str):
                object.__setattr__(self, entry.name, tuple(getattr(self, entry.name)))
        for what, chosen, known in (
            ("families", self.families, tuple(FAMILIES)),
            ("colours", self.colours, COLOURS),
            ("patterns", self.patterns, OBJECT_PATTERNS),
            ("motions", self.motions, tuple(MOTIONS)),
            ("cameras", self.cameras, KINDS),
        ):
            strange = [name for name in chosen if name not in known]
            if strange or not chosen:
                raise ValueError(f"{what} must be some of {', '.join(known)}; got {', '.join(strange) or 'none'}")
        if self.sizes not in SIZES:
            raise ValueError(f"sizes must be one of {', '.join(SIZES)}; got {self.sizes}")
        if (given := self.interval_range) is not None and not (len(given) == 2 and 0 < given[0] < given[1]):
            raise ValueError(f"interval_range must be (shortest, longest) in seconds, above 0, got {given}")
        if (gap := self.interval_gap) is not None and not (
            given is not None and len(gap) == 2 and given[0] < gap[0] < gap[1] < given[1]
        ):
            raise ValueError(
                f"interval_gap must be (from, to) in seconds, strictly within interval_range, got {gap} and {given}"
            )
        if not 1 <= self.objects[0] <= self.objects[1] <= 254:
            raise ValueError(f"objects must be (fewest, most) between 1 and 254, got {self.objects}")
        if min(self.height, self.width, self.frames) < 1:
            raise ValueError(
                f"a clip needs pixels and frames, got {self.height}x{self.width} pixels and {self.frames} frames"
            )


@dataclass(frozen=True)
class WorldObject:
    """A rigid composite. Primitives lie in its frame, whose origin is the centre of its box and whose z points up."""

    family: str
    colour: str
    size: Vector  # full extents of its tight box, metres
    primitives: tuple[Primitive, ...]
    textures: tuple[Texture, ...]  # one for each primitive
    start: FloorPose
    bottom: float  # height of its lowest point above the floor
    motion: Motion

    def at(self, u: float) -> FloorPose:
        """Evaluate its floor pose at normalised time u (0 first frame, 1 last)."""
        return self.motion.pose(self.start, u)

    def world_T_obj(self, moments: Sequence[float]) -> list[list[list[float]]]:
        """Build its pose at each normalised time."""
        height, poses = self.bottom + self.size[2] / 2, []
        for x, y, yaw in (self.at(u) for u in moments):
            c, s = math.cos(yaw), math.sin(yaw)
            poses.append([[c, -s, 0.0, x], [s, c, 0.0, y], [0.0, 0.0, 1.0, height], [0.0, 0.0, 0.0, 1.0]])
        return poses

    def speed(self, seconds: Sequence[float], u: float) -> float:
        """Evaluate its speed (m/s) at normalised time u of a clip with these timestamps."""
        span = seconds[-1] - seconds[0]
        return self.motion.length * self.motion.rate(u) / span if span else 0.0

    @property
    def moves(self) -> bool:
        """Whether it moves at any time."""
        return self.motion.kind != "rest"

    @property
    def radius(self) -> float:
        """Radius of its bounding cylinder, vertical and around its origin."""
        return 0.5 * math.hypot(self.size[0], self.size[1])


@dataclass(frozen=True)
class World:
    """One scene over time, in metres: z up, floor at z = 0, the room spans +-room/2 in x and y."""

    seed: int
    config: WorldConfig
    room: Vector
    surfaces: tuple[Texture, ...]  # walls at -x, +x, -y, +y, floor, ceiling
    objects: tuple[WorldObject, ...]
    seconds: tuple[float, ...]
    cameras: tuple[CameraPose, ...]  # one for each frame
    hfov_deg: float
    light: Vector
    warmth: float  # 0 cool to 1 warm light
    noise: float

    @property
    def moments(self) -> tuple[float, ...]:
        """Normalised time of each frame."""
        return normalised(self.seconds)


def normalised(seconds: Sequence[float]) -> tuple[float, ...]:
    """Map timestamps to 0 at the first and 1 at the last frame."""
    span = seconds[-1] - seconds[0]
    return tuple((s - seconds[0]) / span if span else 0.0 for s in seconds)


def rescale(world: World, factor: float) -> World:
    """Scale all lengths of a world, but no times or angles."""

    def vector(v: Vector) -> Vector:
        return (factor * v[0], factor * v[1], factor * v[2])

    def texture(t: Texture) -> Texture:
        return replace(t, frequency=t.frequency / factor)

    def scaled(o: WorldObject) -> WorldObject:
        return replace(
            o,
            size=vector(o.size),
            primitives=tuple(p.moved(factor, (0.0, 0.0, 0.0)) for p in o.primitives),
            textures=tuple(texture(t) for t in o.textures),
            start=FloorPose(factor * o.start.x, factor * o.start.y, o.start.yaw),
            bottom=factor * o.bottom,
            motion=replace(o.motion, length=factor * o.motion.length, curvature=o.motion.curvature / factor),
        )

    return replace(
        world,
        room=vector(world.room),
        surfaces=tuple(texture(t) for t in world.surfaces),
        objects=tuple(scaled(o) for o in world.objects),
        cameras=tuple(CameraPose(vector(c.position), vector(c.target)) for c in world.cameras),
        light=vector(world.light),
    )
