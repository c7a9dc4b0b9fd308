"""Draws the pictures of docs/concepts.md from a procedural world: python docs/images/draw_concepts.py [FOLDER]."""

from __future__ import annotations

import base64
import io
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from distill.teachers.expert import SHIPPED, load_expert
from models.geometry import PointMap, SceneNormalizer, facing_T_world, transform, transform_points
from probes.extractors.noise import Noise
from scenes.clip import Clip
from scenes.questions import region_of
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.preview import depth_colours, flow_colours

WORLD = WorldConfig(
    height=96,
    width=128,
    frames=4,
    objects=(3, 5),
    motion=True,
    movers=1.0,
    cameras=("orbit", "travel"),
    irregular=1.0,
    sizes="natural",
    rescale=(1.0, 1.0),
)
SEED = 20_000_043  # no shipped checkpoint was trained on worlds from 20,000,000 on
AXES = ("#d53c00", "#2a8f3c", "#2f62c9")  # x, y, z
REGIONS = ((230, 85, 13), (49, 130, 189))
SIGMAS = (0.0, 0.25, 0.5, 0.75, 1.0)
STYLE = (
    "text{font:17px Helvetica,Arial,sans-serif;fill:#1b1f24}.s{font-size:14.5px;fill:#57606a}.m{text-anchor:middle}"
    "path,line,rect{fill:none}.p{stroke-width:4;stroke-linecap:round}.a{stroke-width:2}.l{stroke:#57606a}"
    ".b{fill:#eef3f8;stroke:#4e79a7}"
)


class Svg:
    """A picture of a width and height in pixels, to which parts are added."""

    def __init__(self, title: str, width: int, height: int) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f"<title>{title}</title><style>{STYLE}</style>"
            '<marker id="t" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" style="fill:#57606a"/></marker>'
            f'<rect width="{width}" height="{height}" style="fill:#fff"/>'
        ]

    def text(self, x: float, y: float, words: str, kind: str = "m") -> None:
        """Write words; `kind` is a class of STYLE: m for centred, s for small."""
        self.parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}">{words}</text>')

    def picture(self, x: float, y: float, width: float, pixels: Float[Tensor, "3 height width"]) -> None:
        """Place a picture with values from 0 to 1."""
        array = rearrange((255 * pixels.clamp(0, 1)).round().to(torch.uint8), "c h w -> h w c").numpy()
        file = io.BytesIO()
        Image.fromarray(array).save(file, "WEBP", quality=55, method=6)
        data, height = base64.b64encode(file.getvalue()).decode(), width * pixels.shape[1] / pixels.shape[2]
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self.parts.append(f'<image {place} href="data:image/webp;base64,{data}"/>')

    def arrow(self, *points: tuple[float, float]) -> None:
        """Draw an arrow through points."""
        path = "L".join(f"{x:g} {y:g}" for x, y in points)
        self.parts.append(f'<path class="l" marker-end="url(#t)" d="M{path}"/>')

    def box(self, x: float, y: float, width: float, height: float, *words: str) -> None:
        """Draw a box with lines of words in its middle."""
        self.parts.append(f'<rect class="b" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>')
        for k, line in enumerate(words):
            self.text(
                x + width / 2, y + height / 2 + 6 + 19 * (k - (len(words) - 1) / 2), line, "m" if k == 0 else "m s"
            )

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_text("".join(self.parts) + "</svg>\n", encoding="utf-8")


class View:
    """An orthographic view of points (z up) from an azimuth and elevation, fitted into a panel of a picture."""

    def __init__(self, svg: Svg, panel: tuple[float, float, float, float], azimuth_deg: float, shown: Tensor) -> None:
        self.svg, a, e = svg, math.radians(azimuth_deg), math.radians(32)
        self.rows = torch.tensor(
            [
                [math.cos(a), math.sin(a), 0],
                [math.sin(a) * math.sin(e), -math.cos(a) * math.sin(e), -math.cos(e)],
            ]
        )
        flat = shown @ self.rows.T
        low, high = flat.amin(0), flat.amax(0)
        x, y, width, height = panel
        self.scale = float((torch.tensor([width, height]) / (high - low)).min())
        self.shift = torch.tensor([x + width / 2, y + height / 2]) - self.scale * (low + high) / 2

    def flat(self, points: Float[Tensor, "point 3"]) -> list[list[float]]:
        """Project points to pixels of the picture."""
        return [
            [round(value, 1) for value in point] for point in (self.scale * points @ self.rows.T + self.shift).tolist()
        ]

    def dots(self, xyz: Float[Tensor, "point 3"], rgb: Float[Tensor, "point 3"]) -> None:
        """Draw points, in a few colours: one path each."""
        paths: dict[str, str] = {}
        for (x, y), colour in zip(self.flat(xyz), (rgb * 7).round().long().tolist(), strict=True):
            name = "#" + "".join(f"{round(level * 255 / 7):02x}" for level in colour)
            paths[name] = paths.get(name, "") + f"M{x:.0f} {y:.0f}h0"
        self.svg.parts += [f'<path class="p" stroke="{name}" d="{path}"/>' for name, path in paths.items()]

    def axes(
        self, world_T_a: Float[Tensor, "4 4"], length: float, name: str = "", side: str = "middle", up: float = -15
    ) -> None:
        """Draw the axes of a frame, x red, y green, z blue, and its name `up` pixels above its origin."""
        ends = torch.cat([torch.zeros(1, 3), length * torch.eye(3)])
        origin, *tips = self.flat(transform_points(ends, world_T_a))
        for tip, colour in zip(tips, AXES, strict=True):
            path = f"M{origin[0]:g} {origin[1]:g}L{tip[0]:g} {tip[1]:g}"
            self.svg.parts.append(f'<path class="a" stroke="{colour}" d="{path}"/>')
        place = f'style="text-anchor:{side}" x="{origin[0]:g}" y="{origin[1] - up:g}"'
        if name:
            self.svg.parts.append(f'<text class="s" {place}>{name}</text>')

    def lines(self, ends: Float[Tensor, "line 2 3"]) -> None:
        """Draw lines."""
        flat = self.flat(ends.flatten(0, 1))
        path = "".join(f"M{a[0]:g} {a[1]:g}L{b[0]:g} {b[1]:g}" for a, b in zip(flat[::2], flat[1::2], strict=True))
        self.svg.parts.append(f'<path class="l" d="{path}"/>')


def points_of(clip: Clip, frames: Sequence[int], step: int) -> tuple[PointMap, Float[Tensor, "point 3"]]:
    """Take every `step`-th point of some frames in the world, and their colours."""
    world = clip.points()
    assert world is not None
    index = torch.tensor(list(frames))
    thin = PointMap(world.xyz[index, ::step, ::step], world.valid[index, ::step, ::step], "world")
    return thin, rearrange(clip.video[index] / 255, "t c h w -> t h w c")[:, ::step, ::step][thin.valid]


def draw_point_map(clip: Clip) -> Svg:
    """Draw a frame, its depth, and the points that both make."""
    svg = Svg("A frame and its depth become a point map: one 3D point for each pixel", 720, 206)
    assert clip.depth is not None
    assert clip.world_T_cam is not None
    near, far = clip.depth[0].aminmax()
    svg.picture(10, 30, 220, clip.video[0] / 255)
    svg.picture(240, 30, 220, depth_colours(clip.depth[:1])[0])
    for x, words in ((120, "colour"), (350, f"depth: {near:.1f} to {far:.1f} m"), (592, "points, from the side")):
        svg.text(x, 20, words)
    points, rgb = points_of(clip, [0], 4)
    xyz = points.xyz[points.valid]
    camera = clip.world_T_cam[0]
    view = View(svg, (488, 34, 224, 156), azimuth_of(camera[:3, 2]) + 48, torch.cat([xyz, camera[None, :3, 3]]))
    view.dots(xyz, rgb)
    view.axes(camera, 0.12 * float(near + far), "camera", "start", 16)
    return svg


def draw_frames(clip: Clip) -> Svg:
    """Draw the frames of a world, and the canonical frame of the same scene."""
    svg = Svg("The frames of a world: world, cameras, object; and its canonical frame", 720, 350)
    assert clip.world_T_cam is not None
    assert clip.truth is not None
    cameras, objects, last = clip.world_T_cam, clip.truth.world_T_obj, len(clip) - 1
    mover = int((objects[last, :, :3, 3] - objects[0, :, :3, 3]).norm(dim=-1).argmax())
    points, rgb = points_of(clip, [0], 5)
    xyz = points.xyz[points.valid]
    svg.text(176, 20, "world: metres, z up")
    shown = torch.cat([xyz, cameras[:, :3, 3], torch.zeros(1, 3)])
    view = View(svg, (36, 34, 310, 276), azimuth_of(cameras[0, :3, 2]) + 48, shown)
    view.dots(xyz, 0.4 + 0.6 * rgb)
    size = float((xyz.amax(0) - xyz.amin(0)).max())
    view.axes(torch.eye(4), 0.16 * size, "world", "end", 30)
    for frame, pose in enumerate(cameras):
        view.axes(pose, 0.08 * size, "cameras" if frame == 0 else "", "start", 16)
    for frame, up in ((0, 42), (last, -22)):
        view.axes(objects[frame, mover], 0.1 * size, f"object, {clip.seconds[frame]:.1f} s", "start", up)
    turn = facing_T_world(cameras[0])
    points, rgb = points_of(clip, range(len(clip)), 9)
    turned = transform(points, turn, "world")
    normalizer = SceneNormalizer.fit(turned)
    canonical = normalizer.apply(turned)
    cube = torch.cartesian_prod(*3 * [torch.tensor([-1.0, 1.0])])
    edges = [torch.stack([p, q]) for p in cube for q in cube if (p < q).sum() == 1 and (p != q).sum() == 1]
    svg.text(540, 20, "canonical: in [-1, 1]")
    view = View(svg, (384, 34, 320, 276), 62, cube)
    inside = canonical.valid & (canonical.xyz.abs() < 1.2).all(-1)
    view.lines(torch.stack(edges))
    view.dots(canonical.xyz[inside], 0.4 + 0.6 * rgb[inside[canonical.valid]])
    first = normalizer.map_pose(turn @ cameras[0])
    first[:3, :3] *= normalizer.scale
    view.axes(first, 0.3, "first camera", up=-22)
    view.axes(torch.eye(4), 0.3, "origin", "start", 32)
    svg.text(360, 340, "x red, y green, z blue; cameras: x right, y down, z forward", "m s")
    return svg


def draw_regions_and_times(clip: Clip) -> Svg:
    """Draw two regions on the frames of a clip, and the frames on a time axis."""
    svg = Svg("Two regions, masks on every frame that shows them; the frames at their real times", 720, 232)
    assert clip.truth is not None
    sizes = [int((clip.truth.instances == k + 1).sum()) for k in range(len(clip.truth.objects))]
    chosen = sorted(range(len(sizes)), key=lambda k: -sizes[k])[:2]
    regions = [region_of(clip, k) for k in chosen]
    span = float(clip.seconds[-1])
    svg.parts.append('<line class="l" x1="90" y1="200" x2="630" y2="200"/>')
    for frame, picture in enumerate(clip.video / 255):
        for region, colour in zip(regions, REGIONS, strict=True):
            if frame in region.masks:
                tint = torch.tensor(colour)[:, None, None] / 255
                picture = torch.where(region.masks[frame], 0.35 * picture + 0.65 * tint, picture)
        x, tick = 10 + 177 * frame, 90 + 540 * float(clip.seconds[frame]) / span
        svg.picture(x, 8, 168, picture)
        svg.arrow((x + 84, 136), (x + 84, 150), (tick, 182), (tick, 198))
        svg.text(tick, 221, f"{clip.seconds[frame]:.2f} s", "m s")
    for k, colour in enumerate(REGIONS):
        svg.parts.append(
            f'<text x="14" y="{170 + 20 * k}" fill="rgb{colour}" style="fill:rgb{colour}">region {k}</text>'
        )
    return svg


def draw_distillation(clip: Clip) -> Svg:
    """Draw a student beside its teacher, and what the shipped expert perceives in a clip."""
    svg = Svg("Perceptual 4D distillation: a student learns from what a frozen 4D expert perceives", 720, 334)
    expert = load_expert(SHIPPED)
    size, frames = expert.spec.size, expert.spec.frames
    config = WorldConfig(
        height=size, width=size, frames=frames, motion=True, movers=1.0, sizes="natural", rescale=(1.0, 1.0)
    )
    (square,) = render([make_world(SEED, config)], "cpu", signals=())
    seen = expert.decode(expert.encode(square.video[None]))
    middle = frames // 2
    svg.picture(14, 122, 84, square.video[middle] / 255)
    svg.text(56, 226, "RGB frames", "m s")
    svg.box(140, 14, 176, 62, "student: SR-3D", "with timestamps")
    svg.box(140, 134, 176, 58, "decoder", "in training only")
    svg.box(140, 248, 176, 62, "4D expert", "frozen")
    svg.arrow((98, 140), (118, 140), (118, 45), (138, 45))
    svg.arrow((98, 190), (118, 190), (118, 279), (138, 279))
    svg.arrow((316, 45), (560, 45))
    svg.text(570, 51, "answer", "")
    svg.arrow((228, 76), (228, 132))
    svg.text(238, 110, "hidden states of visual tokens", "s")
    for y in (163, 279):
        svg.arrow((316, y), (334, y))
        svg.text(366, y + 6, "latents")
        svg.arrow((398, y), (514, y))
        svg.text(453, y - 7, "frozen heads", "m s")
    svg.text(614, 169, "signals")
    svg.arrow((366, 264), (366, 178))
    svg.text(374, 224, "latent loss", "s")
    svg.arrow((614, 240), (614, 180))
    svg.text(622, 216, "explicit loss", "s")
    panels = {
        "depth": depth_colours(seen["depth"][0, :, 0].exp())[middle],
        "flow": flow_colours(seen["flow"][0])[middle],
        "motion": (seen["motion"][0, middle] > 0).float().expand(3, -1, -1),
    }
    for k, (name, panel) in enumerate(panels.items()):
        svg.picture(518 + 66 * k, 246, 62, panel)
        svg.text(549 + 66 * k, 324, name, "m s")
    return svg


def draw_noise(clip: Clip) -> Svg:
    """Draw a frame at five noise levels."""
    svg = Svg("A frame at noise levels from 0 to 1", 720, 142)
    clean = torch.nn.functional.avg_pool2d(clip.video[0] / 127.5 - 1, 2)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for k, sigma in enumerate(SIGMAS):
        signal, strength = Noise(sigma).coefficients()
        svg.picture(10 + 142 * k, 10, 132, 0.5 + 0.5 * (signal * clean + strength * noise))
        svg.text(76 + 142 * k, 132, f"sigma = {sigma:g}")
    return svg


def azimuth_of(forward: Float[Tensor, "3"]) -> float:
    """Measure the direction of a view from above, degrees; 0 looks along +y."""
    return math.degrees(math.atan2(-float(forward[0]), float(forward[1])))


def main(folder: Path) -> None:
    """Write all pictures."""
    (clip,) = render([make_world(SEED, WORLD)], "cpu", signals=())
    pictures = {
        "point_map": draw_point_map,
        "frames": draw_frames,
        "regions_and_times": draw_regions_and_times,
        "distillation": draw_distillation,
        "noise_levels": draw_noise,
    }
    for name, draw in pictures.items():
        draw(clip).write(folder / f"{name}.svg")
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
