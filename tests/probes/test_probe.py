import pytest
import torch
from torch import Tensor

from probes import Probe, ProbeOutput

SMALL = {"width": 32, "heads": 4, "camera_depth": 1, "dense_width": 16, "stages": (8, 8, 16, 16)}


def build(**options: object) -> Probe:
    torch.manual_seed(0)
    probe = Probe(24, **{**SMALL, **options})  # type: ignore[arg-type]
    with torch.no_grad():  # as after training: tokens and layer scales start close to 0
        for name, parameter in probe.named_parameters():
            if "scale" in name or "special" in name:
                parameter.normal_()
    return probe.eval()


def features(seed: int = 0, views: int = 3) -> Tensor:
    return torch.randn(2, views, 4, 5, 24, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(probe: Probe, x: Tensor) -> ProbeOutput:
    found: ProbeOutput = probe(x, (30, 40))
    return found


@pytest.mark.parametrize(("channels", "millions"), [(1024, 383.3), (5120, 387.5)])
def test_the_published_probe_has_the_published_number_of_parameters(channels: int, millions: float) -> None:
    with torch.device("meta"):
        probe = Probe(channels)

    def count(module: torch.nn.Module) -> float:
        return sum(p.numel() for p in module.parameters()) / 1e6

    assert count(probe) == pytest.approx(millions, abs=0.05)
    assert count(probe.camera_head) == pytest.approx(216.2, abs=0.05)
    assert count(probe.point_head) == pytest.approx(32.7, abs=0.05)


@pytest.mark.parametrize("options", [{"depth": 0}, {"depth": 1}, {"depth": 4}, {"depth": 2, "across": False}])
def test_every_rung_of_the_capacity_ladder_reads_all_of_it(options: dict[str, object]) -> None:
    found = read(build(**options), features())
    assert found.points.shape == (2, 3, 30, 40, 3)
    assert found.depth.shape == found.point_confidence.shape == (2, 3, 30, 40)
    assert [camera.shape for camera in found.cameras] == 4 * [(2, 3, 9)]
    assert bool((found.depth > 0).all())
    assert bool((found.depth_confidence >= 1).all())
    assert all(bool((camera[..., 7:] >= 0).all()) for camera in found.cameras)


def test_views_see_each_other_only_where_they_may() -> None:
    changed = features()
    changed[:, 2] = features(1)[:, 2]
    for across in (True, False):
        probe = build(depth=1, across=across)
        before, after = read(probe, features()), read(probe, changed)
        assert torch.allclose(before.depth[:, 0], after.depth[:, 0], atol=1e-6) != across
        assert not torch.allclose(before.depth[:, 2], after.depth[:, 2], atol=1e-5)


def test_the_first_view_is_the_reference_and_the_others_have_no_order() -> None:
    probe = build(depth=2)
    found = read(probe, features())
    swapped = read(probe, features()[:, [0, 2, 1]])
    torch.testing.assert_close(swapped.points[:, [0, 2, 1]], found.points, atol=1e-6, rtol=1e-5)
    first = read(probe, features()[:, [1, 0, 2]])
    assert not torch.allclose(first.points[:, [1, 0, 2]], found.points, atol=1e-4)


def test_gradients_reach_every_part() -> None:
    probe = build(depth=4).train()
    found = probe(features(), (30, 40))
    (found.points.mean() + found.depth.mean() + torch.stack(found.cameras).sum()).backward()
    assert [name for name, p in probe.named_parameters() if p.grad is None] == []


def test_recomputed_blocks_have_the_same_gradients() -> None:
    gradients = []
    for recompute in (False, True):
        probe = build(depth=2, dense="linear", gradient_checkpointing=recompute).train()
        probe(features(), (30, 40)).points.mean().backward()
        gradients.append([p.grad for p in probe.within.parameters()])
    assert all(torch.equal(kept, recomputed) for kept, recomputed in zip(*gradients, strict=True))


def test_recomputed_blocks_run_again_in_the_backward_pass() -> None:
    probe = build(depth=1, dense="linear", gradient_checkpointing=True).train()
    runs: list[int] = []
    probe.within[0].register_forward_pre_hook(lambda *_: runs.append(1))
    found = probe(features(), (30, 40))
    assert len(runs) == 1
    found.points.mean().backward()
    assert len(runs) == 2
    read(probe, features())  # nothing to go back over
    assert len(runs) == 3
