"""A model's few-step student: the same model with another denoiser, for the requests that ask for it."""

import json
import shutil
from pathlib import Path

import pytest

from model import tiny
from model.components import Bundle, taught
from model.drawing import generate
from model.errors import ModelError
from model.loading import Source, load
from model.request import Request, text_to_image
from tests.model.conftest import DEFAULT, assert_same_pictures, level_difference, running, submit_together


@pytest.fixture
def pair() -> tuple[Bundle, Bundle]:
    """A model with a student, and a model whose own denoiser is that student's."""
    model, other = tiny.bundle("stable-diffusion"), tiny.bundle("stable-diffusion", seed=1)
    model.student = taught(model, other.denoiser)
    return model, taught(model, other.denoiser)


def asked(seed: int, *, student: bool) -> Request:
    scale = 1.0 if student else 4.5
    return text_to_image(
        "a fox", seed=seed, size=(32, 32), images=2, num_inference_steps=4, guidance_scale=scale, student=student
    )


def test_a_student_draws_what_its_weights_draw(pair: tuple[Bundle, Bundle]) -> None:
    """Everything else is the model's: prompt, noise, sampler and autoencoder."""
    model, alone = pair
    drawn = generate(model, asked(3, student=True))
    assert_same_pictures(drawn, generate(alone, text_to_image(
        "a fox", seed=3, size=(32, 32), images=2, num_inference_steps=4, guidance_scale=1.0
    )))  # fmt: skip
    assert level_difference(drawn, generate(model, asked(3, student=False))) > 1


@pytest.mark.parametrize("way", ["off", "trace", "onnx"])
def test_both_draw_beside_each_other(pair: tuple[Bundle, Bundle], way: str) -> None:
    """In one engine, and after the faster forwards of both have taken over, each row has its own denoiser."""
    model, _ = pair
    requests = [asked(seed, student=seed % 2 == 0) for seed in range(4)]
    with running(model, quicken=way) as engine:
        if way != "off":
            engine.quicken()
        for ticket, request in zip(submit_together(engine, requests), requests, strict=True):
            assert_same_pictures(ticket.result(60), generate(model, request))


def test_a_model_without_a_student_says_so() -> None:
    """At once, before any work."""
    with running(tiny.bundle("stable-diffusion")) as engine, pytest.raises(ModelError, match="without a few-step"):
        engine.submit(asked(1, student=True))


def test_a_student_of_another_model_is_refused() -> None:
    """One that reads other latents cannot draw."""
    model, other = tiny.bundle("stable-diffusion"), tiny.bundle("stable-diffusion", side=64)
    with pytest.raises(ModelError, match="sample_size 16, the model 8"):
        taught(model, other.denoiser)


def test_a_student_is_read_from_the_models_folder(tmp_path: Path) -> None:
    """From the part that the source names; a damaged one is named."""
    folder = Path(shutil.copytree(DEFAULT, tmp_path / "model"))
    shutil.copytree(folder / "unet", folder / "quick", dirs_exist_ok=True)
    loaded = load(Source(str(folder), student="quick"))
    assert loaded.student is not None
    assert loaded.student.fingerprint != loaded.fingerprint
    (folder / "quick" / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    with pytest.raises(ModelError, match="AutoencoderKL as quick"):
        load(Source(str(folder), student="quick"))
