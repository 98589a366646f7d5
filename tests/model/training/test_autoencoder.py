"""The encoder that is written down instead of trained, and the decoder that is trained against it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from model.training.autoencoder import (
    as_pixels,
    build_autoencoder,
    encode_pictures,
    inherit_decoder,
    measure_autoencoder,
    picture_loss,
    read_encoder,
    train_decoder,
    write_encoder,
)
from model.training.compose import PictureSet
from model.training.recipe import Recipe


@pytest.fixture
def vae(tiny: Recipe, pictures: PictureSet) -> AutoencoderKL:
    vae = build_autoencoder(tiny)
    write_encoder(vae, as_pixels(pictures.pictures[:]))
    return vae.eval()


@torch.no_grad()
def test_the_encoder_computes_principal_components_of_patches(vae: AutoencoderKL, pictures: PictureSet) -> None:
    """Every latent is an affine function of its own 8x8 patch, and the functions are uncorrelated over the data."""
    pixels = as_pixels(pictures.pictures[:])
    latents = vae.encode(pixels).latent_dist.mode()
    patches = pixels.unfold(2, 8, 8).unfold(3, 8, 8).permute(0, 2, 3, 1, 4, 5).reshape(-1, 192)
    wanted = latents.permute(0, 2, 3, 1).reshape(-1, 4)
    design = torch.cat([patches, torch.ones(len(patches), 1)], 1).double()
    fitted = design @ torch.linalg.lstsq(design, wanted.double(), driver="gelsd").solution

    assert (fitted - wanted).abs().max() < 5e-3
    assert wanted.mean(0).abs().max() < 1e-3
    correlation = torch.corrcoef(wanted.T) - torch.eye(4)
    assert correlation.abs().max() < 0.02
    assert wanted[:, 0].std() == pytest.approx(1.0, abs=0.02)


@torch.no_grad()
def test_latents_of_many_pictures_are_what_the_encoder_gives(vae: AutoencoderKL, pictures: PictureSet) -> None:
    """The map that is read from the encoder does the same without convolutions."""
    wanted = vae.encode(as_pixels(pictures.pictures[:])).latent_dist.mode()

    torch.testing.assert_close(encode_pictures(vae, pictures.pictures).float(), wanted, atol=5e-3, rtol=5e-3)


@torch.no_grad()
def test_a_larger_encoder_inherits_the_latents_of_a_smaller_one(
    vae: AutoencoderKL, pictures: PictureSet, tiny: Recipe
) -> None:
    """Its first channels are what the smaller one gives for the picture at half the size; the others tell more."""
    large = replace(tiny, size=64, latent_channels=8, vae_channels=(16, 24, 32, 40, 48), vae_groups=4)
    pixels = torch.nn.functional.interpolate(as_pixels(pictures.pictures[:]), scale_factor=2, mode="bicubic").clamp(
        -1, 1
    )
    grown = build_autoencoder(large).eval()
    write_encoder(grown, pixels, read_encoder(vae).at_twice_the_size())
    latents = grown.encode(pixels).latent_dist.mode()
    smaller = vae.encode(torch.nn.functional.avg_pool2d(pixels, 2)).latent_dist.mode()

    assert latents.shape[1:] == (8, 4, 4)
    torch.testing.assert_close(latents[:, :4], smaller, atol=5e-3, rtol=5e-3)
    assert latents[:, 4:].std((0, 2, 3)).min() > 0
    told = torch.corrcoef(latents.permute(1, 0, 2, 3).reshape(8, -1))
    assert told[:4, 4:].abs().max() < 0.05


@torch.no_grad()
def test_a_larger_decoder_begins_with_what_a_smaller_one_draws(
    vae: AutoencoderKL, pictures: PictureSet, tiny: Recipe
) -> None:
    """Enlarged to twice the size, where the further latents say nothing: exactly so with the same widths, and much
    alike with larger ones."""
    # A last convolution of one pixel: a larger one would see other neighbours in the enlarged picture.
    centre = vae.decoder.conv_out.weight[..., 1, 1].clone()
    vae.decoder.conv_out.weight.zero_()
    vae.decoder.conv_out.weight[..., 1, 1] = centre
    latents = vae.encode(as_pixels(pictures.pictures[:8])).latent_dist.mode()
    wanted = torch.nn.functional.interpolate(vae.decode(latents).sample, scale_factor=2)

    def drawn_by(widths: tuple[int, ...]) -> torch.Tensor:
        grown = build_autoencoder(replace(tiny, size=64, latent_channels=8, vae_channels=widths))
        inherit_decoder(grown, vae)
        sample: torch.Tensor = grown.decode(torch.cat([latents, torch.zeros_like(latents)], 1)).sample
        return sample

    torch.testing.assert_close(drawn_by((16, 16, 24, 32, 48)), wanted, atol=1e-3, rtol=1e-3)
    wider = drawn_by((16, 24, 32, 48, 64))
    assert torch.corrcoef(torch.stack([wider.flatten(), wanted.flatten()]))[0, 1] > 0.9


@torch.no_grad()
def test_an_encoder_too_narrow_for_what_it_inherits_is_refused(
    vae: AutoencoderKL, pictures: PictureSet, tiny: Recipe
) -> None:
    narrow = build_autoencoder(replace(tiny, latent_channels=4, vae_channels=(12, 8, 24, 40, 48)))
    with pytest.raises(ValueError, match="inherited encoder needs"):
        write_encoder(narrow, as_pixels(pictures.pictures[:]), read_encoder(vae).at_twice_the_size())


@torch.no_grad()
def test_encoding_adds_next_to_no_noise(vae: AutoencoderKL, pictures: PictureSet) -> None:
    assert vae.encode(as_pixels(pictures.pictures[:4])).latent_dist.std.max() < 0.02


def test_the_decoder_learns_and_the_encoder_stays(
    vae: AutoencoderKL, pictures: PictureSet, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("model.training.loop.time.monotonic", lambda: float(3 * next(ticks)))
    encoder = {name: tensor.clone() for name, tensor in vae.encoder.state_dict().items()}
    before = measure_autoencoder(vae, pictures.pictures)["psnr_db"]
    trained = train_decoder(vae, pictures.pictures, tiny, 1.0, tmp_path)

    assert measure_autoencoder(trained, pictures.pictures)["psnr_db"] > before
    for name, tensor in trained.encoder.state_dict().items():
        assert torch.equal(tensor, encoder[name]), name


def test_blurred_edges_cost_more_than_the_same_error_spread_evenly() -> None:
    wanted = torch.zeros(1, 3, 8, 8)
    wanted[..., 4:] = 1.0
    blurred = wanted.clone()
    blurred[..., 3], blurred[..., 4] = 0.4, 0.6
    shifted = wanted + (blurred - wanted).abs().mean()

    assert picture_loss(blurred, wanted) > picture_loss(shifted, wanted)
    assert picture_loss(wanted, wanted) == 0


def test_latents_that_do_not_fit_the_encoder_are_refused(tiny: Recipe, pictures: PictureSet) -> None:
    vae = build_autoencoder(replace(tiny, latent_channels=24))

    with pytest.raises(ValueError, match="24 latent channels do not fit"):
        write_encoder(vae, as_pixels(pictures.pictures[:]))
