"""The points of a clip over time as one HTML file of viser: no server, no request."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import transform_points, unproject
from models.lifting.export import to_trimesh
from models.lifting.inputs.boxed_object import object_in_box
from models.lifting.meshes.mesh import ColouredMesh
from models.regions import Region
from models.regions.drawing import region_colour
from models.sr3d.text.mentions import mention
from scenes.clip import Clip

try:
    import rich
    import viser
    import viser.transforms
except ImportError as error:
    raise ImportError("points to turn need viser; pip install 'region4d[app]'") from error

MOST_POINTS = 12_000  # of one frame
STEP_SECONDS = (0.15, 1.0)  # shortest and longest time that a frame is shown
TINT = 0.6  # share of the colour of its region that a point takes
TRIM = 0.02  # share of the points of a region that its box leaves out at each side
FEWEST = 8  # points of a region that has a box
FADED, FADED_CONTRAST = 90, 0.75  # the points around a mesh: value of their black, and what is left of their contrast
CAMERA, OTHER_CAMERA, LINE = (213, 60, 0), (150, 150, 150), (230, 20, 120)
DARK = "matchMedia('(prefers-color-scheme: dark)')"  # a frame may hear of it after its page has started
_EDGES = [(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (4, 6), (5, 7), (6, 7)]


@dataclass(frozen=True)
class SceneLine:
    """A straight line in a scene, with its label. `frame` is the one frame that shows it; None: all do."""

    ends: Float[Tensor, "2 3"]
    label: str
    frame: int | None = None


def scene_html(clip: Clip, regions: Sequence[Region] = (), line: SceneLine | None = None) -> str:
    """Write the points of every frame, the regions in them with boxes and labels, a line, and the cameras.

    A slider plays the frames. Points are in the world where poses are known, else each frame in its camera. A region
    is coloured; of one that is a box, the object that stands out from the room (`object_in_box`), all of it where
    nothing does. The box of a region in space is along the axes and leaves out the outermost of these points at each
    side.

    Raises:
        ValueError: the clip has no depth, or no pixel has depth.
    """
    points = clip.points()
    if points is None or not bool(points.valid.any()):
        raise ValueError("this footage has no depth, so there are no points to show")

    def add(server: viser.ViserServer) -> Callable[[int], None]:
        _place_camera(server, clip, points.xyz[points.valid])
        cameras = _add_cameras(server, clip, points.xyz, points.valid)
        nodes = [_add_frame(server, clip, regions, frame, points.xyz, points.valid) for frame in range(len(clip))]
        if line is not None:
            _add_line(server, line)

        def show(frame: int) -> None:
            for other, node in enumerate(nodes):
                node.visible = other == frame
            for other, camera in enumerate(cameras):
                camera.color = CAMERA if other == frame else OTHER_CAMERA

        return show

    return write_scene(clip.seconds, add)


def lifted_html(clip: Clip, mask: Bool[Tensor, "height width"], mesh: ColouredMesh) -> str:
    """Write a mesh among the faded points of its frame, those under the mask left out; the mesh is in the camera.

    Args:
        clip: of one frame.
        mask: the pixels of the object.
        mesh: the object, in the axes of the camera.

    Raises:
        ValueError: the clip has no depth.
    """
    points = clip.points()
    if points is None:
        raise ValueError("this footage has no depth, so there are no points to show")
    rest = points.valid & ~mask
    grey = clip.video.float().mean(1, keepdim=True)
    faded = replace(clip, video=(FADED + (1 - FADED / 255) * FADED_CONTRAST * grey).byte().expand(-1, 3, -1, -1))
    vertices = mesh.vertices if clip.world_T_cam is None else transform_points(mesh.vertices, clip.world_T_cam[0])

    def add(server: viser.ViserServer) -> Callable[[int], None]:
        _place_camera(server, clip, vertices, back=-0.2, above=0.25)
        _add_cameras(server, clip, points.xyz, points.valid)
        _add_frame(server, faded, (), 0, points.xyz, rest)
        placed = ColouredMesh(vertices, mesh.faces, mesh.colours)
        server.scene.add_mesh_trimesh("/mesh", to_trimesh(placed))
        return lambda _frame: None

    return write_scene(clip.seconds, add)


def write_scene(seconds: Float[Tensor, "time"], add: Callable[[viser.ViserServer], Callable[[int], None]]) -> str:
    """Write a scene as one page. `add` adds its nodes, and returns what shows one frame alone; a slider plays them."""
    console = rich.get_console()  # viser says there that its server stopped
    spoken, console.quiet = console.quiet, True
    server = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)  # nobody connects; only its writer is used
    try:
        show = add(server)
        writer = server.get_scene_serializer()
        for frame, wait in enumerate(_durations(seconds)):
            show(frame)
            if len(seconds) > 1:
                writer.insert_sleep(wait)
        text: str = writer.as_html()
    finally:
        server.stop()
        console.quiet = spoken
    text = text.replace("={darkMode:false}", f"={{darkMode:{DARK}.matches}}")
    return text.replace("</head>", f"<script>{DARK}.onchange = () => location.reload()</script></head>", 1)


def scene_frame(page: str, title: str) -> str:
    """Put the page of a scene into a frame that may run scripts and nothing else."""
    return (
        f'<iframe class="r4d-scene" title="{html.escape(title)}" sandbox="allow-scripts" '
        f'srcdoc="{html.escape(page)}"></iframe>'
    )


def _durations(seconds: Float[Tensor, "time"]) -> list[float]:
    gaps = seconds.diff().tolist()
    shortest, longest = STEP_SECONDS
    return [min(longest, max(shortest, gap)) for gap in (*gaps, gaps[-1] if gaps else longest)]


def _add_frame(
    server: viser.ViserServer,
    clip: Clip,
    regions: Sequence[Region],
    frame: int,
    xyz: Float[Tensor, "time height width 3"],
    valid: Bool[Tensor, "time height width"],
) -> viser.SceneNodeHandle:
    name = f"/frame {frame}"
    parent = server.scene.add_frame(name, show_axes=False)
    rgb = rearrange(clip.video[frame], "c h w -> h w c").float()
    for k, region in enumerate(regions):
        if frame in region.masks:
            colour = torch.tensor(region_colour(k), dtype=torch.float)
            pixels = _object_pixels(clip, frame, region.masks[frame])
            rgb = torch.where(pixels[..., None], rgb + TINT * (colour - rgb), rgb)
            always = "" if len(region.masks) == 1 else name  # a box of one frame stays while the others play
            _add_region(server, f"{always}/region {k}", k, xyz[frame][pixels & valid[frame]])
    step = max(1, math.ceil(math.sqrt(valid[frame].numel() / MOST_POINTS)))
    kept = valid[frame][::step, ::step]
    places = xyz[frame][::step, ::step][kept]
    server.scene.add_point_cloud(
        f"{name}/points",
        places.numpy().astype(np.float32),
        rgb[::step, ::step][kept].byte().numpy(),
        point_size=_spacing(places, step * _pixel(clip, frame), clip, frame),
        point_shape="square",
        point_shading="flat",
        precision="float32",
    )
    return parent


def _object_pixels(clip: Clip, frame: int, mask: Bool[Tensor, "height width"]) -> Bool[Tensor, "height width"]:
    """Take the object that stands out in a box; all of it where nothing does, and of any mask that is no box."""
    assert clip.depth is not None
    assert clip.intrinsics is not None
    if not torch.equal(mask, mask.any(1)[:, None] & mask.any(0)):
        return mask
    try:
        return object_in_box(mask, unproject(clip.depth[frame], clip.intrinsics[frame]))
    except ValueError:
        return mask


def _pixel(clip: Clip, frame: int) -> float:
    """Measure the angle of a pixel, as a slope."""
    assert clip.intrinsics is not None
    return 1 / float(clip.intrinsics[frame, 0, 0])


def _spacing(places: Float[Tensor, "point 3"], slope: float, clip: Clip, frame: int) -> float:
    """Measure how far apart the points lie, at their median distance."""
    if not len(places):
        return 0.01
    camera = torch.zeros(3) if clip.world_T_cam is None else clip.world_T_cam[frame, :3, 3]
    return float((places - camera).norm(dim=-1).median()) * slope


def _add_region(server: viser.ViserServer, name: str, k: int, places: Float[Tensor, "point 3"]) -> None:
    """Draw a box around the points of a region, with its label."""
    if len(places) < FEWEST:
        return
    low, high = places.quantile(TRIM, dim=0).numpy(), places.quantile(1 - TRIM, dim=0).numpy()
    corners = np.array(
        [[(low, high)[i][0], (low, high)[j][1], (low, high)[m][2]] for i in (0, 1) for j in (0, 1) for m in (0, 1)]
    )
    server.scene.add_line_segments(
        f"{name}/box", corners[np.array(_EDGES)], region_colour(k), thickness=2.0, thickness_units="screen"
    )
    top = corners.mean(0)
    top[2] = high[2]
    server.scene.add_label(f"{name}/label", mention(k), position=top, anchor="bottom-center")


def _add_line(server: viser.ViserServer, line: SceneLine) -> None:
    name = "/line" if line.frame is None else f"/frame {line.frame}/line"
    ends = line.ends.numpy().astype(np.float32)
    server.scene.add_line_segments(f"{name}/line", ends[None], LINE, thickness=4.0, thickness_units="screen")
    server.scene.add_label(f"{name}/label", line.label, position=ends.mean(0), anchor="bottom-center")


def _add_cameras(
    server: viser.ViserServer,
    clip: Clip,
    xyz: Float[Tensor, "time height width 3"],
    valid: Bool[Tensor, "time height width"],
) -> list[viser.CameraFrustumHandle]:
    assert clip.intrinsics is not None
    height, width = clip.size
    away = float((xyz[valid] - xyz[valid].median(0).values).norm(dim=-1).median())
    poses = torch.eye(4).expand(len(clip), 4, 4) if clip.world_T_cam is None else clip.world_T_cam
    return [
        server.scene.add_camera_frustum(
            f"/camera {frame}",
            2 * math.atan(height / 2 / float(clip.intrinsics[frame, 1, 1])),
            width / height,
            scale=0.07 * away,
            thickness=2.0,
            thickness_units="screen",
            color=OTHER_CAMERA,
            wxyz=viser.transforms.SO3.from_matrix(pose[:3, :3].double().numpy()).wxyz,
            position=pose[:3, 3].numpy(),
        )
        for frame, pose in enumerate(poses if clip.world_T_cam is not None else poses[:1])
    ]


def _place_camera(
    server: viser.ViserServer, clip: Clip, xyz: Float[Tensor, "point 3"], back: float = 0.3, above: float = 0.4
) -> None:
    """Look at the middle of points from behind and above the first camera, by shares of its distance from them."""
    middle = xyz.median(0).values
    server.scene.set_up_direction("-y" if clip.world_T_cam is None else "+z")
    pose = torch.eye(4) if clip.world_T_cam is None else clip.world_T_cam[0]
    up = torch.tensor([0.0, -1.0, 0.0] if clip.world_T_cam is None else [0.0, 0.0, 1.0])
    towards = middle - pose[:3, 3]
    position = pose[:3, 3] - back * towards + above * towards.norm() * up
    server.initial_camera.position = tuple(position.tolist())
    server.initial_camera.look_at = tuple(middle.tolist())
    server.initial_camera.up = tuple(up.tolist())
