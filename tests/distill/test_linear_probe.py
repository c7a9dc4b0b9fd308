import pytest
import torch

from distill.linear_probe import cell_signals, probe, token_states
from models.sr3d.encodings.position_encoding import PositionEncoding3D
from scenes.clip import Clip
from tests.support.distillation import FRAMES, build_student


def test_cells_hold_the_mean_of_their_valid_pixels(clips: list[Clip]) -> None:
    clip = clips[0]
    assert clip.depth is not None
    assert clip.truth is not None
    signals = cell_signals([clip], 2)
    quarter = clip.depth[1, 16:, :16].log()  # frame 1, lower left
    assert float(signals.values["depth"][4 + 2, 0]) == pytest.approx(float(quarter.mean()), abs=1e-5)
    moving = clip.truth.moving[1, 16:, :16].float().mean()
    assert float(signals.values["motion"][4 + 2, 0]) == pytest.approx(float(moving), abs=1e-5)
    assert not signals.valid["flow"][:4].any()  # no flow before the first frame


def test_states_do_not_depend_on_the_batch_and_a_probe_scores_every_signal(clips: list[Clip]) -> None:
    model, processor = build_student()
    assert isinstance(model.position_encoding, PositionEncoding3D)
    states = token_states(model.eval(), processor, clips)
    layers = model.config.text_config.num_hidden_layers
    assert states.shape == (layers + 1, len(clips) * FRAMES * 4, 128)
    alone = token_states(model, processor, clips[2:3])
    torch.testing.assert_close(states[:, 2 * FRAMES * 4 : 3 * FRAMES * 4], alone, atol=1e-5, rtol=1e-4)
    scores = probe(model, processor, clips[:4], clips[4:], "toy", 3)
    assert (scores.arm, scores.seed, scores.clips) == ("toy", 3, [clip.name for clip in clips[4:]])
    assert set(scores.error) == {"depth", "flow", "motion", "rays"}
    for name, curve in scores.by_layer.items():
        assert len(scores.error[name]) == len(clips) - 4
        assert len(curve) == layers + 1
        assert curve[-1] == pytest.approx(scores.r2(name))
        assert scores.r2(name) < 1
