import torch

from probes.clips.seeding import clip_generator


def test_a_clip_has_its_own_random_numbers_for_each_seed() -> None:
    def draw(name: str, seed: int) -> list[int]:
        return torch.randint(0, 1 << 30, (4,), generator=clip_generator(name, seed)).tolist()

    assert draw("apple-1", 0) == draw("apple-1", 0)
    assert len({tuple(draw(name, seed)) for name in ("apple-1", "apple-2") for seed in (0, 1)}) == 4


def test_the_seed_of_a_clip_stays_what_it_is() -> None:
    """Golden: were it to change, every fixed view of earlier studies would."""
    assert clip_generator("1K-0a1b", 0).initial_seed() == 2235031210685006241
