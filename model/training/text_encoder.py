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
from torch import Tensor, nn
from torch.nn import functional

from .autoencoder import as_pixels
from .compose import PictureSet
from .loop import Schedule, train
from .recipe import Recipe

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

PROJECTION_FILE = "text_projection.safetensors"


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


class Towers(nn.Module):
    """Both towers, the projection of the text side, and the temperature of their comparison."""

    def __init__(self, text: CLIPTextModel, image: CLIPVisionModelWithProjection) -> None:
        super().__init__()
        self.text, self.image = text, image
        self.text_projection = nn.Linear(text.config.hidden_size, image.config.projection_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def embed_tokens(self, input_ids: Tensor) -> Tensor:
        """Unit vectors (N, E) of tokenized captions (N, T)."""
        return functional.normalize(self.text_projection(self.text(input_ids).pooler_output), dim=-1)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Unit vectors (N, E) of pictures (N, 3, S, S) in -1..1."""
        return functional.normalize(self.image(pixel_values=pixels).image_embeds, dim=-1)

    def save_image_side(self, folder: Path) -> None:
        """Write the image tower in transformers' layout, and the text projection and temperature beside it."""
        from safetensors.torch import save_file

        self.image.save_pretrained(folder)
        small = {"weight": self.text_projection.weight.detach().half(), "logit_scale": self.logit_scale.detach()}
        save_file(small, folder / PROJECTION_FILE)
        size = self.image.config.image_size
        processor = {"image_processor_type": "CLIPImageProcessor", "do_center_crop": False, "do_resize": True,
                     "size": {"height": size, "width": size}, "resample": 3, "do_rescale": True, "do_normalize": True,
                     "image_mean": [0.5] * 3, "image_std": [0.5] * 3}  # fmt: skip
        (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Towers:
        """The towers of an exported model folder (text_encoder/ and image_encoder/)."""
        from safetensors.torch import load_file
        from transformers import CLIPTextModel, CLIPVisionModelWithProjection

        towers = cls(
            CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
            CLIPVisionModelWithProjection.from_pretrained(folder / "image_encoder", dtype=torch.float32),
        )
        small = load_file(folder / "image_encoder" / PROJECTION_FILE)
        towers.text_projection.weight.data = small["weight"].float()
        towers.logit_scale.data = small["logit_scale"].float()
        return towers.eval()


def tokenize(tokenizer: CLIPTokenizer, captions: Sequence[str]) -> Tensor:
    """Token numbers (N, T), padded to the tokenizer's length."""
    length = tokenizer.model_max_length
    tokens: Tensor = tokenizer(
        list(captions), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    return tokens


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
