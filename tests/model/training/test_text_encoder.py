"""Tokenizer and towers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer

from model.training.compose import PictureSet
from model.training.recipe import Recipe
from model.training.text_encoder import (
    Towers,
    build_image_tower,
    build_text_tower,
    build_tokenizer,
    contrast,
    measure_towers,
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
