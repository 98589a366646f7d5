"""How a picture comes about, from top to bottom: encode the prompt, draw one noise per image, denoise, decode.

`generate` tells it for one request alone, without threads: read it to see how, run it to check the engine.
"""

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
    """Draw one request alone, in this thread. (H, W, 3) uint8 each."""
    state = DenoisingState(bundle, request)  # prompts encoded, noise drawn, timesteps laid out
    denoiser = Denoiser(bundle, max_rows=state.row_count or 1)
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
        raise ModelError("The picture dissolved into numbers that are none on the way; try other settings.")
    with wrapped_around(bundle.vae if request.size.tile else None):
        pixels = vae.decode(bundle.vae, latents, None if request.size.tile else decoder)
    if not bool(torch.isfinite(pixels).all()):
        raise ModelError("The picture dissolved into numbers that are none when it was decoded: the autoencoder fails.")
    images = vae.to_uint8(pixels).cpu().numpy()
    if any(bool((image == image[0, 0]).all()) for image in images):
        raise ModelError("The model drew one colour and nothing else: its weights or its settings are off.")
    if request.keep is not None and request.keep.to_the_byte:
        images = vae.keep_outside(images, request.keep.picture, request.keep.mask)
    return list(images)
