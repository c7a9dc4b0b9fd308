"""Choices of people become pairs of the shapes that they saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
import torch

from models.lifting import Guidance, LiftingModel, Sampling, lift_many
from models.lifting.checkpoint import build_model, load_model, save_model
from models.lifting.human_choices import GivenObject, HumanChoice, add_choice, image_hash, mask_hash
from models.lifting.meshes.mesh import extract_mesh
from tests.support.lifting import SeenObject, shaken
from training.lifting import PreferenceAlignment, preferences
from training.lifting.batches import views_of
from training.lifting.human_preferences import SIDE, draw_shapes, squared, weights_sha256


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    encoder = {"patch": 8, "width": 16, "depth": 1, "heads": 2}
    model = build_model(
        vae={"resolution": 8, "channels": [8, 8, 16], "blocks": 1},
        flow={"width": 24, "depth": 2, "heads": 2},
        conditioner={
            "width": 24,
            "image_size": 16,
            "image": encoder,
            "mask": encoder,
            "points": {"width": 16, "size": 16, "patch": 8, "heads": 2},
        },
    )
    found = tmp_path_factory.mktemp("chosen") / "model"
    save_model(shaken(model), found)
    return found


@pytest.fixture(scope="module")
def model(folder: Path) -> LiftingModel:
    return load_model(folder)


@pytest.fixture(scope="module")
def given(seen: SeenObject) -> GivenObject:
    depth = torch.where(seen.points.valid, seen.points.xyz[..., 2], 0.0)
    return GivenObject(seen.image, seen.mask, depth, seen.intrinsics)


@pytest.fixture
def choice(folder: Path, given: GivenObject) -> HumanChoice:
    hashes = image_hash(given.image), mask_hash(given.mask), weights_sha256(folder)
    return HumanChoice("a.png", 0, "mask_0.png", *hashes, 2, False, 6, [5, 7], 0.0, "none", "given_0.npz")


@pytest.fixture
def chosen(tmp_path: Path, given: GivenObject, choice: HumanChoice) -> Path:
    """A folder with the output of one lift, whose second candidate was chosen."""
    output = tmp_path / "lifts" / "cup"
    output.mkdir(parents=True)
    given.write(output / "given_0.npz")
    add_choice(output / "choices.jsonl", choice)
    return tmp_path / "lifts"


def test_the_candidates_are_those_that_were_shown(
    model: LiftingModel, given: GivenObject, choice: HumanChoice, seen: SeenObject
) -> None:
    shapes = draw_shapes(model, given, choice, [5, 6])
    shown = lift_many(
        [seen.image] * 2,
        [seen.mask] * 2,
        [seen.points] * 2,
        intrinsics=[seen.intrinsics] * 2,
        model=model,
        sampling=Sampling(steps=2, guidance=Guidance(0.0)),
        seeds=[5, 6],
    )
    inside = model.vae.inside(model.vae.decode_tokens(shapes))
    for field, lifted in zip(inside, shown, strict=True):
        torch.testing.assert_close(extract_mesh(field).vertices, lifted.mesh.vertices, atol=1e-4, rtol=0)


def test_choices_train_end_to_end(chosen: Path, folder: Path) -> None:
    data = preferences(folder=str(folder), choices=str(chosen), batch_size=2, seed=0, seeds=[0, 8])
    data.setup("fit")
    batch = data.first(8, torch.device("cpu"))
    assert len(batch["winner"]) == 2  # the chosen one against each other one
    assert torch.equal(batch["winner"][0], batch["winner"][1])
    assert not torch.equal(batch["winner"], batch["loser"])
    stage = PreferenceAlignment(model=load_model(folder), learning_rate=1e-2)
    optimizer = torch.optim.SGD(stage.trained_parameters(), lr=1e-2)
    torch.manual_seed(0)
    loss = stage.training_step(batch, 0)
    assert float(loss.detach()) == pytest.approx(0.6931, abs=1e-3)  # log 2, where model and reference are equal
    loss.backward()
    optimizer.step()
    torch.manual_seed(0)
    assert float(stage.training_step(batch, 0).detach()) < 0.6931
    assert "2 pairs of 1 human choices" in data.summary()


def test_a_square_shows_the_networks_what_the_picture_does(model: LiftingModel, given: GivenObject) -> None:
    item = {name: value[None] for name, value in squared(given).items()}
    views, normalizer = views_of(item | {"image": item["image"].float()}, model, torch.zeros(1, dtype=torch.bool))
    depth = given.depth
    assert depth is not None
    whole = {"image": given.image, "mask": given.mask, "depth": depth, "intrinsics": given.intrinsics}
    direct, expected = views_of(
        {name: value[None] for name, value in whole.items()}, model, torch.zeros(1, dtype=torch.bool)
    )
    assert item["mask"].shape == (1, SIDE, SIDE)
    torch.testing.assert_close(normalizer.scale, expected.scale, rtol=0.02, atol=0)
    assert (views.full.mask == direct.full.mask).float().mean() > 0.97
    assert (views.crop.image - direct.crop.image).abs().mean() < 0.06


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_sha256": "0"}, "none of the 1 choices with a winner .* is among candidates of this model"),
        ({"given": None}, "of an older version, without what was lifted: choose again"),
        ({"image_sha256": "0"}, "is not that of the choice beside it"),
        ({"chosen": None}, "none of the 1 choices in .* has a winner and a loser"),
    ],
)
def test_choices_that_cannot_train_are_one_clear_line(
    chosen: Path, folder: Path, choice: HumanChoice, change: dict[str, str | None], message: str
) -> None:
    (chosen / "cup" / "choices.jsonl").unlink()
    add_choice(chosen / "cup" / "choices.jsonl", replace(choice, **change))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        preferences(folder=str(folder), choices=str(chosen), batch_size=2, seed=0).setup("fit")


def test_a_removed_picture_is_named_before_anything_is_drawn(chosen: Path, folder: Path) -> None:
    (chosen / "cup" / "given_0.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"no '.*given_0\.npz', which the choice beside it is for: restore it"):
        preferences(folder=str(folder), choices=str(chosen), batch_size=2, seed=0)


def test_a_draft_of_a_lift_that_was_killed_is_no_choice(chosen: Path, folder: Path) -> None:
    copytree(chosen / "cup", chosen / ".cup.draft-01234567-1-0")
    assert (
        "2 pairs of 1 human choices"
        in preferences(folder=str(folder), choices=str(chosen), batch_size=2, seed=0).summary()
    )


def test_shuffled_choices_are_a_control_and_an_unknown_one_is_refused(chosen: Path, folder: Path) -> None:
    def winners(control: str, seed: int) -> list[bool]:
        data = preferences(folder=str(folder), choices=str(chosen), control=control, batch_size=2, seed=seed)
        data.setup("fit")
        batch = data.first(2, torch.device("cpu"))
        return [torch.equal(winner, true) for winner, true in zip(batch["winner"], right, strict=True)]

    data = preferences(folder=str(folder), choices=str(chosen), batch_size=2, seed=0)
    data.setup("fit")
    right = data.first(2, torch.device("cpu"))["winner"]
    assert winners("winners_only", 0) == [True, True]
    swapped = [winners("shuffled", seed) for seed in range(4)]
    assert {kept for each in swapped for kept in each} == {True, False}
    assert winners("shuffled", 1) == swapped[1]
    with pytest.raises(ValueError, match="control='shufled' is unknown; choose one of none, shuffled, winners_only"):
        winners("shufled", 0)


def test_an_empty_folder_says_what_makes_choices(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give the folder of outputs of `region4d lift --choose N`"):
        preferences(folder=str(folder), choices=str(tmp_path), batch_size=2, seed=0)
    (tmp_path / "given_0.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ValueError, match="or it is damaged"):
        GivenObject.read(tmp_path / "given_0.npz")
