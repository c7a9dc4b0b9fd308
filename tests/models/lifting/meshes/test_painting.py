"""Colours and texture of a lifted mesh: the photo where it shows the object, a smooth continuation elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.geometry import default_intrinsics
from models.geometry.mesh import Mesh
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.atlas import make_atlas
from models.lifting.meshes.mesh import ColouredMesh, coloured, extract_mesh
from models.lifting.meshes.painting import continue_colours, photo_texture, see_vertices
from models.lifting.meshes.ray_casting import visible_vertices
from tests.support.lifting import ball

SIDE = 64
CAMERA = default_intrinsics(SIDE, SIDE, 40)


@pytest.fixture(scope="module")
def mesh() -> ColouredMesh:
    """A ball of radius 0.3 m, 2 m ahead."""
    found = extract_mesh(ball(24, 0.3))
    return ColouredMesh(found.vertices + torch.tensor([0, 0, 2.0]), found.faces, found.colours)


@pytest.fixture(scope="module")
def picture() -> MaskedPicture:
    """Red on the left and green on the right of a round mask, before a blue wall; without depth."""
    image = torch.zeros(3, SIDE, SIDE)
    image[0, :, : SIDE // 2], image[1, :, SIDE // 2 :] = 1, 1
    col, row = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="xy")
    mask = (col + 0.5 - SIDE / 2) ** 2 + (row + 0.5 - SIDE / 2) ** 2 < (0.14 * float(CAMERA[0, 0])) ** 2
    image[:, ~mask] = torch.tensor([0, 0, 1.0])[:, None]
    return MaskedPicture(image, mask, None, CAMERA)


def test_the_side_towards_the_camera_is_visible_and_the_other_is_not(mesh: ColouredMesh) -> None:
    seen = visible_vertices(mesh)
    assert seen[mesh.vertices[:, 2] < 1.9].all()
    assert not seen[mesh.vertices[:, 2] > 2.0].any()


def test_visible_vertices_have_the_colour_of_their_pixel_and_none_that_of_the_wall(
    mesh: ColouredMesh, picture: MaskedPicture
) -> None:
    colours, seen = see_vertices(mesh, picture, CAMERA, 0.01)
    assert 0.2 < float(seen.float().mean()) < 0.5
    left = mesh.vertices[:, 0] < -0.02
    assert torch.equal(colours[seen & left], torch.tensor([1.0, 0, 0]).expand(int((seen & left).sum()), 3))
    assert not colours[seen, 2].any()


def test_hidden_vertices_continue_the_visible_ones_on_their_side(mesh: ColouredMesh, picture: MaskedPicture) -> None:
    colours, seen = see_vertices(mesh, picture, CAMERA, 0.01)
    painted = continue_colours(mesh, colours, seen)
    assert torch.equal(painted[seen], colours[seen])
    back = ~seen & (mesh.vertices[:, 2] > 2.0)
    left, right = back & (mesh.vertices[:, 0] < -0.15), back & (mesh.vertices[:, 0] > 0.15)
    assert (painted[left, 0] > painted[left, 1]).all()
    assert (painted[right, 1] > painted[right, 0]).all()
    assert float(painted.min()) >= 0
    assert float(painted.max()) <= 1


def test_a_part_that_nothing_visible_touches_gets_the_mean_colour() -> None:
    vertices = torch.tensor([[0.0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 3], [1, 0, 3], [0, 1, 3]])
    two = Mesh(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]))
    colours, seen = torch.zeros(6, 3), torch.tensor([True, True, True, False, False, False])
    colours[:3] = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    torch.testing.assert_close(continue_colours(two, colours, seen)[3:], torch.full((3, 3), 1 / 3))
    nothing = torch.zeros(6, dtype=torch.bool)
    assert torch.equal(continue_colours(two, colours, nothing), colours)


def test_a_texture_is_the_photo_at_its_own_resolution_and_continues_its_rim(
    mesh: ColouredMesh, picture: MaskedPicture
) -> None:
    _, seen = see_vertices(mesh, picture, CAMERA, 0.01)
    texture = photo_texture(mesh, picture, CAMERA, seen)
    rows = torch.nonzero(picture.mask.any(1))
    assert texture.image.shape[1] == int(rows.max() - rows.min()) + 1 + 8  # four pixels around
    assert not texture.image[2].any()  # nothing of the wall
    assert torch.equal(texture.image.unique(), torch.tensor([0, 255], dtype=torch.uint8))


def test_every_corner_of_an_atlas_shows_the_colour_of_its_vertex(mesh: ColouredMesh, picture: MaskedPicture) -> None:
    colours, seen = see_vertices(mesh, picture, CAMERA, 0.01)
    painted = coloured(mesh, continue_colours(mesh, colours, seen))
    atlas = make_atlas(painted, photo_texture(mesh, picture, CAMERA, seen))
    assert len(atlas.faces) == len(mesh.faces)
    height, width, _ = atlas.image.shape
    col = (atlas.uv[:, 0] * width).astype(int)
    row = ((1 - atlas.uv[:, 1]) * height - 1e-9).astype(int)
    shown = atlas.image[row, col].astype(float)
    nearest = torch.cdist(torch.tensor(atlas.vertices), mesh.vertices).argmin(1)
    off = np.abs(shown - painted.colours[nearest].numpy().astype(float)).max(1)
    assert (off <= 1).mean() > 0.97  # a rim of mixed pixels is replaced by its neighbours, here across red and green
    np.testing.assert_allclose(np.linalg.norm(atlas.normals, axis=1), 1, atol=1e-5)
    outward = ((atlas.vertices - [0, 0, 2]) * atlas.normals).sum(1)
    assert (outward > 0).all()
