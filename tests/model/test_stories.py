"""What requests mean in pictures: variations, weights, masks, tiles, chaos."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from model import seeds, vae
from model.components import Bundle
from model.drawing import generate
from model.request import Keep, Request, Start, text_to_image
from model.variation import VARIATION_STRONG, VARIATION_SUBTLE
from tests.model.conftest import Recorder, altered, assert_same_pictures, running


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(one.astype(int) - other).mean())


def spread(images: Sequence[np.ndarray]) -> float:
    pairs = [(one, other) for k, one in enumerate(images) for other in images[:k]]
    return float(np.mean([distance(one, other) for one, other in pairs]))


def trained(bundle: Bundle, prompt: str, **settings: object) -> Request:
    settings = {"images": 2, "num_inference_steps": 6, **settings}
    return text_to_image(prompt, seed=3, size=bundle.native_size, **settings)  # type: ignore[arg-type]


def variation(parent: Request, image: int, *, seed: int, strength: float, images: int = 4) -> Request:
    """A grid of variations of picture `image` of `parent`."""
    noise = parent.noises[image]
    turns = [(*noise.ancestors, (seed, index, strength)) for index in range(images)]
    return replace(parent, noises=tuple(replace(noise, ancestors=ancestors) for ancestors in turns))


def test_subtle_is_nearer_than_strong_is_nearer_than_a_reroll(default: Bundle) -> None:
    """Measured on pictures of the trained model, for several prompts."""
    for prompt in ("a red apple", "a rocket"):
        parent = trained(default, prompt)
        [picture] = generate(default, replace(parent, noises=parent.noises[:1]))
        far = [
            np.mean([distance(image, picture) for image in generate(default, request)])
            for request in (
                variation(parent, 0, seed=99, strength=VARIATION_SUBTLE, images=2),
                variation(parent, 0, seed=99, strength=VARIATION_STRONG, images=2),
                replace(parent, noises=tuple(replace(noise, seed=99) for noise in parent.noises)),
            )
        ]
        assert 0 < far[0] < far[1] < far[2]


def test_a_variation_of_a_variation_needs_only_numbers(sd: Bundle) -> None:
    """Its noise is a fold over the generations: repeatable, and nearer to its parent than to its grandparent."""
    root = text_to_image("a", seed=1, size=(32, 32), num_inference_steps=4)
    child = variation(root, 2, seed=2, strength=VARIATION_STRONG)
    grandchild = variation(child, 1, seed=3, strength=VARIATION_SUBTLE)
    assert grandchild.noises[0].ancestors == ((2, 1, VARIATION_STRONG), (3, 0, VARIATION_SUBTLE))
    pictures = generate(sd, grandchild)
    assert_same_pictures(pictures, generate(sd, grandchild))
    assert distance(pictures[0], generate(sd, child)[1]) < distance(pictures[0], generate(sd, root)[2])


def test_chaos_drives_the_images_of_a_grid_apart(default: Bundle) -> None:
    """And each image still only depends on its own seed and index."""
    calm, wild = (trained(default, "a rocket", images=4, chaos=chaos) for chaos in (0.0, 1.0))
    pictures = generate(default, wild)
    assert spread(pictures) > 1.15 * spread(generate(default, calm))
    assert_same_pictures(generate(default, replace(wild, noises=wild.noises[2:3])), pictures[2:3])


def test_weird_moves_every_image(default: Bundle) -> None:
    """The further, the further."""
    base = trained(default, "a red apple")
    usual = generate(default, base)
    moved = [
        np.mean([distance(a, b) for a, b in zip(usual, generate(default, altered(base, weird=weird)), strict=True)])
        for weird in (0.2, 1.0)
    ]
    assert 0 < moved[0] < moved[1]


def test_one_part_and_equal_parts_are_the_plain_prompt(sd: Bundle) -> None:
    """Weights are relative: `a::2` alone is `a`, and `a::1 a::3` is `a`."""
    plain = text_to_image("a cup", seed=1, size=(32, 32), images=2, num_inference_steps=4)
    expected = generate(sd, plain)
    for parts in ((("a cup", 2.0),), (("a cup", 1.0), ("a cup", 3.0))):
        assert_same_pictures(generate(sd, altered(plain, parts=parts)), expected)


def test_a_part_that_only_names_a_style_is_no_part_of_the_picture(default: Bundle) -> None:
    """Of a model that was taught words: the finished picture is painted in that style."""
    plain = trained(default, "a red apple")
    both = altered(plain, parts=(("a red apple", 1.0), ("watercolor", 2.0)))
    assert_same_pictures(generate(default, both), generate(default, plain))


def test_a_conjunction_costs_one_row_more_for_each_part(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three parts and the negative: four rows an image."""
    parts = (("red", 2.0), ("a house", 1.0), ("blue", -0.5))
    request = text_to_image(parts, seed=1, size=(32, 32), images=1, num_inference_steps=2)
    recorder = Recorder(sd, monkeypatch)
    generate(sd, request)
    assert recorder.rows == [4, 4]


def test_a_conjunction_without_guidance_sums_its_parts(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """At scale 1 the unconditional prediction cancels out, so it is not computed."""
    parts = (("red", 2.0), ("a house", 1.0))
    request = text_to_image(parts, seed=1, size=(32, 32), images=1, num_inference_steps=3, guidance_scale=1.0)
    recorder = Recorder(sd, monkeypatch)
    almost_off = altered(request, guidance_scale=1.0 + 1e-6)
    assert_same_pictures(generate(sd, request), generate(sd, almost_off))
    assert recorder.rows == [2] * 3 + [3] * 3


def test_the_mask_keeps_the_original_to_the_byte(sd: Bundle) -> None:
    """Outside the mask nothing changes at all, inside it does."""
    chance = np.random.default_rng(0)
    picture = chance.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 12:] = 255
    request = text_to_image("a hat", seed=1, size=(32, 32), images=2, num_inference_steps=4, keep=Keep(picture, mask))
    with running(sd) as engine:
        images = engine.submit(request).result(60)
    assert_same_pictures(images, generate(sd, request))
    for image in images:
        assert np.array_equal(image[mask == 0], picture[mask == 0])
        assert not np.array_equal(image[mask == 255], picture[mask == 255])


def test_more_strength_goes_further_from_the_image(default: Bundle) -> None:
    """Image to image on the trained model: from the apple towards the rocket."""
    [apple, *_] = generate(default, trained(default, "a red apple"))
    base = trained(default, "a rocket", images=1, num_inference_steps=10)
    far = [
        distance(generate(default, replace(base, start=Start(((apple, 1.0),), strength)))[0], apple)
        for strength in (0.2, 0.6, 1.0)
    ]
    assert far == sorted(far)


def test_image_prompts_pull_towards_themselves(default: Bundle) -> None:
    """The heavier, the nearer; pictures of other sizes are fitted; weight 0 changes nothing."""
    [apple, *_] = generate(default, trained(default, "a red apple"))
    wide = np.concatenate([apple, apple], axis=1)[:, 16:-16]
    base = trained(default, "a rocket", num_inference_steps=8)
    near = [
        np.mean([distance(image, apple) for image in generate(default, replace(base, start=Start.near([(apple, w)])))])
        for w in (0.0, 1.0, 3.0)
    ]
    assert near[0] > near[1] > near[2]
    assert_same_pictures(generate(default, replace(base, start=Start.near([(wide, 0.0)]))), generate(default, base))
    assert generate(default, replace(base, start=Start.near([(wide, 1.0), (apple, 0.5)])))[0].shape == apple.shape


def test_a_tile_rolls_with_its_noise(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen as a torus, no place is special: rolled noise gives the rolled picture; untiled it does not."""
    draw = seeds.draw
    request = text_to_image("a", seed=1, size=(32, 32), images=1, num_inference_steps=4)
    for tile, same in ((True, True), (False, False)):
        [one] = generate(sd, altered(request, tile=tile))
        with monkeypatch.context() as patch:
            patch.setattr(seeds, "draw", lambda *source: (draw(*source)[0].roll((2, 4), (2, 3)), draw(*source)[1]))
            [other] = generate(sd, altered(request, tile=tile))
        assert (distance(np.roll(one, (8, 16), axis=(0, 1)), other) < 0.5) is same


def test_the_denoiser_of_a_tile_sees_a_torus(sd: Bundle) -> None:
    """The UNet too: its prediction for rolled latents is the rolled prediction. Afterwards it is as before."""
    from model.denoiser import Denoiser
    from model.state import DenoisingState

    request = text_to_image("a", seed=1, size=(32, 32), images=1, num_inference_steps=2)
    with torch.inference_mode():
        state, rolled = DenoisingState(sd, request), DenoisingState(sd, request)
        rolled.latents = state.latents.roll((2, 4), (2, 3))
        denoiser = Denoiser(sd, 8)
        plain = denoiser.predict([state])[0].output
        one, other = (prediction.output for prediction in denoiser.predict([state, rolled], tile=True))
        assert torch.allclose(one.roll((2, 4), (2, 3)), other, atol=1e-5)
        assert not torch.allclose(one, plain, atol=1e-3)
        assert torch.equal(denoiser.predict([state])[0].output, plain)


def test_tiles_have_no_seam_and_their_own_batch(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiled and untiled requests never share a forward, and both are as if alone."""
    untiled = text_to_image("a", seed=1, size=(32, 32), images=1, num_inference_steps=3)
    tiled = altered(untiled, tile=True)
    alone = generate(sd, untiled), generate(sd, tiled)
    recorder = Recorder(sd, monkeypatch)
    with running(sd) as engine:
        tickets = engine.submit(untiled), engine.submit(tiled)
        for ticket, expected in zip(tickets, alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)
    assert recorder.rows == [2] * 6


def test_the_autoencoder_is_the_only_door(default: Bundle) -> None:
    """Encoding and decoding a drawn picture gives nearly that picture; the encoding is the same every time."""
    [picture, *_] = generate(default, trained(default, "a red apple"))
    with torch.inference_mode():
        latents = vae.encode(default.vae, picture, torch.device("cpu"))
        again = vae.encode(default.vae, picture, torch.device("cpu"))
        [back] = vae.to_uint8(vae.decode(default.vae, latents)).numpy()
    assert torch.equal(latents, again)
    assert distance(back, picture) < 12
