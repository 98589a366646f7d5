"""Tokenizer and towers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer

from model.towers import Towers
from model.training.compose import PictureSet
from model.training.folder import TrainingError
from model.training.recipe import Recipe
from model.training.text_encoder import (
    build_image_tower,
    build_text_tower,
    build_tokenizer,
    contrast,
    fit_projections,
    measure_towers,
    read_layers,
    save_layers,
    tokenize,
    train_towers,
)

CAPTIONS = ["a red apple", "a blue star on a white background", "a tree, flat style"]


@pytest.fixture
def tokenizer(tiny: Recipe) -> CLIPTokenizer:
    return build_tokenizer(CAPTIONS, ["octopus", "rainbow"], tiny)


@pytest.fixture
def towers(tiny: Recipe, tokenizer: CLIPTokenizer) -> Towers:
    torch.manual_seed(0)
    return Towers(build_text_tower(tokenizer, tiny), build_image_tower(tiny))


@pytest.mark.parametrize("word", ["apple", "background", "octopus", "rainbow"])
def test_known_words_are_one_token(tokenizer: CLIPTokenizer, word: str) -> None:
    assert tokenizer.tokenize(word) == [word + "</w>"]


def test_unknown_words_split_and_every_character_can_be_written(tokenizer: CLIPTokenizer) -> None:
    assert len(tokenizer.tokenize("zyxq")) > 1
    assert tokenizer.unk_token_id not in tokenizer("ñandú 🦊", add_special_tokens=False).input_ids


def test_captions_are_padded_to_the_length_of_the_prompt(tokenizer: CLIPTokenizer, tiny: Recipe) -> None:
    tokens = tokenize(tokenizer, CAPTIONS)

    assert tokens.shape == (3, tiny.prompt_tokens)
    assert (tokens[:, 0] == tokenizer.bos_token_id).all()
    assert (tokens[:, -1] == tokenizer.eos_token_id).all()


def test_matching_vectors_have_less_loss_than_crossed_ones() -> None:
    vectors = torch.eye(4)
    same = torch.eye(4, dtype=torch.bool)

    assert contrast(vectors, vectors, same, torch.tensor(10.0)) < contrast(
        vectors, vectors.roll(1, 0), same, torch.tensor(10.0)
    )


def test_the_same_caption_twice_in_a_batch_is_no_contradiction() -> None:
    text = torch.eye(2)[[0, 0, 1]]
    same = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])

    apart = contrast(text, text, torch.eye(3, dtype=torch.bool), torch.tensor(50.0))
    assert contrast(text, text, same, torch.tensor(50.0)) == pytest.approx(apart.item(), abs=1e-4)
    wrong = contrast(text, torch.eye(2)[[0, 1, 1]], same, torch.tensor(50.0))
    assert wrong > contrast(text, text, same, torch.tensor(50.0))


def test_saved_towers_give_the_same_vectors(towers: Towers, tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    towers.eval()
    towers.text.save_pretrained(tmp_path / "text_encoder")
    towers.save_image_side(tmp_path / "image_encoder")
    loaded = Towers.load(tmp_path)
    tokens, pixels = tokenize(tokenizer, CAPTIONS), torch.zeros(1, 3, 32, 32)

    with torch.no_grad():
        torch.testing.assert_close(loaded.embed_tokens(tokens), towers.embed_tokens(tokens), atol=1e-3, rtol=1e-2)
        torch.testing.assert_close(loaded.embed_pixels(pixels), towers.embed_pixels(pixels))
        assert loaded.embed_tokens(tokens).norm(dim=-1) == pytest.approx(1.0)


def test_towers_learn_to_match_and_a_locked_text_tower_stays(
    towers: Towers,
    tokenizer: CLIPTokenizer,
    pictures: PictureSet,
    tiny: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("model.training.loop.time.monotonic", lambda: float(next(ticks)))
    text = {name: tensor.clone() for name, tensor in towers.text.state_dict().items()}
    before = measure_towers(towers, tokenizer, pictures)["caption_top5"]
    trained = train_towers(towers, tokenizer, pictures, tiny, 2.0, tmp_path, lock_text=True)

    assert measure_towers(trained, tokenizer, pictures)["caption_top5"] > before
    for name, tensor in trained.text.state_dict().items():
        assert torch.equal(tensor, text[name]), name


def test_a_tower_without_its_table_goes_with_that_of_the_weights_to_start_from(
    towers: Towers, tiny: Recipe, tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    """Its layers are those that were saved; the table is the same, so it need not be kept twice."""
    towers.text.save_pretrained(tmp_path / "init" / "text_encoder")
    learned = build_text_tower(tokenizer, tiny)
    learned.set_input_embeddings(towers.text.get_input_embeddings())
    save_layers(learned, tmp_path / "text_encoder")
    read = read_layers(tmp_path / "text_encoder", tmp_path / "init")

    for name, tensor in read.state_dict().items():
        torch.testing.assert_close(tensor, learned.state_dict()[name], atol=1e-3, rtol=1e-3)
    with pytest.raises(TrainingError, match="give --init"):
        read_layers(tmp_path / "text_encoder", None)


def test_projections_are_fitted_to_towers_that_stay(
    towers: Towers, tokenizer: CLIPTokenizer, pictures: PictureSet
) -> None:
    """They find the right captions more often, and for the text alone the image side stays too."""
    text, image = (
        {name: tensor.clone() for name, tensor in part.state_dict().items()} for part in (towers.text, towers.image)
    )
    before = measure_towers(towers, tokenizer, pictures)["caption_top5"]
    fit_projections(towers, tokenizer, pictures, len(pictures.scenes), text_only=True, steps=60, batch=32)
    torch.testing.assert_close(towers.text.state_dict(), text)
    torch.testing.assert_close(towers.image.state_dict(), image)
    fit_projections(towers, tokenizer, pictures, len(pictures.scenes), steps=60, batch=32)
    assert not torch.equal(towers.image.visual_projection.weight, image["visual_projection.weight"])
    assert measure_towers(towers, tokenizer, pictures)["caption_top5"] > before
