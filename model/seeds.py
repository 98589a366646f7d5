"""One seed and one generator per image, drawn on the CPU so that every device starts from the same noise."""

import math

import torch

from model.request import NoiseSource

# torch's CPU generator looks at the low 32 bits of its seed only, so the index cannot live above them. An odd stride
# near 2**32/phi spreads the images of neighbouring seeds far apart, and index 0 stays the plain diffusers seed.
_STRIDE = 0x9E3779B9


def generator(seed: int, index: int = 0) -> torch.Generator:
    """The generator of image `index` of a grid with `seed`, at its start."""
    return torch.Generator("cpu").manual_seed((seed + index * _STRIDE) % 2**32)


def side_stream(noise: NoiseSource, purpose: int) -> torch.Generator:
    """A second generator of the same image, one per `purpose`, for choices that must not disturb its noise."""
    latest_seed, latest_index = noise.ancestors[-1][:2] if noise.ancestors else (noise.seed, noise.index)
    return generator(latest_seed ^ (0x5851F42D * (purpose + 1) % 2**32), latest_index)


def draw(noise: NoiseSource, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Generator]:
    """The starting noise (1, *shape) of one image in float32, and the generator that goes on with it.

    The generator is the root's, past its draw: samplers that add noise between steps continue exactly as a stock
    pipeline would with `generator=`, and a variation of strength 0 is its parent.
    """
    root = generator(noise.seed, noise.index)
    latents = torch.randn((1, *shape), generator=root, dtype=torch.float32)
    for seed, index, strength in noise.ancestors:
        latents = slerp(latents, torch.randn((1, *shape), generator=generator(seed, index)), strength)
    return latents, root


def slerp(start: torch.Tensor, end: torch.Tensor, t: float) -> torch.Tensor:
    """From `start` (t=0) to `end` (t=1) along the sphere: unlike a straight line, it keeps the variance of noise."""
    cosine = torch.dot(start.flatten(), end.flatten()) / (start.norm() * end.norm())
    angle = math.acos(max(-1.0, min(1.0, float(cosine))))
    if math.sin(angle) < 1e-6:
        return torch.lerp(start, end, t)
    return (math.sin((1 - t) * angle) * start + math.sin(t * angle) * end) / math.sin(angle)
