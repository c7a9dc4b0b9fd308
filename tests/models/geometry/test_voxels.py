import torch

from models.geometry import voxel_centres


def test_voxel_centres_fill_the_cube_evenly_and_in_the_order_of_its_axes() -> None:
    centres = voxel_centres(4, torch.zeros(1))
    assert centres[0, 0, 0].tolist() == [-0.375, -0.375, -0.375]
    assert centres[3, 0, 1].tolist() == [0.375, -0.375, -0.125]
    assert centres.mean((0, 1, 2)).tolist() == [0, 0, 0]
