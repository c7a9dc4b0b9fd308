"""What the card of a checkpoint says that it was trained on."""

from omegaconf import OmegaConf

from region4d.model_card import describe


def test_worlds_that_are_drawn_as_a_training_goes_are_counted_as_it_took_them() -> None:
    data = OmegaConf.create(
        {
            "seeds": [100, 1100],
            "batch_size": 8,
            "online_rendering": True,
            "world": {"frames": 6, "height": 64, "width": 64},
        }
    )
    assert describe(data, 10) == "80 procedural worlds (6 frames of 64 x 64 pixels)"
    assert describe(data, 1000).startswith("1000 procedural worlds")
    data.online_rendering = False
    assert describe(data, 10).startswith("1000 procedural worlds")
