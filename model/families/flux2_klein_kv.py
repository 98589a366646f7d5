"""FLUX.2-klein KV: a klein whose reference pictures attend to themselves alone, so that their keys and values serve
every step."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch

from model.families.flux2_klein import Flux2Klein, text_positions
from model.family import Condition, Conditions, Parts

Seen = Sequence[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values (1, tokens, heads, D) of references in each layer."""


class Flux2KleinKV(Flux2Klein):
    """References see neither the prompt nor the picture nor its time: what they give is computed once a request and
    kept as long as its condition lives. A plain klein was not trained so, and looks at its references in every step."""

    name = "flux2-klein-kv"

    def __init__(self, parts: Parts) -> None:
        from diffusers.models.transformers.transformer_flux2 import (
            Flux2KVAttnProcessor,
            Flux2KVParallelSelfAttnProcessor,
        )

        super().__init__(parts)
        for block in self.denoiser.transformer_blocks:
            block.attn.set_processor(Flux2KVAttnProcessor())
        for block in self.denoiser.single_transformer_blocks:
            block.attn.set_processor(Flux2KVParallelSelfAttnProcessor())
        self._kept_seen: MutableMapping[Condition, Seen] = WeakKeyDictionary()

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return not config.get("guidance_embeds", True) and index.get("_class_name") == "Flux2KleinKVPipeline"

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        parts = super().tiny(seed)
        settings = {"_class_name": "Flux2KleinKVPipeline", "is_distilled": True}
        return Parts(parts.modules, parts.scheduler, settings)

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        if not rows[0].references:
            return self._drawn(latents, timesteps, rows)
        if any(row not in self._kept_seen for row in rows):
            self._look(rows)
        layers = zip(*(self._kept_seen[row] for row in rows), strict=True)
        together = [
            (torch.cat([keys for keys, _ in layer]), torch.cat([values for _, values in layer])) for layer in layers
        ]
        return self._drawn(latents, timesteps, rows, kv_cache=self._cache(together), kv_cache_mode="cached")

    def _look(self, rows: Sequence[Condition]) -> None:
        """Keep what the references of these rows give. All rows are computed, as their LoRAs are those of a forward."""
        tokens, places = self._seen(rows)
        hidden = torch.stack([row.hidden[:1] for row in rows])  # the transformer wants a prompt, references see none
        _, cache = self.denoiser(
            hidden_states=tokens,
            timestep=torch.zeros(len(rows), dtype=tokens.dtype, device=tokens.device),
            encoder_hidden_states=hidden,
            img_ids=places.to(tokens.device),
            txt_ids=text_positions(1).to(tokens.device),
            guidance=None,
            return_dict=False,
            kv_cache_mode="extract",
            num_ref_tokens=tokens.shape[1],
        )
        layers = [layer.get() for layer in (*cache.double_block_caches, *cache.single_block_caches)]
        for place, row in enumerate(rows):
            if row not in self._kept_seen:
                own = slice(place, place + 1)
                self._kept_seen[row] = [(keys[own].clone(), values[own].clone()) for keys, values in layers]

    def _cache(self, layers: Seen) -> Any:
        """As the transformer takes it."""
        from diffusers.models.transformers.transformer_flux2 import Flux2KVCache

        cache = Flux2KVCache(len(self.denoiser.transformer_blocks), len(self.denoiser.single_transformer_blocks))
        for layer, kept in zip((*cache.double_block_caches, *cache.single_block_caches), layers, strict=True):
            layer.store(*kept)
        cache.num_ref_tokens = layers[0][0].shape[1]
        return cache
