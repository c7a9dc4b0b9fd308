"""What is seen to be empty is no part of a shape."""

import numpy as np
import torch

from models.geometry import voxel_centres
from models.lifting.fitting.carving import MARGIN, carve
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.inputs.evidence import Evidence
from tests.support.lifting import SeenObject


def test_carving_takes_what_is_seen_through_and_leaves_the_object(seen: SeenObject) -> None:
    evidence = Evidence.of(seen.points, seen.mask, seen.intrinsics)
    fit = Fit(seen.cam_T_obj.double().numpy(), seen.scale)
    carved = carve(torch.ones(32, 32, 32), evidence, fit) > 0  # a full cube
    assert 0.05 < float(carved.float().mean()) < 0.9
    true = seen.inside(32) > 0
    assert carved[true].float().mean() > 0.99
    xyz = fit.to_camera(voxel_centres(32, torch.zeros((), dtype=torch.float64)).reshape(-1, 3).numpy())
    assert not evidence.in_free_space(xyz[carved.flatten().numpy()], (MARGIN + 0.01) * seen.scale / 32).any()
    floor = evidence.floor(fit.up)
    assert floor is not None
    assert floor.height(xyz[carved.flatten().numpy()]).min() > -(MARGIN + 0.01) * seen.scale / 32


def test_unknown_depth_carves_nothing(seen: SeenObject) -> None:
    unknown = Evidence(np.zeros((96, 128)), np.ones((5, 3)), seen.intrinsics.double().numpy())
    field = torch.rand(8, 8, 8)
    assert torch.equal(carve(field, unknown, Fit(seen.cam_T_obj.double().numpy(), 1.0)), field)
