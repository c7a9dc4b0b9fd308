"""The processor: what a prompt looks like, how images are cut, and what is refused."""

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from models.geometry import PointMap, SceneNormalizer
from models.regions import Region
from models.sr3d import SR3DConfig, SR3DProcessor, train_tokenizer
from scenes.questions import grammar_texts
from tests.support.sr3d import ANSWERS, QUESTIONS, pixels, two_regions, world_points

IMAGE, REGION, CAMERA, SCALE = 3, 4, 5, 6


def _with(processor: SR3DProcessor, **options: object) -> SR3DProcessor:
    known = {"tile_size": 32, "grid": 8, "token_grid": 2}
    return SR3DProcessor(processor.tokenizer, **{**known, **options})


def test_a_video_is_a_scale_token_then_a_camera_and_its_tokens_for_each_frame(processor: SR3DProcessor) -> None:
    sample = processor.prepare(pixels(0, 2), QUESTIONS[:1], regions=two_regions())
    assert sample.prefix.tolist() == [SCALE] + ([CAMERA] + 4 * [IMAGE]) * 2
    assert sample.mentions[0].tolist() == [0, 1]
    assert int((sample.questions[0] == REGION).sum()) == 2


def test_a_region_may_be_mentioned_twice_and_in_any_order(processor: SR3DProcessor) -> None:
    question = "<region1> or <region0> , <region1> ?"
    sample = processor.prepare(pixels(0, 2), [question], regions=two_regions())
    assert sample.mentions[0].tolist() == [1, 0, 1]


def test_labels_are_the_answers_and_their_end(processor: SR3DProcessor) -> None:
    sample = processor.prepare(pixels(0, 2), QUESTIONS, regions=two_regions(), answers=ANSWERS)
    labels = processor.collate([sample])["labels"][0]
    supervised = labels[labels != -100]
    assert processor.tokenizer.decode(supervised) == "A <eos> 1.4 m <eos> red <eos>"


def test_448_pixel_tiles_take_121_1586_and_3904_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    processor = SR3DProcessor(
        tokenizer,
        tile_size=448,
        grid=32,
        token_grid=11,
        max_tiles=12,
        scale="none",
        camera_token=False,
        tile_suffix=["?"],
        frame_suffix=["?"],
    )
    tile = torch.zeros(1, 3, 448, 448, dtype=torch.uint8)
    image = torch.zeros(1, 3, 480, 640, dtype=torch.uint8)
    video = torch.zeros(32, 3, 8, 8, dtype=torch.uint8)
    counts = [len(processor.prepare(footage, []).prefix) for footage in (tile, image, video)]
    assert counts == [121 + 1, 1586, 3904]  # each tile is followed by its separator


def test_an_image_is_cut_into_tiles_and_a_thumbnail_that_no_region_is_pooled_from(processor: SR3DProcessor) -> None:
    whole = Region({0: torch.ones(64, 96, dtype=torch.bool)})
    points = world_points(0, 1, 64, 96)
    sample = _with(processor, max_tiles=6).prepare(pixels(0, 1, 64, 96), ["<region0>"], points=points, regions=[whole])
    assert len(sample.pixels) == len(sample.points) == 7  # 2 x 3 tiles and the thumbnail
    assert sorted(sample.regions.tile.tolist()) == list(range(6))
    assert int((sample.prefix == CAMERA).sum()) == 1
    assert len(sample.camera_centres) == 1


def test_the_thumbnail_has_the_points_of_the_same_scene(processor: SR3DProcessor) -> None:
    flat = PointMap(torch.zeros(1, 64, 96, 3), torch.ones(1, 64, 96, dtype=torch.bool), "world")
    flat.xyz[..., 0] = torch.linspace(0, 1, 96)
    sample = _with(processor, max_tiles=6).prepare(pixels(0, 1, 64, 96), [], points=flat)
    torch.testing.assert_close(sample.points[6].mean((0, 1)), sample.points[:6].mean((0, 1, 2)))


def test_points_are_normalised_over_all_frames_clipped_and_pooled(processor: SR3DProcessor) -> None:
    points = world_points(0, 2)
    sample = processor.prepare(pixels(0, 2), [], points=points)
    fitted = SceneNormalizer.fit(points)
    assert sample.scale == pytest.approx(float(fitted.scale))
    assert sample.shift == pytest.approx(tuple(fitted.shift.tolist()))
    cell = points.valid[1, 4:8, 8:12]
    inside = ((points.xyz[1, 4:8, 8:12][cell] - fitted.shift) / fitted.scale).clamp(-1, 1)
    torch.testing.assert_close(sample.points[1, 1, 2], inside.mean(0), atol=1e-6, rtol=1e-5)  # order of summation
    assert sample.points.abs().max() <= 1


def test_scaling_the_world_changes_the_recorded_scale_only(processor: SR3DProcessor) -> None:
    points = world_points(0, 2)
    doubled = PointMap(2 * points.xyz, points.valid, "world")
    one, two = (processor.prepare(pixels(0, 2), [], points=p) for p in (points, doubled))
    torch.testing.assert_close(one.points, two.points, atol=1e-6, rtol=0)
    assert one.scale is not None
    assert two.scale == pytest.approx(2 * one.scale)


def test_an_unknown_scale_is_told_to_the_model_and_leaves_the_points_alone(processor: SR3DProcessor) -> None:
    points = world_points(0, 2)
    known = processor.prepare(pixels(0, 2), ["?"], points=points)
    unknown = processor.prepare(pixels(0, 2), ["?"], points=points, scale_known=False)
    assert torch.equal(known.points, unknown.points)
    assert processor.collate([known])["scale_known"].tolist() == [True]
    assert processor.collate([unknown])["scale_known"].tolist() == [False]
    with pytest.raises(ValueError, match="takes points in metres, but their scale is unknown"):
        _with(processor, scale="metric").prepare(pixels(0, 2), ["?"], points=points, scale_known=False)


def test_metric_points_keep_the_size_of_the_scene(processor: SR3DProcessor) -> None:
    metric = _with(processor, scale="metric")
    points = world_points(0, 2)
    scaled = [PointMap(k * points.xyz, points.valid, "world") for k in (0.5, 0.25)]
    small, half = (metric.prepare(pixels(0, 2), [], points=p) for p in scaled)
    torch.testing.assert_close(small.points, 2 * half.points, atol=1e-5, rtol=1e-5)
    assert SCALE not in small.prefix


def test_a_camera_at_the_scene_shift_is_at_the_canonical_origin(processor: SR3DProcessor) -> None:
    points = world_points(0, 2)
    poses = torch.eye(4).repeat(2, 1, 1)
    poses[1, :3, 3] = SceneNormalizer.fit(points).shift
    sample = processor.prepare(pixels(0, 2), [], points=points, world_T_cam=poses)
    assert sample.camera_known.all()
    torch.testing.assert_close(sample.camera_centres[1], torch.zeros(3), atol=1e-6, rtol=0)


def test_one_image_in_its_camera_frame_is_turned_to_z_up(processor: SR3DProcessor) -> None:
    world = world_points(0, 1)
    x, y, z = world.xyz.unbind(-1)
    cam = PointMap(torch.stack([x, -z, y], -1), world.valid, "cam")
    turned, known = (processor.prepare(pixels(0, 1), [], points=p) for p in (cam, world))
    torch.testing.assert_close(turned.points, known.points)
    assert turned.camera_known.all()
    assert not known.camera_known.any()


def test_footage_of_any_size_is_resized_with_its_points_and_regions(processor: SR3DProcessor) -> None:
    sample = processor.prepare(
        pixels(0, 2, 48, 80),
        ["<region0>"],
        points=world_points(0, 2, 48, 80),
        regions=[Region.from_box((0, 0, 40, 48), 48, 80)],
    )
    assert sample.pixels.shape == (2, 3, 32, 32)
    assert sample.regions.masks[0, :, :16].all()
    assert not sample.regions.masks[0, :, 16:].any()


def test_normalised_pixels_run_from_minus_one_to_one(processor: SR3DProcessor) -> None:
    video = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 32, 32)
    batch = processor.collate([processor.prepare(video, QUESTIONS[2:], regions=two_regions())])
    assert batch["pixel_values"].unique().tolist() == [-1, 1]


def test_calling_pads_questions_on_the_left_and_answers_on_the_right(processor: SR3DProcessor) -> None:
    video, regions = [pixels(0, 2)] * 2, [two_regions()] * 2
    questions = [[QUESTIONS[0], QUESTIONS[2]], [QUESTIONS[0]]]
    asked = processor(text=questions, videos=video, regions=regions)
    assert asked["input_ids"].shape[0] == 3
    assert asked["attention_mask"][1].tolist() == sorted(asked["attention_mask"][1].tolist())
    taught = processor(text=questions, videos=video, regions=regions, answers=[["A", "red"], ["B"]])
    assert taught["attention_mask"][1].tolist() == sorted(taught["attention_mask"][1].tolist(), reverse=True)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("Is <region0> nearer than <region2>?", r"mentions <region2>, but 2 regions were given"),
        ("How far is <region0>?", r"no question mentions <region1>"),
        ("Which of <region0> and <region1> is in <image>?", r"holds no other tag"),
        (" ", r"a question is empty"),
    ],
)
def test_questions_and_regions_that_do_not_match_are_refused(
    processor: SR3DProcessor, question: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        processor(text=[question], videos=[pixels(0, 2)], regions=[two_regions()])


def test_geometry_that_does_not_fit_the_footage_is_refused(processor: SR3DProcessor) -> None:
    video = pixels(0, 2)
    with pytest.raises(ValueError, match=r"points cover \(3, 32, 32\), the video \(2, 32, 32\)"):
        processor.prepare(video, [], points=world_points(0, 3))
    with pytest.raises(ValueError, match="several frames are in their camera frames"):
        processor.prepare(video, [], points=PointMap(torch.ones(2, 32, 32, 3), torch.ones(2, 32, 32) > 0, "cam"))
    with pytest.raises(ValueError, match=r"region cup has a mask of \(16, 16\) on frame 0"):
        processor.prepare(video, [], regions=[Region.from_box((1, 1, 5, 5), 16, 16, name="cup")])
    with pytest.raises(ValueError, match="region 0 of sample 0 marks frame 5"):
        processor.prepare(video, [], regions=[Region.from_box((1, 1, 5, 5), 32, 32, frame=5)])


def test_timestamps_are_for_all_samples_or_none(processor: SR3DProcessor) -> None:
    timed = processor.prepare(pixels(0, 2), ["near"], seconds=torch.tensor([0.0, 0.5]))
    with pytest.raises(ValueError, match="1 of 2 samples have timestamps"):
        processor.collate([timed, processor.prepare(pixels(0, 2), ["near"])])


def test_a_tokenizer_that_disagrees_with_the_config_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="<region> is 4 in the tokenizer and 99 in the config"):
        SR3DProcessor.from_config(SR3DConfig(region_token_id=99), tokenizer)


def test_frames_are_timed_by_their_seconds_or_numbered(processor: SR3DProcessor) -> None:
    seconds = torch.tensor([0.0, 0.3, 0.9])
    timed = processor.prepare(pixels(0, 3), [], seconds=seconds)
    numbered = _with(processor, clock="frame_index").prepare(pixels(0, 3), [], seconds=seconds)
    assert torch.equal(timed.seconds, seconds)
    assert numbered.seconds.tolist() == [0, 1, 2]
    later = _with(processor, clock="since_first").prepare(pixels(0, 3), [], seconds=seconds + 7)
    assert later.seconds is not None
    torch.testing.assert_close(later.seconds, (seconds - seconds[0]).float())
    with pytest.raises(ValueError, match="frame_index"):
        _with(processor, clock="sundial")


def test_a_prompt_with_the_time_says_how_long_the_video_takes() -> None:
    tokenizer = train_tokenizer(grammar_texts())
    processor = SR3DProcessor(tokenizer, tile_size=32, grid=8, token_grid=2, time_prompt=True)
    prefix = processor.prepare(pixels(0, 2), [], seconds=torch.tensor([0.0, 1.4])).prefix
    words = tokenizer.decode([i for i in prefix.tolist() if i not in (IMAGE, CAMERA, SCALE)])
    assert words == "the time from the first picture to the last is 1.4 s"  # no <unk>: all words are of the grammar
    with pytest.raises(ValueError, match="seconds"):
        processor.prepare(pixels(0, 2), [])


def test_a_region_of_one_frame_is_followed_where_the_processor_says_so(processor: SR3DProcessor) -> None:
    marked = [Region({0: torch.ones(32, 32, dtype=torch.bool)})]
    still = pixels(0, 1).repeat(3, 1, 1, 1)[..., :32, :32]
    assert _with(processor, follow=True).prepare(still, ["<region0>?"], regions=marked).regions.masks.shape[0] == 3
    assert processor.prepare(still, ["<region0>?"], regions=marked).regions.masks.shape[0] == 1


def test_a_model_that_takes_no_point_map_does_not_look_at_one() -> None:
    blind = SR3DProcessor.from_config(
        SR3DConfig(position_encoding=False, scale="none"), train_tokenizer(grammar_texts())
    )
    sample = blind.prepare(
        pixels(0, 2), ["How long is it?"], world_points(0, 2), world_T_cam=torch.eye(4).repeat(2, 1, 1)
    )
    assert sample.scale is None
    assert not sample.points_valid.any()
    assert not sample.camera_known.any()
    for config in (
        SR3DConfig(position_encoding=True, scale="none"),
        SR3DConfig(position_encoding=False, scale="token"),
    ):
        assert SR3DProcessor.from_config(config, train_tokenizer(grammar_texts())).point_map
