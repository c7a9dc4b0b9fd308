"""Segmenters agree to the bit with transformers' classes called by hand, and refuse what they cannot do."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Sam2Model,
    Sam2Processor,
    Sam2VideoModel,
    Sam2VideoProcessor,
    Sam3Model,
    Sam3Processor,
    Sam3TrackerModel,
    Sam3TrackerProcessor,
    Sam3TrackerVideoModel,
    Sam3TrackerVideoProcessor,
    Sam3VideoModel,
    Sam3VideoProcessor,
    ViTConfig,
    ViTModel,
)

from models.segmenters import Click, Prompt, open_segmenter
from tests.support.folders.segmenter_checkpoints import write_sam2, write_sam3, write_sam3_tracker

SIZE = (48, 60)
ONE = Prompt((Click(1, 20, 10),))
TWO = Prompt((Click(3, 40.5, 30), Click(1, 20, 10), Click(1, 5, 40, inside=False)))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segmenters")
    for video in (True, False):
        write_sam2(folder / f"sam2{'_video' * video}", video)
        write_sam3(folder / f"sam3{'_video' * video}", video)
        write_sam3_tracker(folder / f"sam3_tracker{'_video' * video}", video)
    return folder


@pytest.fixture
def video() -> torch.Tensor:
    return torch.randint(0, 256, (4, 3, *SIZE), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def assert_equal(found: dict, expected: dict) -> None:
    expected = {frame: mask for frame, mask in expected.items() if mask.any()}
    assert list(found) == sorted(expected)
    assert all(torch.equal(found[frame], expected[frame]) for frame in expected)
    assert any(0.01 < mask.float().mean() < 0.99 for mask in expected.values())  # so that this parity means something


@pytest.mark.long
@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "model", "processor"),
    [
        ("sam2_video", Sam2VideoModel, Sam2VideoProcessor),
        ("sam3_video", Sam3TrackerVideoModel, Sam3TrackerVideoProcessor),
        ("sam3_tracker_video", Sam3TrackerVideoModel, Sam3TrackerVideoProcessor),
    ],
)
def test_tracked_clicks_equal_the_stock_class(
    checkpoints: Path, video: torch.Tensor, name: str, model: type, processor: type
) -> None:
    segmenter = open_segmenter(checkpoints / name, "click")
    assert segmenter.tracks
    found = segmenter(video, [ONE, TWO])
    network, prepare = model.from_pretrained(checkpoints / name).eval(), processor.from_pretrained(checkpoints / name)
    by_frame = [{1: ([[20.0, 10.0]], [1])}, {1: ([[20.0, 10.0], [5.0, 40.0]], [1, 0]), 3: ([[40.5, 30.0]], [1])}]
    for one, clicks in zip(found, by_frame, strict=True):
        session = prepare.init_video_session(video=video)
        for frame, (points, labels) in clicks.items():
            prepare.add_inputs_to_inference_session(
                session, frame_idx=frame, obj_ids=1, input_points=[[points]], input_labels=[[labels]]
            )
            network(session, frame_idx=frame)
        expected = {}
        for reverse in (False, True):
            for output in network.propagate_in_video_iterator(session, reverse=reverse, start_frame_idx=1):
                masks = prepare.post_process_masks([output.pred_masks], original_sizes=[list(SIZE)])
                expected[output.frame_idx] = masks[0][0, 0]
        assert len(expected) == 4
        assert_equal(one.masks, expected)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "model", "prepare"),
    [("sam2", Sam2Model, Sam2Processor), ("sam3_tracker", Sam3TrackerModel, Sam3TrackerProcessor)],
)
def test_clicks_on_a_picture_equal_the_stock_class(
    checkpoints: Path, video: torch.Tensor, name: str, model: type, prepare: type
) -> None:
    segmenter = open_segmenter(checkpoints / name, "click")
    assert not segmenter.tracks
    one, two = segmenter(video, [ONE, TWO])
    network, processor = model.from_pretrained(checkpoints / name).eval(), prepare.from_pretrained(checkpoints / name)

    def stock(frame: int, points: list, labels: list, several: bool) -> torch.Tensor:
        inputs = processor(images=[video[frame]], input_points=[[points]], input_labels=[[labels]], return_tensors="pt")
        output = network(**inputs, multimask_output=several)
        masks = processor.post_process_masks(output.pred_masks, inputs["original_sizes"])[0][0]
        return masks[output.iou_scores.argmax()] if several else masks[0]

    assert_equal(one.masks, {1: stock(1, [[20.0, 10.0]], [1], True)})
    both = {1: stock(1, [[20.0, 10.0], [5.0, 40.0]], [1, 0], False), 3: stock(3, [[40.5, 30.0]], [1], True)}
    assert_equal(two.masks, both)


@torch.inference_mode()
def test_a_text_on_pictures_equals_the_stock_class(checkpoints: Path, video: torch.Tensor) -> None:
    segmenter = open_segmenter(checkpoints / "sam3", "text")
    assert not segmenter.tracks
    anywhere, there = segmenter(video, [Prompt(text="red chair"), Prompt(text="red chair", frame=2)])
    network = Sam3Model.from_pretrained(checkpoints / "sam3").eval()
    processor = Sam3Processor.from_pretrained(checkpoints / "sam3")
    for found, frame in ((anywhere, 0), (there, 2)):
        inputs = processor(images=[video[frame]], text="red chair", return_tensors="pt")
        result = processor.post_process_instance_segmentation(
            network(**inputs), threshold=0.5, mask_threshold=0.5, target_sizes=[SIZE]
        )[0]
        shown = [k for k, mask in enumerate(result["masks"]) if mask.any()]
        best = max(shown, key=lambda k: float(result["scores"][k]))
        assert found.matches == len(shown)
        assert_equal(found.masks, {frame: result["masks"][best].bool()})


@torch.inference_mode()
def test_a_tracked_text_equals_the_stock_class(checkpoints: Path, video: torch.Tensor) -> None:
    segmenter = open_segmenter(checkpoints / "sam3_video", "text")
    assert segmenter.tracks
    (found,) = segmenter(video, [Prompt(text="red chair")])
    network = Sam3VideoModel.from_pretrained(checkpoints / "sam3_video").eval()
    processor = Sam3VideoProcessor.from_pretrained(checkpoints / "sam3_video")
    session = processor.init_video_session(video=video)
    processor.add_text_prompt(session, "red chair")
    outputs = {
        o.frame_idx: processor.postprocess_outputs(session, o) for o in network.propagate_in_video_iterator(session)
    }
    scores = {int(k): float(s) for o in outputs.values() for k, s in zip(o["object_ids"], o["scores"], strict=True)}
    scores = {
        k: score
        for k, score in scores.items()
        if any(mask.any() for o in outputs.values() for mask in o["masks"][o["object_ids"] == k])
    }
    assert scores
    best = max(scores, key=lambda k: scores[k])
    expected = {
        f: o["masks"][o["object_ids"].tolist().index(best)] for f, o in outputs.items() if best in o["object_ids"]
    }
    assert found.matches == len(scores)
    assert_equal(found.masks, expected)


def test_weights_of_half_precision_run_in_float32(tmp_path: Path, video: torch.Tensor) -> None:
    write_sam2(tmp_path)
    Sam2VideoModel.from_pretrained(tmp_path, dtype=torch.bfloat16).save_pretrained(tmp_path)
    segmenter = open_segmenter(tmp_path, "click")
    assert {weight.dtype for weight in segmenter.network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("name", "way", "said"),
    [
        ("sam2_video", "text", r"takes clicks only: for a text use one of sam3, sam3_video"),
        ("sam3", "click", r"takes a text only: for a click use one of sam2"),
    ],
)
def test_a_prompt_that_a_model_does_not_take_is_refused(checkpoints: Path, name: str, way: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        open_segmenter(checkpoints / name, way)


def test_another_model_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    small = ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    ViTModel(small).save_pretrained(tmp_path / "vit")
    with pytest.raises(ValueError, match="is a vit: use SAM 2 or SAM 3"):
        open_segmenter(tmp_path / "vit", "click")
    with pytest.raises(FileNotFoundError, match="hf download"):
        open_segmenter(tmp_path / "nowhere", "text")


@pytest.mark.parametrize(
    ("name", "way", "lost"),
    [
        ("sam2", "click", "mask_decoder.iou_token.weight"),
        ("sam2_video", "click", "memory_attention"),
        ("sam3", "text", "detr_decoder"),
        ("sam3_tracker", "click", "tracker_model.mask_decoder"),
        ("sam3_tracker_video", "click", "tracker_model.memory_encoder"),
        ("sam3_video", "click", "tracker_model.tracker_model.memory_encoder"),
        ("sam3_video", "text", "detector_model.detr_decoder"),
    ],
)
def test_a_checkpoint_that_lacks_weights_is_refused(
    checkpoints: Path, tmp_path: Path, name: str, way: str, lost: str
) -> None:
    folder = copytree(checkpoints / name, tmp_path / name)
    weights = load_file(folder / "model.safetensors")
    kept = {key: weight for key, weight in weights.items() if not key.startswith(lost)}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=rf"lacks {len(weights) - len(kept)} weights of \w+Model, such as") as caught:
        open_segmenter(folder, way)
    assert "\n" not in str(caught.value)


@torch.inference_mode()
def test_a_box_on_a_frame_equals_the_stock_class(checkpoints: Path, video: torch.Tensor) -> None:
    box = (10.0, 8.0, 40.0, 30.0)
    (tracked,) = open_segmenter(checkpoints / "sam2_video", "click")(video, [Prompt(box=box, frame=1)])
    name = checkpoints / "sam2_video"
    network, prepare = Sam2VideoModel.from_pretrained(name).eval(), Sam2VideoProcessor.from_pretrained(name)
    session = prepare.init_video_session(video=video)
    prepare.add_inputs_to_inference_session(session, frame_idx=1, obj_ids=1, input_boxes=[[list(box)]])
    network(session, frame_idx=1)
    expected = {}
    for reverse in (False, True):
        for output in network.propagate_in_video_iterator(session, reverse=reverse, start_frame_idx=1):
            masks = prepare.post_process_masks([output.pred_masks], original_sizes=[list(SIZE)])
            expected[output.frame_idx] = masks[0][0, 0]
    assert_equal(tracked.masks, expected)
    (one,) = open_segmenter(checkpoints / "sam2", "click")(video, [Prompt(box=box, frame=1)])
    single, processor = (
        Sam2Model.from_pretrained(checkpoints / "sam2").eval(),
        Sam2Processor.from_pretrained(checkpoints / "sam2"),
    )
    inputs = processor(images=[video[1]], input_boxes=[[list(box)]], return_tensors="pt")
    stock = processor.post_process_masks(single(**inputs, multimask_output=False).pred_masks, inputs["original_sizes"])
    assert_equal(one.masks, {1: stock[0][0, 0]})
