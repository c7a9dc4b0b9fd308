from scenes.worlds import WorldConfig
from training.data import summarize_worlds


def test_worlds_are_named_by_count_frames_and_size() -> None:
    world = WorldConfig(frames=4, height=64, width=96)
    assert summarize_worlds(3000, world) == "3000 procedural worlds (4 frames of 64 x 96 pixels)"
