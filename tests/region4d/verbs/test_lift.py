"""`region4d lift` from end to end with an untrained model: files, places, choices, and every refusal in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
import trimesh
import typer
from PIL import Image
from scipy.spatial import cKDTree

from benchmarks.metrics.surface import Surface
from models.geometry import unproject
from models.lifting.human_choices import GivenObject, image_hash, mask_hash, read_choices
from models.lifting.meshes.mesh import ColouredMesh
from models.lifting.meshes.ray_casting import render_meshes
from scenes.readers.masks.mask_file import read_mask
from scenes.readers.rgbd import read_rgbd_folder
from tests.support.lifting import SeenObject, overlap, true_object
from tests.support.programs.command_line import Run, assert_one_line

Lift = Callable[..., tuple[int, str, str]]
MESHES = {"lifted.glb", "lifted.ply", "poses.json", "turntable.png", "over_photo.png"}


@pytest.fixture
def photo(seen: SeenObject, tmp_path: Path) -> Path:
    """A folder with a photo, a mask, depth as a picture (millimetres) and as an array (metres)."""
    depth = seen.points.xyz[..., 2].numpy()
    Image.fromarray(seen.image.permute(1, 2, 0).contiguous().numpy()).save(tmp_path / "photo.png")
    Image.fromarray((255 * seen.mask.to(torch.uint8)).numpy()).save(tmp_path / "mask.png")
    Image.fromarray((1000 * depth).round().astype(np.uint16)).save(tmp_path / "depth.png")
    np.save(tmp_path / "depth.npy", depth)
    return tmp_path


@pytest.fixture
def camera(seen: SeenObject) -> str:
    (fx, _, cx), (_, fy, cy), _ = seen.intrinsics.tolist()
    return f"{fx},{fy},{cx},{cy}"


@pytest.fixture
def lift(region4d: Run, photo: Path, untrained: Path) -> Lift:
    """Lift from the photo with the tiny model into `out`; later words win over these."""

    def run(*words: str) -> tuple[int, str, str]:
        given = [word.replace("HERE", str(photo)) for word in words]
        source = [] if given and not given[0].startswith("-") else [str(photo / "photo.png")]
        model = [] if "--model" in given else ["--model", str(untrained)]
        steps = [] if "--steps" in given else ["--steps", "2"]
        samples = [] if {"--best-of", "--choose"} & set(given) else ["--best-of", "1"]
        return region4d("lift", *source, *given, *model, *steps, *samples, "-o", str(photo / "out"))

    return run


MASK = ("--mask", "HERE/mask.png")
DEPTH = ("--depth", "HERE/depth.png")


def poses(folder: Path) -> dict:
    return json.loads((folder / "poses.json").read_text())


def in_camera(path: Path) -> trimesh.Trimesh:
    """Read a GLB or PLY, and turn a GLB as its frame says."""
    if path.suffix == ".ply":
        return trimesh.load(path, process=False)
    placed = trimesh.load(path, force="scene").to_geometry()
    return trimesh.Trimesh(placed.vertices * [1, -1, -1], placed.faces, process=False)


@pytest.mark.long
def test_a_mask_and_a_box_become_one_scene_with_poses_and_pictures(lift: Lift, photo: Path, camera: str) -> None:
    code, out, err = lift("--mask", "0:HERE/mask.png", "--region", "1:50,2,115,70", *DEPTH, "--intrinsics", camera)
    assert code == 0, err
    assert {path.name for path in (photo / "out").iterdir()} == {*MESHES, "mask_0.png", "mask_1.png"}
    assert "object_1" in out
    assert err == ""
    found = poses(photo / "out")
    assert "OpenCV" in found["frame"]
    assert found["units"] == "metres"
    assert found["depth"].endswith("depth.png")
    assert found["steps"] == 2
    assert found["seconds"] > 0
    scene = trimesh.load(photo / "out" / "lifted.glb", force="scene")
    for k, fact in enumerate(found["objects"]):
        mesh = scene.geometry[f"object_{k}"]
        np.testing.assert_allclose(mesh.metadata["cam_T_obj"], fact["cam_T_obj"], atol=1e-6)
        assert fact["size_along_own_axes"] == pytest.approx((fact["scale"] * mesh.extents).tolist(), rel=1e-4)
        assert fact["median_distance"] > 0
        assert 0 <= fact["support"] <= 1
        assert fact["confidence"] is None  # this model is not calibrated
        assert fact["shape_from"] in fact["why"] or "hull" in fact["why"]
    ply, glb = (in_camera(photo / "out" / name) for name in ("lifted.ply", "lifted.glb"))
    for one, other in ((ply, glb), (glb, ply)):  # the order of the objects is the reader's
        assert cKDTree(one.vertices).query(other.vertices)[0].max() < 1e-4
    assert overlap(read_mask(photo / "out" / "mask_1.png", 96, 128), read_mask(photo / "mask.png", 96, 128)) > 0.85


@pytest.mark.long
def test_json_says_what_marks_each_object_and_where_it_has_depth(lift: Lift, photo: Path, camera: str) -> None:
    words = ("--mask", "0:HERE/mask.png", "--region", "1:50,2,115,70", *DEPTH, "--intrinsics", camera, "--json")
    code, out, err = lift(*words, "--fit", "none")
    assert code == 0, err
    said = json.loads(out)
    assert said["scale"] == "metres"
    assert said["depth"].endswith("depth.png")
    assert [region["marked_by"] for region in said["regions"]] == [["--mask"], ["--region"]]
    depth = np.load(photo / "depth.npy")
    for k, region in enumerate(said["regions"]):
        mask = read_mask(photo / "out" / f"mask_{k}.png", 96, 128).numpy()
        (entry,) = region["frames"]
        assert entry == {
            "frame": 0,
            "pixels": said["objects"][k]["mask_pixels"],
            "pixels_with_depth": int((mask & np.isfinite(depth) & (depth > 0)).sum()),
        }


@pytest.mark.long
@pytest.mark.parametrize(("asked", "taken"), [("auto", "hull"), ("network", "network"), ("hull", "hull")])
def test_an_untrained_shape_gives_way_to_what_is_seen_unless_told(
    lift: Lift, photo: Path, camera: str, asked: str, taken: str
) -> None:
    words = (*MASK, *DEPTH, "--intrinsics", camera, "--fit", "none", "--shape", asked)
    code, out, err = lift(*words)
    assert code == 0, err
    fact = poses(photo / "out")["objects"][0]
    assert (fact["shape_from"], poses(photo / "out")["shape"]) == (taken, asked)
    named = {"hull": "the visible hull", "network": "the network's shape"}[taken]
    assert f"object_0: {named}" in out
    if taken == "hull":
        assert fact["agreement"]["hull"]["silhouette_iou"] > 0.8
        assert fact["median_distance"] < 0.02


def test_without_depth_what_is_seen_is_the_mask_as_a_solid(lift: Lift, photo: Path) -> None:
    code, out, err = lift(*MASK, "--shape", "hull")
    assert code == 0, err
    assert "object_0: the mask, inflated to a solid (silhouette 9" in out
    facts = poses(photo / "out")["objects"][0]
    assert (facts["shape_from"], facts["confidence"], facts["support"]) == ("mask", None, None)
    assert facts["agreement"]["mask"]["depth_error"] is None


def test_without_depth_a_mesh_is_laid_on_its_mask_by_the_camera_of_the_photo(
    lift: Lift, photo: Path, seen: SeenObject
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 30  # millimetres, for 35 mm film
    Image.open(photo / "photo.png").save(photo / "photo.jpg", exif=exif)
    code, _, err = lift("HERE/photo.jpg", *MASK)
    assert code == 0, err
    assert "the camera is that of the photo's EXIF data: 60 degrees across" in err
    found = poses(photo / "out")
    assert found["intrinsics"][0][0] == pytest.approx(30 * np.hypot(96, 128) / np.hypot(36, 24))
    mesh = in_camera(photo / "out" / "lifted.ply")
    pixels = mesh.vertices @ np.array(found["intrinsics"]).T
    low, high = (
        np.array(edge) for edge in (np.min(pixels[:, :2] / pixels[:, 2:], 0), np.max(pixels[:, :2] / pixels[:, 2:], 0))
    )
    rows, cols = (np.flatnonzero(seen.mask.any(axis).numpy()) for axis in (1, 0))
    np.testing.assert_allclose((low + high) / 2, [(cols[0] + cols[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2], atol=1)


def test_json_of_a_lift_without_depth_has_no_scale(lift: Lift) -> None:
    code, out, err = lift(*MASK, "--json")
    assert code == 0, err
    said = json.loads(out)
    assert (said["scale"], said["depth"]) == (None, None)
    assert said["regions"][0]["frames"][0]["pixels_with_depth"] is None


@pytest.mark.long
def test_the_same_seed_gives_the_same_meshes_and_another_one_others(lift: Lift, photo: Path) -> None:
    files = []
    for seed in ("1", "1", "2"):
        assert lift(*MASK, *DEPTH, "--seed", seed, "--shape", "network")[0] == 0
        files.append([(photo / "out" / name).read_bytes() for name in ("lifted.ply", "lifted.glb")])
        (photo / "out").rename(photo / f"out{len(files)}")
    assert files[0] == files[1]
    assert files[0] != files[2]


@pytest.mark.parametrize("file", ["lifted.ply", "lifted.glb"])
def test_an_object_lifted_right_covers_its_mask_and_lies_on_its_points_in_both_files(
    lift: Lift, photo: Path, camera: str, seen: SeenObject, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """All that is left to be wrong is what the verb does: reading the picture and camera, and writing the files."""
    monkeypatch.setattr("region4d.lifting.run.lift_many", lambda *a, **k: [true_object(seen)])
    assert lift(*MASK, *DEPTH, "--intrinsics", camera)[0] == 0
    found = poses(photo / "out")
    assert found["objects"][0]["median_distance"] < 0.01 * seen.scale  # half a voxel of 48, and depth in millimetres
    mesh = in_camera(photo / "out" / file)
    points = seen.points.xyz[seen.mask & seen.points.valid].double().numpy()
    assert np.median(Surface(mesh).distance(points)) == pytest.approx(found["objects"][0]["median_distance"], abs=0.001)
    colours = torch.zeros(len(mesh.vertices), 3, dtype=torch.uint8)
    drawn = ColouredMesh(
        torch.tensor(np.asarray(mesh.vertices)).float(), torch.tensor(np.asarray(mesh.faces)).long(), colours
    )
    intrinsics = torch.tensor(found["intrinsics"])
    assert overlap(render_meshes([drawn], intrinsics, *seen.mask.shape).hit, seen.mask) > 0.95


def test_without_depth_it_says_that_nothing_is_metric(lift: Lift, photo: Path) -> None:
    code, out, err = lift(*MASK)
    assert code == 0, err
    assert "average scene" in err
    assert "field of view of 60 degrees is assumed" in err
    assert len(err.splitlines()) == 2
    assert not any(digit in out.split("object_0")[1].splitlines()[0] for digit in "0123456789")
    found = poses(photo / "out")
    assert "average scene" in found["units"]
    assert found["objects"][0]["confidence"] is None
    assert found["objects"][0]["median_distance"] is None


@pytest.mark.long
def test_broken_depth_counts_as_unknown(lift: Lift, photo: Path, seen: SeenObject) -> None:
    files = []
    for value in (0.0, np.nan, -1.0, np.inf):
        depth = np.load(photo / "depth.npy")
        depth[:30] = np.where(seen.mask[:30].numpy(), depth[:30], value)
        np.save(photo / "depth.npy", depth)
        assert lift(*MASK, "--depth", "HERE/depth.npy", "--fov", "60")[0] == 0
        files.append((photo / "out" / "lifted.ply").read_bytes())
        (photo / "out").rename(photo / f"out{len(files)}")
    assert [file == files[0] for file in files] == [True] * 4


@pytest.mark.long
def test_a_mask_that_touches_the_border_is_lifted(lift: Lift, photo: Path) -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[:30] = 255
    Image.fromarray(mask).save(photo / "mask.png")
    code, _, err = lift(*MASK, *DEPTH)
    assert code == 0, err
    assert np.isfinite(in_camera(photo / "out" / "lifted.ply").vertices).all()


def test_few_steps_are_taken_with_shortcut(lift: Lift, photo: Path, region4d: Run, untrained: Path) -> None:
    words = ("--mask", str(photo / "mask.png"), "--model", str(untrained), "--shortcut", "-o", str(photo / "out"))
    code, _, said = region4d("lift", str(photo / "photo.png"), *words)
    assert code == 0
    assert "not distilled for few steps" in said
    assert (poses(photo / "out")["steps"], poses(photo / "out")["shortcut"]) == (4, True)


@pytest.mark.long
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ((), (4, True, 8)),
        (("--depth",), (4, True, 8)),
        (("--steps", "3"), (3, False, 8)),
        (("--guidance", "1"), (25, False, 8)),
        (("--no-shortcut",), (25, False, 8)),
    ],
)
def test_a_distilled_model_takes_few_steps_and_the_best_of_some_unless_told(
    photo: Path, region4d: Run, untrained: Path, given: tuple[str, ...], taken: tuple[int, bool, int]
) -> None:
    config = copytree(untrained, photo / "distilled") / "config.json"
    config.write_text(config.read_text().replace('"distilled": false', '"distilled": true'))
    depth = (str(photo / "depth.png"), "--fit", "pose") if "--depth" in given else ()
    words = ("--mask", str(photo / "mask.png"), "--model", str(config.parent), *given, *depth, "-o", str(photo / "out"))
    code, _, said = region4d("lift", str(photo / "photo.png"), *words)
    assert (code, "distilled" in said) == (0, False)
    assert tuple(poses(photo / "out")[key] for key in ("steps", "shortcut", "best_of")) == taken


@pytest.mark.long
def test_a_choice_is_recorded_as_pairs_and_the_chosen_one_is_written(lift: Lift, photo: Path) -> None:
    bare = ("--fit", "none")  # fits magnify the rounding that differs between one object and a batch
    assert lift(*MASK, *DEPTH, *bare, "--seed", "5", "--choose", "3", "--choice", "2")[0] == 0
    (choice,) = read_choices(photo / "out" / "choices.jsonl")
    assert choice.pairs() == [(6, 5), (6, 7)]
    assert choice.fit == "none"
    given = GivenObject.read(photo / "out" / str(choice.given))
    assert (image_hash(given.image), mask_hash(given.mask)) == (choice.image_sha256, choice.mask_sha256)
    assert given.depth is not None
    assert len(choice.mask_sha256) == len(choice.image_sha256) == len(choice.model_sha256) == 64
    assert (photo / "out" / "candidates.png").is_file()
    assert poses(photo / "out")["objects"][0]["seed"] == 6
    chosen = (photo / "out" / "lifted.ply").read_bytes()
    (photo / "out").rename(photo / "out1")
    assert lift(*MASK, *DEPTH, *bare, "--shape", "network", "--seed", "6")[0] == 0
    again = trimesh.load(photo / "out" / "lifted.ply", process=False)  # alone instead of in a batch: up to rounding
    first = trimesh.load(trimesh.util.wrap_as_stream(chosen), file_type="ply", process=False)
    np.testing.assert_allclose(again.bounds, first.bounds, atol=1e-3)


@pytest.mark.long
def test_a_choice_with_depth_is_among_fitted_shapes(lift: Lift, photo: Path) -> None:
    assert lift(*MASK, *DEPTH, "--seed", "5", "--choose", "2", "--choice", "1")[0] == 0
    assert [choice.fit for choice in read_choices(photo / "out" / "choices.jsonl")] == ["shape"]


@pytest.mark.long
def test_a_person_is_asked_until_the_answer_is_one(lift: Lift, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, shown = [7, 0], []

    def answer(question: str, type: type) -> int:
        shown.append(Path(question.split(" shows ")[0]).is_file())
        return answers.pop(0)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", answer)
    assert lift(*MASK, *DEPTH, "--choose", "2")[0] == 0
    assert shown == [True, True]
    written = {path.name for path in (photo / "out").iterdir()}
    assert written == {"candidates.png", "choices.jsonl", "given_0.npz", "mask_0.png"}
    (choice,) = read_choices(photo / "out" / "choices.jsonl")
    assert choice.chosen is None
    assert choice.rejected == [0, 1]
    assert choice.pairs() == []
    assert not (photo / "out_candidates.png").exists()


def test_a_line_that_is_no_choice_is_named(tmp_path: Path) -> None:
    (tmp_path / "choices.jsonl").write_text('{"chosen": 1}\n')
    with pytest.raises(ValueError, match="line 1 is not a choice"):
        read_choices(tmp_path / "choices.jsonl")


def spoil(photo: Path) -> None:
    """Write the wrong files that the refusals below are given."""
    depth, mask = np.load(photo / "depth.npy"), np.asarray(Image.open(photo / "mask.png"))
    np.save(photo / "sky.npy", np.full_like(depth, np.inf))
    np.save(photo / "hole.npy", np.where(mask > 0, np.nan, depth))
    np.save(photo / "mm.npy", 1000 * depth)
    np.save(photo / "half.npy", depth[::2, ::2])
    np.save(photo / "cube.npy", depth[None])
    (photo / "text.npy").write_text("no array")
    Image.fromarray(np.zeros_like(mask)).save(photo / "empty.png")
    Image.fromarray(mask[:32, :40]).save(photo / "small.png")
    (photo / "text.png").write_text("no picture")
    (photo / "other").mkdir()
    (photo / "other" / "config.json").write_text('{"model_type": "sr3d"}')
    (photo / "other" / "model.safetensors").write_bytes(b"")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["HERE/none.png", *MASK], ["no such file", "none.png"]),
        ([], ["--mask", "--region"]),
        (["HERE/text.png", *MASK], ["text.png", "picture"]),
        ([*MASK, "--frame", "3"], ["frames 0 to 0", "3"]),
        (["--mask", "HERE/none.png"], ["no mask picture", "none.png"]),
        (["--mask", "HERE/empty.png", *DEPTH], ["empty.png", "is empty"]),
        (["--mask", "HERE/small.png"], ["40x32", "128x96"]),
        (["--region", "1,2,3"], ["--region '1,2,3'", "4 numbers"]),
        (["--region", "200,10,300,50"], ["200,10,300,50", "outside", "128"]),
        (["--region", "30,10,20,50"], ["no area"]),
        (["--region", "0,70,40,95", *DEPTH, "--fov", "60"], ["--region 0,70,40,95", "stands out", "mask"]),
        ([*MASK, "--depth", "HERE/none.npy"], ["no depth file", "none.npy"]),
        ([*MASK, "--depth", "HERE/half.npy"], ["64x48", "128x96"]),
        ([*MASK, "--depth", "HERE/mm.npy"], ["mm.npy", "outside of 0.05 to 200 m", "--depth-scale"]),
        ([*MASK, "--depth", "HERE/cube.npy"], ["(1, 96, 128)", "(height, width)"]),
        ([*MASK, "--depth", "HERE/text.npy"], ["text.npy", "one array"]),
        ([*MASK, "--depth", "HERE/photo.png"], ["mode RGB", "16-bit"]),
        ([*MASK, "--depth", "HERE/sky.npy"], ["unknown at every pixel", "--no-depth"]),
        ([*MASK, "--depth", "HERE/hole.npy"], ["mask.png", "has depth", "--no-depth"]),
        ([*MASK, *DEPTH, "--no-depth"], ["--depth and --no-depth", "exclude"]),
        ([*MASK, "--frame", "0", "--frames", "2"], ["--frames and --frame", "exclude"]),
        ([*MASK, "--region", "1,2,30,40"], ["--region '1,2,30,40'", "K:"]),
        (["--mask", "1:HERE/mask.png"], ["without a gap", "[1]"]),
        ([*MASK, "--depth-scale", "1000"], ["--depth-scale", "--depth FILE"]),
        ([*MASK, "--depth-model", "nowhere"], ["nowhere", "hf download"]),
        ([*MASK, "--intrinsics", "1,2"], ["--intrinsics '1,2'", "4 numbers"]),
        ([*MASK, "--intrinsics", "0,1,2,3"], ["focal", "positive"]),
        ([*MASK, "--intrinsics", "none.json"], ["none.json"]),
        ([*MASK, "--intrinsics", "1,1,1,1", "--fov", "60"], ["--intrinsics and --fov"]),
        ([*MASK, "--model", "HERE"], ["config.json", "lifting model"]),
        ([*MASK, "--model", "HERE/other"], ["lifting model", "other"]),
        ([*MASK, "--device", "toaster"], ["unknown device 'toaster'", "cpu, cuda or cuda:N"]),
        ([*MASK, "--device", "cuda:99"], ["cuda:99", "--device cpu"]),
        ([*MASK, "--choose", "2"], ["terminal", "--choice"]),
        ([*MASK, "--choice", "1"], ["--choose 1"]),
        ([*MASK, *DEPTH, "--choose", "2", "--choice", "1", "--best-of", "2"], ["--best-of", "give one of them"]),
        ([*MASK, *DEPTH, "--choose", "2", "--choice", "1", "--shape", "auto"], ["--shape auto", "give one of them"]),
        ([*MASK, "--shortcut", "--guidance", "2"], ["--shortcut and --guidance", "exclude"]),
        ([*MASK, *MASK, "--choose", "2", "--choice", "1"], ["one object", "got 2"]),
    ],
)
def test_what_cannot_be_lifted_is_refused_in_one_line_and_nothing_is_written(
    lift: Lift, photo: Path, words: list[str], said: list[str]
) -> None:
    spoil(photo)
    before = sorted(photo.iterdir())
    assert_one_line(lift(*words), *said)
    assert sorted(photo.iterdir()) == before


def test_a_folder_that_exists_is_not_replaced(lift: Lift, photo: Path) -> None:
    (photo / "out").mkdir()
    assert_one_line(lift(*MASK), "out exists", "remove")


@pytest.mark.long
def test_what_fails_while_it_is_written_leaves_nothing(
    lift: Lift, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("region4d.lifting.output.turntable", full)
    before = sorted(photo.iterdir())
    assert_one_line(lift(*MASK, *DEPTH, "--fov", "60"), "No space left")
    assert sorted(photo.iterdir()) == before


@pytest.mark.long
def test_a_chair_of_redwood_is_lifted_from_a_box_into_two_files_that_agree(
    lift: Lift, photo: Path, shared_data: Path
) -> None:
    room = shared_data / "redwood_rgbd"
    code, _, err = lift(str(room), "--frame", "4", "--region", "330,105,603,385")
    assert code == 0, err
    clip = read_rgbd_folder(room, indices=[4])
    points = unproject(clip.depth[0], clip.intrinsics[0])
    mask = read_mask(photo / "out" / "mask_0.png", 480, 640)
    assert 30_000 < mask.sum() < 40_000  # the chair; half of the box is wall and floor
    visible = points.xyz[mask & points.valid].double().numpy()
    noted = poses(photo / "out")["objects"][0]["median_distance"]
    for name in ("lifted.ply", "lifted.glb"):
        measured = np.median(Surface(in_camera(photo / "out" / name)).distance(visible))
        assert measured == pytest.approx(noted, abs=1e-5)  # metres; files hold single precision


@pytest.mark.long
def test_the_depth_scale_and_camera_of_an_rgbd_folder_can_be_told(lift: Lift, photo: Path, shared_data: Path) -> None:
    room = str(shared_data / "redwood_rgbd")
    words = (room, "--region", "330,105,603,385", "--depth-scale", "500", "--intrinsics", "525,525,320,240")
    assert lift(*words)[0] == 0
    found = poses(photo / "out")["objects"][0]
    (photo / "out").rename(photo / "out1")
    assert lift(room, "--region", "330,105,603,385")[0] == 0
    half = poses(photo / "out")["objects"][0]
    assert found["mask_pixels"] == half["mask_pixels"]
    assert found["scale"] == pytest.approx(2 * half["scale"], rel=1e-3)  # the model works in a frame without metres
