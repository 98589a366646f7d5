"""An operator's shortcuts: off they change nothing, on they change little, and nobody's company matters."""

from typing import Any

import numpy as np
import pytest
import torch

from model import tiny
from model.components import Bundle
from model.denoiser import Denoiser
from model.drawing import generate
from model.engine import Engine
from model.errors import ModelError
from model.request import Request, Size, text_to_image
from model.state import DenoisingState, Shortcuts
from tests.model.conftest import altered, assert_same_pictures, psnr_db, running, submit_together

EVERY_OTHER = Shortcuts(deep_every=2)
FOX = text_to_image("a fox", seed=1, size=(32, 32), images=2, num_inference_steps=7)


def drawn(bundle: Bundle, shortcuts: Shortcuts, *requests: Request, **options: Any) -> list[list[np.ndarray]]:
    """What an engine makes of the requests, all submitted before the first step."""
    with running(bundle, shortcuts=shortcuts, **options) as engine:
        return [ticket.result(60) for ticket in submit_together(engine, requests)]


class Watch:
    """Notes, for each forward that keeps the deep part, how many rows it had and whether it computed that part."""

    def __init__(self, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
        self.forwards: list[tuple[int, bool]] = []
        self._predict = bundle.family.predict_reusing  # type: ignore[attr-defined]
        monkeypatch.setattr(bundle.family, "predict_reusing", self)

    def __call__(self, latents: torch.Tensor, timesteps: Any, conditions: Any, deep: torch.Tensor | None) -> Any:
        self.forwards.append((len(latents), deep is None))
        return self._predict(latents, timesteps, conditions, deep)


def test_off_is_the_plain_forward_to_the_last_bit(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without shortcuts does not even ask for the deep part."""
    watch = Watch(sd, monkeypatch)
    [images] = drawn(sd, Shortcuts(), FOX)
    assert watch.forwards == []
    assert all(map(np.array_equal, images, generate(sd, FOX)))


@pytest.mark.parametrize("name", ["sd", "sdxl", "default"])
def test_a_deep_part_of_the_same_step_changes_nothing(name: str, request: pytest.FixtureRequest) -> None:
    """The shallow forward on what the full one kept is the full one: only the age of the deep part costs likeness."""
    bundle: Bundle = request.getfixturevalue(name)
    chance = torch.Generator().manual_seed(0)
    latents = torch.randn(3, *bundle.latent_shape(Size(*bundle.native_size)), generator=chance)
    timesteps = torch.tensor([900.0, 500.0, 20.0])
    conditions = [bundle.condition("a fox")] * 3
    with torch.inference_mode():
        plain = bundle.family.predict(latents, timesteps, conditions)
        full, deep = bundle.family.predict_reusing(latents, timesteps, conditions, None)  # type: ignore[attr-defined]
        shallow, _ = bundle.family.predict_reusing(latents, timesteps, conditions, deep)  # type: ignore[attr-defined]
    assert torch.equal(full, plain)
    assert torch.equal(shallow, plain)


def test_the_deep_part_is_computed_every_other_step(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beginning with the first."""
    watch = Watch(sd, monkeypatch)
    drawn(sd, EVERY_OTHER, FOX)
    assert watch.forwards == [(4, step % 2 == 0) for step in range(7)]


def test_rows_on_different_phases_share_forwards_by_kind(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """One forward for all that compute their deep part, one for all that reuse it."""
    watch = Watch(sd, monkeypatch)
    with torch.inference_mode():
        denoiser = Denoiser(sd, 64, EVERY_OTHER)
        states = [DenoisingState(sd, altered(FOX, guidance_scale=scale), EVERY_OTHER) for scale in (1.0, 4.0, 4.0)]
        for chosen in (states[:1], states, states):
            for state, prediction in zip(chosen, denoiser.predict(chosen), strict=True):
                state.advance(prediction)
    assert watch.forwards == [(2, True), (8, True), (2, False), (2, True), (8, False)]


def test_with_the_shortcut_too_company_changes_nothing(sd: Bundle) -> None:
    """Alone, among strangers, and interrupted in the middle."""
    others = [
        text_to_image("a hen", seed=2, size=(32, 32), images=1, num_inference_steps=9, sampler="dpmpp_2m"),
        text_to_image("a cat", seed=3, size=(32, 32), images=3, num_inference_steps=4, guidance_scale=1.0),
    ]
    [alone] = drawn(sd, EVERY_OTHER, FOX)
    assert_same_pictures(drawn(sd, EVERY_OTHER, FOX, *others)[0], alone)
    with running(sd, shortcuts=EVERY_OTHER) as engine:
        ticket = engine.submit(altered(FOX, num_inference_steps=60))
        events = ticket.events()
        next(events)
        ticket.pause()
        [strangers] = [engine.submit(others[0]).result(60)]
        ticket.resume()
        resumed = ticket.result(60)
    assert_same_pictures(resumed, drawn(sd, EVERY_OTHER, altered(FOX, num_inference_steps=60))[0])
    assert_same_pictures(strangers, drawn(sd, EVERY_OTHER, others[0])[0])


def test_a_forward_in_slices_reuses_the_right_rows(sd: Bundle) -> None:
    """More rows than fit one forward: each slice gets its own share of what was kept."""
    assert_same_pictures(drawn(sd, EVERY_OTHER, FOX, max_rows=3)[0], drawn(sd, EVERY_OTHER, FOX)[0])


def test_where_guidance_ends_the_deep_part_is_computed_anew(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rows than before have nothing to reuse."""
    watch = Watch(sd, monkeypatch)
    drawn(sd, Shortcuts(guidance_interval=(0.0, 0.2), deep_every=4), altered(FOX, num_inference_steps=10))
    assert watch.forwards == [(4, True), (4, False), (4, False), (2, True), (2, True)] + [(2, False)] * 3 + [
        (2, True),
        (2, False),
    ]


@pytest.mark.parametrize("name", ["sd", "default"])
def test_a_recorded_graph_takes_the_same_shortcut(name: str, request: pytest.FixtureRequest) -> None:
    """Also for a size that it was not recorded with."""
    bundle: Bundle = request.getfixturevalue(name)
    side = bundle.native_size[0]
    requests = [altered(FOX, width=width, height=side) for width in (side, side + bundle.grid)]
    plain = [drawn(bundle, EVERY_OTHER, one)[0] for one in requests]
    with running(bundle, shortcuts=EVERY_OTHER) as engine:
        assert engine.denoiser.quicken("trace")
        for one, images in zip(requests, plain, strict=True):
            assert_same_pictures(engine.submit(one).result(60), images)


def test_a_tile_stays_a_tile(sd: Bundle) -> None:
    """The layers that both forwards share see the torus."""
    request = altered(FOX, tile=True, num_inference_steps=2)
    with torch.inference_mode():
        states = [DenoisingState(sd, one, EVERY_OTHER) for one in (request, request)]
        states[1].latents = states[1].latents.roll((4, 6), (-2, -1))
        denoiser = Denoiser(sd, 8, EVERY_OTHER)
        for _ in range(2):
            for state, prediction in zip(states, denoiser.predict(states, tile=True), strict=True):
                state.advance(prediction)
        assert torch.allclose(states[0].latents.roll((4, 6), (-2, -1)), states[1].latents, atol=1e-4)


def test_every_other_step_keeps_the_default_model_above_32_db(default: Bundle) -> None:
    """Over three prompts, 20 steps; `benchmarks.shortcuts` measures more."""
    for seed, prompt in enumerate(("a red apple", "a rocket", "a blue car")):
        request = text_to_image(prompt, seed=seed, size=default.native_size, images=1)
        [quick] = drawn(default, EVERY_OTHER, request)
        assert psnr_db(generate(default, request), quick) > 32


@pytest.mark.parametrize("name", ["ddpm", "z_image"])
def test_a_model_without_a_deep_part_refuses(name: str, request: pytest.FixtureRequest) -> None:
    """Before anything is drawn, and the sentence says which setting to take back."""
    with pytest.raises(ModelError, match="deep_every"):
        Engine(request.getfixturevalue(name), shortcuts=EVERY_OTHER)


def test_a_unet_of_one_level_refuses() -> None:
    """There is nothing below its outermost level."""
    from diffusers import UNet2DConditionModel

    from model.families import Parts
    from model.families.stable_diffusion import StableDiffusion

    unet = UNet2DConditionModel(
        block_out_channels=(8,),
        down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",),
        norm_num_groups=4,
        cross_attention_dim=8,
        attention_head_dim=4,
    )
    assert not StableDiffusion(Parts({"unet": unet}, {})).reuses
    assert tiny.bundle("stable-diffusion").family.reuses


@pytest.mark.parametrize(
    ("settings", "word"), [({"deep_every": 0}, "deep_every"), ({"guidance_interval": (0.8, 0.2)}, "guidance_interval")]
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], word: str) -> None:
    """With the name of the setting."""
    with pytest.raises(ModelError, match=word):
        Shortcuts(**settings)
