"""Stage 3, the two towers: captions and pictures mapped to one space, in which what belongs together is close (CLIP).

The text tower is what the denoiser reads. The image tower is kept too: with it, pictures can be described, compared
and used as references. A fresh run trains both sides. A run that starts from given weights keeps their text tower
locked, because its denoiser reads those very states, and trains the image tower and both projections against it
(Zhai et al. 2022 call that locked-text tuning).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from model.towers import Towers

from .autoencoder import as_pixels
from .compose import PictureSet
from .folder import TrainingError
from .loop import Schedule, train
from .recipe import Recipe

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

TABLE = "embeddings.token_embedding.weight"


def build_tokenizer(captions: Iterable[str], words: Iterable[str], recipe: Recipe) -> CLIPTokenizer:
    """A CLIPTokenizer whose byte pairs are learned from captions and further `words`, so that most are one token."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    counted = Counter(word for caption in captions for word in caption.lower().replace(",", " ,").split())
    # Rare words count as much as common ones: what matters is that each becomes a single token.
    corpus = [word for word, count in counted.items() for _ in range(min(60, count + 4))]
    corpus += [word for word in words for _ in range(4)]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    learner.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=recipe.vocabulary, end_of_word_suffix="</w>", initial_alphabet=alphabet, show_progress=False
        ),
    )
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    # CLIP's order: bytes, bytes that end a word, merges, the two marks.
    tokens = [*alphabet, *(byte + "</w>" for byte in alphabet), *("".join(merge) for merge in merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    for mark in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[mark] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=recipe.prompt_tokens)


def build_text_tower(tokenizer: CLIPTokenizer, recipe: Recipe) -> CLIPTextModel:
    """An untrained CLIPTextModel for this tokenizer."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.text_width,
            intermediate_size=recipe.text_width * 5 // 2,
            num_hidden_layers=recipe.text_layers,
            num_attention_heads=max(1, recipe.text_width // 64),
            max_position_embeddings=recipe.prompt_tokens,
            projection_dim=recipe.embedding,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def save_layers(tower: CLIPTextModel, folder: Path) -> None:
    """Write a text tower without its table of tokens, in half precision: what `read_layers` reads."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    layers = {name: tensor.half() for name, tensor in tower.state_dict().items() if name != TABLE}
    save_file(layers, folder / "model.safetensors")


def read_layers(folder: Path, init: Path | None) -> CLIPTextModel:
    """The text tower of `init` with the layers in `folder`: an unfinished tower whose table of tokens has not changed.
    TrainingError where there is no `init`, or where the two do not fit."""
    from safetensors.torch import load_file
    from transformers import CLIPTextModel

    if init is None:
        raise TrainingError(
            f"The text tower in {folder} has no table of tokens: give --init, whose table it goes with."
        )
    tower = CLIPTextModel.from_pretrained(init / "text_encoder", dtype=torch.float32)
    layers = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    try:
        missing, strange = tower.load_state_dict(layers, strict=False)
    except RuntimeError:
        missing, strange = [], ["layers of another shape"]
    if strange or any(name != TABLE for name in missing):
        raise TrainingError(
            f"The text tower in {folder} does not fit that of {init}: {', '.join([*missing, *strange])}"
        )
    return tower


def build_image_tower(recipe: Recipe) -> CLIPVisionModelWithProjection:
    """An untrained CLIPVisionModelWithProjection that looks at 8x8 patches."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            image_size=recipe.size,
            patch_size=8,
            hidden_size=recipe.image_tower_width,
            intermediate_size=2 * recipe.image_tower_width,
            num_hidden_layers=recipe.image_tower_layers,
            num_attention_heads=max(1, recipe.image_tower_width // 32),
            projection_dim=recipe.embedding,
        )
    )


def tokenize(tokenizer: CLIPTokenizer, captions: Sequence[str]) -> Tensor:
    """Token numbers (N, T), padded to the tokenizer's length."""
    length = tokenizer.model_max_length
    tokens: Tensor = tokenizer(
        list(captions), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    return tokens


@torch.no_grad()
def likeness(tokenizer: CLIPTokenizer, tower: CLIPTextModel, word: str, other: str) -> float:
    """How alike two words are in the tower's table of tokens: the cosine (-1..1) of their mean vectors, after what all
    words share is taken away."""
    table = tower.get_parameter(TABLE)
    shared = table.mean(0)
    ours, theirs = (
        table[tokenizer(text, add_special_tokens=False).input_ids].mean(0) - shared for text in (word, other)
    )
    return float(functional.cosine_similarity(ours, theirs, dim=0))


def contrast(text: Tensor, image: Tensor, same: Tensor, scale: Tensor) -> Tensor:
    """Symmetric contrastive loss of unit vectors (B, E). `same` (B, B) marks captions that are alike: each of them is
    a right answer for the other's picture."""
    logits = scale * text @ image.T
    wanted = same.float() / same.sum(1, keepdim=True)
    return (functional.cross_entropy(logits, wanted) + functional.cross_entropy(logits.T, wanted)) / 2


def train_towers(
    towers: Towers,
    tokenizer: CLIPTokenizer,
    pictures: PictureSet,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    lock_text: bool,
    seed: int = 0,
    on_checkpoint: Callable[[Towers], None] | None = None,
) -> Towers:
    """Train the towers on captioned pictures; return the averaged weights. With `lock_text` the text tower stays."""
    device = next(towers.parameters()).device
    towers.text.requires_grad_(not lock_text)
    tokens = tokenize(tokenizer, [scene.caption for scene in pictures.scenes]).to(device)

    def batch_loss(model: Towers, generator: torch.Generator) -> Tensor:
        chosen = torch.randperm(len(tokens), generator=generator, device=device)[: recipe.contrast_batch].sort().values
        read = tokens[chosen]
        same = (read[:, None] == read[None]).all(-1)
        text, image = (
            model.embed_tokens(read),
            model.embed_pixels(as_pixels(pictures.pictures[chosen.cpu().numpy()], device)),
        )
        return contrast(text, image, same, model.logit_scale.exp().clamp(max=100))

    schedule = Schedule(minutes, recipe.contrast_rate, seed, log_every=50)
    return train(towers, batch_loss, schedule, folder / "towers.pt", on_checkpoint)


def fit_projections(
    towers: Towers,
    tokenizer: CLIPTokenizer,
    pictures: PictureSet,
    count: int,
    text_only: bool = False,
    steps: int = 1500,
    batch: int = 512,
) -> None:
    """Fit both projections (or that of the text alone), and the temperature, to the towers as they are, on the first
    `count` pictures.

    Everything below the projections is computed once, so this takes a minute: it is what an image tower needs to go on
    beside a text tower that has learned more words.
    """
    device = next(towers.parameters()).device
    towers.eval()
    count = min(count, len(pictures.scenes))
    tokens = tokenize(tokenizer, [scene.caption for scene in pictures.scenes[:count]]).to(device)
    with torch.no_grad():
        said = torch.cat([towers.text(part).pooler_output for part in tokens.split(128)])
        parts = [pictures.pictures[start : min(start + 128, count)] for start in range(0, count, 128)]
        seen = torch.cat(
            [towers.image.vision_model(pixel_values=as_pixels(part, device)).pooler_output for part in parts]
        )
    heads = [towers.text_projection.weight, towers.logit_scale]
    heads += [] if text_only else [towers.image.visual_projection.weight]
    optimizer = torch.optim.AdamW(heads, 3e-3, weight_decay=0.01)
    chance = torch.Generator(device).manual_seed(0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 3e-3 * 0.5 * (1 + math.cos(math.pi * step / steps))
        chosen = torch.randperm(count, generator=chance, device=device)[:batch]
        same = (tokens[chosen][:, None] == tokens[chosen][None]).all(-1)
        text = functional.normalize(towers.text_projection(said[chosen]), dim=-1)
        image = functional.normalize(towers.image.visual_projection(seen[chosen]), dim=-1)
        loss = contrast(text, image, same, towers.logit_scale.exp().clamp(max=100))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def measure_towers(towers: Towers, tokenizer: CLIPTokenizer, pictures: PictureSet) -> dict[str, float]:
    """Over these pictures: how often a picture's own caption is the nearest of all, and among the nearest five."""
    device = next(towers.parameters()).device
    towers.eval()
    tokens = tokenize(tokenizer, [scene.caption for scene in pictures.scenes]).to(device)
    text = torch.cat([towers.embed_tokens(part) for part in torch.split(tokens, 256)])
    image = torch.cat(
        [towers.embed_pixels(as_pixels(pictures.pictures[start : start + 256], device))
         for start in range(0, len(tokens), 256)]
    )  # fmt: skip
    nearest = (image @ text.T).topk(min(5, len(tokens)), dim=1).indices
    right = (tokens[nearest] == tokens[:, None]).all(-1)
    return {"caption_top1": right[:, 0].float().mean().item(), "caption_top5": right.any(1).float().mean().item()}
