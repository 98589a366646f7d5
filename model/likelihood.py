"""How well captions fit a picture, by the model that draws: the better the denoiser restores the picture from noise
under a caption, the likelier the caption (Li et al. 2023, arXiv 2303.16203).

It costs a forward for each caption, so it is for small models; larger ones have a CLIP beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from model import vae
from model.components import Bundle
from model.errors import ModelError
from model.request import Pixels

_LEVEL = 0.6
"""So much of the way to pure noise: shapes and colours are told apart there."""
_LEVELS = (0.45, 0.6, 0.75)
"""For few captions, where it matters more: what one level leaves open, another often tells."""
_NOISES = 4
"""For few captions too: by one noise a cat is a telescope, and a pizza a candle."""
_ROWS = 64


class Likelihood:
    """Of one model, whose parts nobody else may be using. A call at a time."""

    def __init__(self, bundle: Bundle) -> None:
        """ModelError for models that do not predict noise or velocity."""
        config = {name: value for name, value in bundle.scheduler_config.items() if not name.startswith("_")}
        predicts = config.get("prediction_type", "epsilon")
        if bundle.prompts is None or "ddim" not in bundle.samplers or predicts not in ("epsilon", "v_prediction"):
            raise ModelError("This model cannot say what a picture shows: give it a `clip` in the catalogue.")
        from diffusers import DDIMScheduler

        self._bundle = bundle
        self._scheduler = DDIMScheduler.from_config(config)

    def reads_as(self, text: str) -> bytes:
        """What the model reads a text as: the same of texts that are one to it."""
        condition = self._bundle.condition(text)
        return b"" if condition is None else condition.hidden.float().cpu().numpy().tobytes()

    def fits(self, picture: Pixels) -> Callable[[Sequence[str]], torch.Tensor]:
        """What gives captions their log-likelihoods (N,) of this picture, up to a number that is the same for all."""
        return self._at(picture, (_LEVEL,), 1)

    def closely(self, picture: Pixels) -> Callable[[Sequence[str]], torch.Tensor]:
        """The same, surer and at twelve times the cost."""
        return self._at(picture, _LEVELS, _NOISES)

    def _at(self, picture: Pixels, levels: Sequence[float], noises: int) -> Callable[[Sequence[str]], torch.Tensor]:
        width, height = self._bundle.native_size
        with torch.inference_mode():
            latents = vae.encode(self._bundle.vae, vae.fit(picture, width, height), self._bundle.device)
            generator = torch.Generator().manual_seed(0)
            drawn = [torch.randn(latents.shape, generator=generator).to(latents) for _ in range(noises)]

        def rate(texts: Sequence[str]) -> torch.Tensor:
            with torch.inference_mode():
                errors = torch.stack(
                    [self._errors(latents, noise, texts, level) for level in levels for noise in drawn]
                )
                return -errors.mean(0) * latents.numel() / 2

        return rate

    def _errors(self, latents: torch.Tensor, noise: torch.Tensor, texts: Sequence[str], level: float) -> torch.Tensor:
        """(N,) mean squared errors of what is predicted under each caption, that much of the way to pure noise."""
        time = torch.tensor([round(level * self._scheduler.config.num_train_timesteps)], device=latents.device)
        noised = self._scheduler.add_noise(latents, noise, time)
        is_velocity = self._scheduler.config.prediction_type == "v_prediction"
        target = self._scheduler.get_velocity(latents, noise, time) if is_velocity else noise
        found = []
        for start in range(0, len(texts), _ROWS):
            conditions = [self._bundle.condition(text) for text in texts[start : start + _ROWS]]
            rows = len(conditions)
            out = self._bundle.family.predict(noised.expand(rows, -1, -1, -1), time.expand(rows), conditions)
            found.append((out.float() - target).square().flatten(1).mean(1))
        return torch.cat(found).cpu()
