import pytest
import torch
from diffusers import WanTransformer3DModel
from transformers import VideoMAEConfig, VideoMAEForPreTraining

from probes.encoders.pretraining import FlowMatching, MaskedAutoencoding, Pretraining, tube_masks
from probes.encoders.videos import flip


def masked(frames: int, tubelet: int) -> MaskedAutoencoding:
    config = VideoMAEConfig(
        image_size=16,
        patch_size=8,
        num_frames=frames,
        tubelet_size=tubelet,
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        decoder_hidden_size=24,
        decoder_num_hidden_layers=1,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    )
    return MaskedAutoencoding(model=VideoMAEForPreTraining(config), size=(16, 16), masked=0.5, learning_rate=1e-3)


def flow() -> FlowMatching:
    model = WanTransformer3DModel(
        patch_size=(2, 8, 8),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=3,
        out_channels=3,
        text_dim=8,
        freq_dim=16,
        ffn_dim=32,
        num_layers=1,
        rope_max_seq_len=16,
    )
    return FlowMatching(model=model, size=(16, 16), learning_rate=1e-3)


@pytest.mark.parametrize("build", [lambda: masked(1, 1), lambda: masked(4, 2), flow])
def test_a_few_steps_lower_the_loss(build: type[Pretraining]) -> None:
    torch.manual_seed(0)
    module = build()  # type: ignore[call-arg]
    video = torch.rand(4, 4, 3, 16, 16)
    optimizer = torch.optim.Adam(module.model.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        torch.manual_seed(1)
        loss = module.loss(video)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_a_tube_hides_the_same_places_in_every_slot() -> None:
    masks = tube_masks(5, 3, 8, 0.75).unflatten(1, (3, 8))
    assert (masks.sum(-1) == 6).all()
    assert (masks == masks[:, :1]).all()


def test_flipped_clips_are_mirrored_or_reversed_or_left() -> None:
    video = torch.randint(0, 256, (64, 3, 3, 2, 2), dtype=torch.uint8)
    ways = (video, video.flip(-1), video.flip(1), video.flip(-1).flip(1))
    found = flip(video, torch.Generator().manual_seed(0))
    taken = [[torch.equal(found[k], way[k]) for way in ways] for k in range(len(video))]
    assert all(any(row) for row in taken)
    assert all(any(row[way] for row in taken) for way in range(4))
