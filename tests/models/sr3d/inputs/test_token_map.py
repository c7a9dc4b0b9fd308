"""The token map: the place of a visual token, whatever stands between frames."""

import torch

from models.sr3d import Sample, SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, token_map
from models.sr3d.inputs.visual_inputs import VisualInputs


def test_the_embedding_at_a_mapped_position_is_the_token_of_that_place(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples, packed=False, pad_side="left")
    first_tile = torch.tensor([0, 0, 0, 2, 2, 2, 5, 5, 5])  # of the sample that each row asks about
    visual, _ = VisualInputs.split(batch)
    with torch.no_grad():
        embeds = model.embed(batch["input_ids"], visual)
        tokens = model.projector(model.encode_tiles(batch["pixel_values"], batch["points"], batch["points_valid"]))
    place = token_map(batch["input_ids"], model.config)
    assert len(place.tile) == 3 * (2 + 3 + 2) * model.num_vision_tokens
    expected = tokens[first_tile[place.sample] + place.tile, place.row, place.col]
    torch.testing.assert_close(embeds[place.sample, place.position], expected)


def test_tokens_of_vila15_lie_column_by_column() -> None:
    config = SR3DConfig(tile_size=16, projector="downsample_2x2_columns")  # 2 x 2 tokens
    place = token_map(torch.tensor([[9, 3, 3, 3, 3, 9]]), config)
    assert list(zip(place.row.tolist(), place.col.tolist(), strict=True)) == [(0, 0), (1, 0), (0, 1), (1, 1)]
