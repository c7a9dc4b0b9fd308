"""Hooks of stock video transformers are the outputs of their blocks."""

import pytest
import torch
from transformers import VideoMAEConfig

from models.encoders.video_encoder import VideoEncoder

CONFIG = VideoMAEConfig(
    image_size=16,
    patch_size=8,
    num_frames=4,
    tubelet_size=2,
    hidden_size=12,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=24,
)


def test_hooks_are_the_outputs_of_the_blocks_in_their_place() -> None:
    encoder = VideoEncoder(CONFIG, [0, 1, 3]).eval()
    seen = []
    for block in encoder.model.encoder.layer:
        block.register_forward_hook(lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out))
    video = torch.randn(2, 4, 3, 16, 16)
    with torch.no_grad():
        latents = encoder(video)
        embedded = encoder.model.embeddings(video, None)
    assert latents.shape == (2, 3, 2, 2, 2, 12)
    for got, expected in zip(latents.unbind(1), (embedded, seen[0], seen[2]), strict=True):
        assert torch.equal(got.flatten(1, 3), expected)


def test_a_slot_shows_its_two_frames() -> None:
    encoder = VideoEncoder(CONFIG, [0]).eval()
    video = torch.randn(1, 4, 3, 16, 16)
    with torch.no_grad():
        before = encoder(video)
        video[:, 3, :, 8:, :8] += 1  # lower left of the last frame
        changed = (encoder(video) != before).any(-1)[0, 0]
    assert changed.nonzero().tolist() == [[1, 1, 0]]


def test_a_hook_beyond_the_last_block_is_refused() -> None:
    with pytest.raises(ValueError, match="hooks must be 0 to 3"):
        VideoEncoder(CONFIG, [4])
