"""The encoder that is written down instead of trained, and the decoder that is trained against it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from model.training.autoencoder import (
    as_pixels,
    build_autoencoder,
    measure_autoencoder,
    picture_loss,
    train_autoencoder,
    write_pca_encoder,
)
from model.training.compose import compose
from model.training.recipe import Recipe


@pytest.fixture
def pictures(icons_file: Path, tiny: Recipe) -> np.ndarray:
    return compose(icons_file, tiny.mixture, tiny.size, 40, seed=5).pictures


@pytest.fixture
def vae(tiny: Recipe, pictures: np.ndarray) -> AutoencoderKL:
    vae = build_autoencoder(tiny)
    write_pca_encoder(vae, as_pixels(pictures))
    return vae.eval()


@torch.no_grad()
def test_the_encoder_computes_principal_components_of_patches(vae: AutoencoderKL, pictures: np.ndarray) -> None:
    """Every latent is an affine function of its own 8x8 patch, and the functions are uncorrelated over the data."""
    pixels = as_pixels(pictures)
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
def test_encoding_adds_next_to_no_noise(vae: AutoencoderKL, pictures: np.ndarray) -> None:
    assert vae.encode(as_pixels(pictures[:4])).latent_dist.std.max() < 0.02


def test_a_locked_encoder_stays_while_the_decoder_learns(
    vae: AutoencoderKL, pictures: np.ndarray, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("model.training.loop.time.monotonic", lambda: float(3 * next(ticks)))
    encoder = {name: tensor.clone() for name, tensor in vae.encoder.state_dict().items()}
    before = measure_autoencoder(vae, pictures)["psnr_db"]
    trained = train_autoencoder(vae, pictures, tiny, 1.0, tmp_path, train_encoder=False)

    assert measure_autoencoder(trained, pictures)["psnr_db"] > before
    for name, tensor in trained.encoder.state_dict().items():
        assert torch.equal(tensor, encoder[name]), name


def test_an_encoder_can_be_trained_too(
    vae: AutoencoderKL, pictures: np.ndarray, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("model.training.loop.time.monotonic", lambda: float(10 * next(ticks)))
    before = vae.encoder.conv_in.weight.clone()
    trained = train_autoencoder(vae, pictures, tiny, 1.0, tmp_path, train_encoder=True)

    assert not torch.equal(trained.encoder.conv_in.weight, before)


def test_blurred_edges_cost_more_than_the_same_error_spread_evenly() -> None:
    wanted = torch.zeros(1, 3, 8, 8)
    wanted[..., 4:] = 1.0
    blurred = wanted.clone()
    blurred[..., 3], blurred[..., 4] = 0.4, 0.6
    shifted = wanted + (blurred - wanted).abs().mean()

    assert picture_loss(blurred, wanted) > picture_loss(shifted, wanted)
    assert picture_loss(wanted, wanted) == 0


def test_latents_that_do_not_fit_the_encoder_are_refused(tiny: Recipe, pictures: np.ndarray) -> None:
    vae = build_autoencoder(replace(tiny, latent_channels=24))

    with pytest.raises(ValueError, match="24 latent channels do not fit"):
        write_pca_encoder(vae, as_pixels(pictures))
