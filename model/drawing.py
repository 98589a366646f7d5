"""How a picture comes about, from top to bottom: encode the prompt, draw one noise per image, denoise, decode.

`generate` tells it for one request alone, without threads: read it to see how, run it to check the engine.
"""

import numpy as np
import torch

from model import vae
from model.components import Bundle
from model.denoiser import Denoiser
from model.errors import ModelError
from model.request import Pixels, Request
from model.state import DenoisingState
from model.tile import wrapped_around


@torch.inference_mode()
def generate(bundle: Bundle, request: Request) -> list[Pixels]:
    """Draw one request alone, in this thread. (H, W, 3) uint8 each; the frames of a video one after another."""
    state = DenoisingState(bundle, request)  # prompts encoded, noise drawn, timesteps laid out
    denoiser = Denoiser(bundle.drawing(request), max_rows=state.row_count or 1)
    while not state.done:
        [prediction] = denoiser.predict([state], request.size.tile)
        state.advance(prediction)
    return pictures(bundle, state)


def pictures(bundle: Bundle, state: DenoisingState, decoder: vae.Decoder | None = None) -> list[Pixels]:
    """Decode what was denoised; outside a mask stands the picture to keep. ModelError where there is none to show.

    `decoder` is a faster way to decode, which knows nothing of tiles.
    """
    request, latents = state.request, state.result()
    if not bool(torch.isfinite(latents).all()):
        raise ModelError("The picture dissolved into numbers that are none (NaN) on the way: try other settings.")
    pixels = decoded(bundle, latents, None if request.size.tile else decoder, tile=request.size.tile)
    if not bool(torch.isfinite(pixels).all()):
        raise ModelError("The picture dissolved into numbers that are none when it was decoded: the autoencoder fails.")
    frames = pixels.unsqueeze(2) if pixels.ndim == 4 else pixels
    images = vae.to_uint8(frames.transpose(1, 2).flatten(0, 1)).cpu().numpy()
    if any(bool((shown == shown[0, 0, 0]).all()) for shown in np.split(images, state.images)):
        raise ModelError("The model drew one colour and nothing else: its weights or its settings are off.")
    if request.keep is not None and request.keep.to_the_byte:
        images = vae.keep_outside(images, request.keep.picture, request.keep.mask)
    return list(images)


def decoded(bundle: Bundle, latents: torch.Tensor, decoder: vae.Decoder | None, *, tile: bool = False) -> torch.Tensor:
    """Pixels in about -1..1 of latents, by `decoder` where there is one."""
    if decoder is not None:
        return vae.decode_by(decoder, latents.float(), bundle.pixels_per_latent)
    with wrapped_around(bundle.vae if tile else None):
        return vae.decode(bundle.vae, latents)
