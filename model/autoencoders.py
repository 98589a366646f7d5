"""The autoencoders that Easel knows, by diffusers' class: how each turns pixels into the latents that denoisers see."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch


class Codec(Protocol):
    """One class of autoencoders. Pixels are (n, 3, H, W) in about -1..1, latents (n, C, h, w). What decodes videos
    takes latents (n, C, F, h, w) too, and gives pixels (n, 3, T, H, W)."""

    def factor(self, vae: Any) -> int:
        """Pixels per latent position along one side."""

    def channels(self, vae: Any) -> int:
        """Channels of the latents."""

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        """The mode of the posterior where there is one: a picture has one encoding."""

    def unscaled(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        """What the autoencoder's own `decode` takes."""

    def decode(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        """Pixels."""


class _Decodes:
    """Decodes as diffusers' autoencoders do, once the latents are unscaled."""

    def unscaled(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        return latents / float(vae.config.scaling_factor)

    def decode(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        pixels: torch.Tensor = vae.decode(self.unscaled(vae, latents), return_dict=False)[0]
        return pixels


class _KL(_Decodes):
    """AutoencoderKL: scaled and shifted, in some models by channel."""

    def factor(self, vae: Any) -> int:
        return 1 << len(vae.config.block_out_channels) - 1

    def channels(self, vae: Any) -> int:
        return int(vae.config.latent_channels)

    def _moments(self, vae: Any, like: torch.Tensor) -> tuple[torch.Tensor | float, torch.Tensor | float]:
        """What is taken off latents before they are scaled, and what they are multiplied by."""
        scale = vae.config.scaling_factor
        if vae.config.get("latents_mean") and vae.config.get("latents_std"):
            mean, std = (
                torch.tensor(vae.config[name]).view(1, -1, 1, 1).to(like) for name in ("latents_mean", "latents_std")
            )
            return mean, scale / std
        return vae.config.get("shift_factor") or 0.0, scale

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        latents = vae.encode(pixels).latent_dist.mode()
        shift, scale = self._moments(vae, latents)
        encoded: torch.Tensor = (latents - shift) * scale
        return encoded

    def unscaled(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        shift, scale = self._moments(vae, latents)
        return latents / scale + shift


class _Tiny(_Decodes):
    """AutoencoderTiny: a small stand-in for an AutoencoderKL."""

    def factor(self, vae: Any) -> int:
        return 1 << len(vae.config.encoder_block_out_channels) - 1

    def channels(self, vae: Any) -> int:
        return int(vae.config.latent_channels)

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        latents: torch.Tensor = vae.encode(pixels).latents * vae.config.scaling_factor
        return latents


class _Flux2(_Decodes):
    """AutoencoderKLFlux2: patches of 2x2 latents become channels, which a batch norm's statistics scale."""

    def factor(self, vae: Any) -> int:
        return 2 << len(vae.config.block_out_channels) - 1

    def channels(self, vae: Any) -> int:
        return 4 * int(vae.config.latent_channels)

    def _moments(self, vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = vae.bn.running_mean.view(1, -1, 1, 1).to(like)
        std = torch.sqrt(vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps).to(like)
        return mean, std

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        latents = torch.nn.functional.pixel_unshuffle(vae.encode(pixels).latent_dist.mode(), 2)
        mean, std = self._moments(vae, latents)
        return (latents - mean) / std

    def unscaled(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        mean, std = self._moments(vae, latents)
        return torch.pixel_shuffle(latents * std + mean, 2)


class _Qwen(_Decodes):
    """AutoencoderKLQwenImage: made for video, of which a picture is one frame."""

    def factor(self, vae: Any) -> int:
        return 1 << len(vae.config.temperal_downsample)

    def channels(self, vae: Any) -> int:
        return int(vae.config.z_dim)

    def _moments(self, vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, std = (torch.tensor(vae.config[name]).view(1, -1, 1, 1, 1) for name in ("latents_mean", "latents_std"))
        return mean.to(like), std.to(like)

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        latents = vae.encode(pixels.unsqueeze(2)).latent_dist.mode()
        mean, std = self._moments(vae, latents)
        encoded: torch.Tensor = ((latents - mean) / std).squeeze(2)
        return encoded

    def unscaled(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        frames = latents.unsqueeze(2)
        mean, std = self._moments(vae, frames)
        return frames * std + mean

    def decode(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        return super().decode(vae, latents)[:, :, 0]


class _DC(_Decodes):
    """AutoencoderDC: thirty-two pixels to a latent position."""

    def factor(self, vae: Any) -> int:
        return 1 << len(vae.config.encoder_block_out_channels) - 1

    def channels(self, vae: Any) -> int:
        return int(vae.config.latent_channels)

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        latents: torch.Tensor = vae.encode(pixels).latent * vae.config.scaling_factor
        return latents


class _LTX(_Decodes):
    """AutoencoderKLLTXVideo: made for video, and a picture is one of a single frame."""

    def factor(self, vae: Any) -> int:
        return int(vae.spatial_compression_ratio)

    def channels(self, vae: Any) -> int:
        return int(vae.config.latent_channels)

    def _moments(self, vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean, and what latents are divided by once it is taken off."""
        mean, std = (
            moment.view(1, -1, *[1] * (like.ndim - 2)).to(like) for moment in (vae.latents_mean, vae.latents_std)
        )
        return mean, std / vae.config.scaling_factor

    def encode(self, vae: Any, pixels: torch.Tensor) -> torch.Tensor:
        latents = vae.encode(pixels.unsqueeze(2)).latent_dist.mode().squeeze(2)
        mean, scale = self._moments(vae, latents)
        encoded: torch.Tensor = (latents - mean) / scale
        return encoded

    def unscaled(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        mean, scale = self._moments(vae, latents)
        return latents * scale + mean

    def decode(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        video = self.unscaled(vae, latents if latents.ndim == 5 else latents.unsqueeze(2))
        clean = video.new_zeros(len(video)) if vae.config.timestep_conditioning else None
        pixels: torch.Tensor = vae.decode(video, clean, return_dict=False)[0]
        return pixels if latents.ndim == 5 else pixels[:, :, 0]


CODECS: Mapping[str, Codec] = {
    "AutoencoderDC": _DC(),
    "AutoencoderKL": _KL(),
    "AutoencoderKLFlux2": _Flux2(),
    "AutoencoderKLLTXVideo": _LTX(),
    "AutoencoderKLQwenImage": _Qwen(),
    "AutoencoderTiny": _Tiny(),
}


def codec(vae: Any) -> Codec:
    """How to use an autoencoder of diffusers."""
    return CODECS[type(vae).__name__]
