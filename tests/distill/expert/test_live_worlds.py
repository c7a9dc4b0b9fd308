"""Worlds rendered as a training goes."""

from pathlib import Path

import pytest
import torch
from lightning import Trainer

from distill.expert.data import ExpertWorlds, SignalDataset
from distill.expert.live_worlds import LiveWorlds, WorldBatch, batch_worlds, perceive
from distill.signals import RENDERED
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore

GRID = (4, 4)
CONFIG = WorldConfig(height=32, width=32, frames=4, motion=True, noise=0.0)
SEEDS = range(4, 12)


def live_batch(config: WorldConfig = CONFIG) -> WorldBatch:
    """Pack the worlds of all seeds."""
    worlds = LiveWorlds(config, SEEDS)
    (batch,) = batch_worlds([worlds[i] for i in range(len(worlds))])
    return batch


def live_training(worlds: int, stores: Path) -> ExpertWorlds:
    """Set up a training on so many worlds, in batches of three."""
    return ExpertWorlds(
        world=CONFIG,
        seeds=[0, worlds],
        test_seeds=[3_000_000, 3_000_004],
        grid=4,
        batch_size=3,
        seed=0,
        stores=str(stores),
        online_rendering=True,
    )


@pytest.mark.long
def test_a_live_batch_is_what_the_store_holds(tmp_path: Path) -> None:
    store = WorldStore(CONFIG, SEEDS, RENDERED, root=tmp_path)
    store.render(workers=1)
    video, signals = perceive(live_batch(), GRID)
    for row, stored in enumerate(SignalDataset(store, GRID[0])):
        assert torch.equal(video[row], stored["video"])
        for name, value in stored["values"].items():
            assert torch.equal(signals.values[name][row], value)
            assert torch.equal(signals.valid[name][row], stored["valid"][name])


def test_worlds_are_rendered_alike_in_parts() -> None:
    worlds = LiveWorlds(CONFIG, SEEDS)
    parts = batch_worlds([worlds[i] for i in range(len(worlds))], at_once=3)
    assert [part.packed.worlds for part in parts] == [3, 3, 2]
    whole, _ = perceive(live_batch(), GRID)
    assert torch.equal(torch.cat([perceive(part, GRID)[0] for part in parts]), whole)


def test_sensor_noise_is_as_strong_as_each_world_has_it() -> None:
    noisy = WorldConfig(**{**vars(CONFIG), "noise": 0.04})
    batch = live_batch(noisy)
    clean, _ = perceive(WorldBatch(batch.packed, torch.zeros_like(batch.noise)), GRID)
    torch.manual_seed(0)
    grainy, _ = perceive(batch, GRID)
    inside = (clean > 40) & (clean < 215)  # far from where 8 bits end
    for row, strength in enumerate(batch.noise.tolist()):
        difference = (grainy[row].float() - clean[row].float())[inside[row]] / 255
        assert difference.std().item() == pytest.approx((strength**2 + 2 / 12 / 255**2) ** 0.5, rel=0.1)


@pytest.mark.long
def test_a_live_training_stores_no_training_world(tmp_path: Path) -> None:
    data = live_training(1_000_000, tmp_path)
    data.prepare_data()
    assert len(list(tmp_path.rglob("shard-*.safetensors"))) == 1  # of the test worlds
    batches = iter(data.train_dataloader())
    first, second = (data.on_after_batch_transfer([part.to("cpu") for part in next(batches)], 0) for _ in range(2))
    assert first["video"].shape == (3, 4, 3, 32, 32)
    assert first["values"]["rays"].shape == (3, 4, 6, 4, 4)
    assert not torch.equal(first["video"], second["video"])


@pytest.mark.parametrize(("worlds", "repeats"), [(24, False), (23, True)])
def test_a_training_warns_when_online_rendering_will_repeat_worlds(
    worlds: int, repeats: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = live_training(worlds, tmp_path)
    data.trainer = Trainer(max_steps=4, accumulate_grad_batches=2, logger=False, enable_checkpointing=False)
    data.train_dataloader()
    message = "online rendering repeats worlds: training draws 24, and data.seeds has 23"
    assert (message in caplog.text) == repeats


@pytest.mark.parametrize(("worlds", "count"), [(100, 24), (10, 10)])
def test_a_card_counts_the_worlds_that_online_rendering_drew(worlds: int, count: int, tmp_path: Path) -> None:
    data = live_training(worlds, tmp_path)
    data.trainer = Trainer(max_steps=4, accumulate_grad_batches=2, logger=False, enable_checkpointing=False)
    assert data.summary() == f"{count} procedural worlds (4 frames of 32 x 32 pixels)"


def test_training_worlds_that_are_test_worlds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.seeds=\[0, 64\] and data\.test_seeds=\[63, 70\] share worlds"):
        ExpertWorlds(world=CONFIG, seeds=[0, 64], test_seeds=[63, 70], grid=4, batch_size=3, seed=0)


@pytest.mark.gpu
def test_a_gpu_renders_what_a_cpu_does() -> None:
    batch = live_batch()
    video, signals = perceive(batch, GRID)
    there, of_gpu = perceive(batch.to("cuda"), GRID)
    assert (there.cpu().float() - video.float()).abs().gt(2).float().mean() < 0.01
    for name, value in signals.values.items():
        assert of_gpu.values[name].device.type == "cuda"
        assert (of_gpu.values[name].cpu() - value).abs().gt(1e-2).float().mean() < 0.01, name
