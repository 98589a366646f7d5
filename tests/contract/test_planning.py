"""Flags become numbers in one place, and what a model cannot honour is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL, Catalogue
from contract.errors import UserError
from contract.jobs import Strength
from contract.kinds.variation import Variation
from contract.messages import result_buttons
from contract.plan import Plan
from contract.planning import MAX_PICTURES, check, fit_size, plan
from contract.prompt import parse, without
from contract.sentences import describe
from tests.contract.factories import imagine, press, upscale, variation


def planned(prompt: str) -> Plan:
    return plan(imagine(prompt), EASEL_SMALL)


def test_defaults_are_the_models() -> None:
    """No flags: the model's own size, steps and guidance."""
    made = planned("a fox")
    assert (made.width, made.height, made.num_inference_steps) == (64, 64, EASEL_SMALL.num_inference_steps)
    assert made.guidance_scale == pytest.approx(EASEL_SMALL.guidance_scale)


@pytest.mark.parametrize("ratio", ["1:1", "3:2", "2:3", "16:9", "7:1"])
def test_every_ratio_keeps_the_pixel_budget(ratio: str) -> None:
    """Sides are multiples of the model's step; the area stays within one step of the budget."""
    wide, high = map(int, ratio.split(":"))
    width, height = fit_size(EASEL_SMALL, wide, high)
    assert width % EASEL_SMALL.size_multiple == height % EASEL_SMALL.size_multiple == 0
    assert 0.5 < width * height / EASEL_SMALL.pixels < 1.7
    assert (width > height) == (wide > high)


def test_lower_quality_takes_fewer_steps() -> None:
    """`--q .25` < `--q .5` < 1 < 2; draft is cheaper still."""
    steps = [planned(f"a fox --q {quality}").num_inference_steps for quality in (".25", ".5", "1", "2")]
    assert steps == sorted(set(steps))


def test_quality_is_for_the_first_grid_only() -> None:
    """midjourney.md §2: variations take the usual steps."""
    job = variation(imagine("a fox --q .25"), 0, Strength.SUBTLE, press())
    assert plan(job, EASEL_SMALL).num_inference_steps == EASEL_SMALL.num_inference_steps


def test_stylize_raises_guidance() -> None:
    """0 < 100 (the model's own) < 1000."""
    scales = [planned(f"a fox --s {stylize}").guidance_scale for stylize in (0, 50, 100, 250, 1000)]
    assert scales == sorted(set(scales))
    assert scales[2] == pytest.approx(EASEL_SMALL.guidance_scale)


def test_the_price_follows_the_work() -> None:
    """A single picture costs a quarter of a grid, an early stop what it ran."""
    grid = imagine("a fox")
    assert plan(upscale(grid, 0, press()), EASEL_SMALL).cost * 4 == pytest.approx(plan(grid, EASEL_SMALL).cost)
    assert planned("a fox --stop 50").cost == pytest.approx(planned("a fox").cost / 2)


@pytest.mark.parametrize("flag", ["--cref https://example.org/a.png", "--sref 7", "--exp 5 --v 7", "--hd --v 8.1"])
def test_what_a_model_cannot_do_is_refused_by_name(flag: str) -> None:
    """Never silently ignored."""
    with pytest.raises(UserError) as caught:
        planned(f"a fox {flag}")
    assert caught.value.kind == "parameter_not_supported"
    _, description = describe(caught.value)
    assert "Easel Small" in description


def test_a_style_the_model_does_not_have_is_refused() -> None:
    """`--style raw` means something here, the styles of other models do not."""
    assert planned("a fox --style raw").guidance_scale < planned("a fox").guidance_scale
    with pytest.raises(UserError, match="--style cute"):
        planned("a fox --niji 5 --style cute")


def test_an_extreme_ratio_is_refused() -> None:
    """Beyond 8:1 there is no picture to speak of."""
    with pytest.raises(UserError) as caught:
        planned("a fox --ar 13:1")
    assert caught.value.kind == "ratio_too_extreme"


def test_a_version_nobody_offers_is_refused_with_those_that_are() -> None:
    """The catalogue decides what can be done here."""
    catalogue = Catalogue((replace(EASEL_SMALL, versions=("6.1", "7")),))
    assert catalogue.resolve("7").name == "easel-small"
    with pytest.raises(UserError) as caught:
        catalogue.resolve("5")
    assert caught.value.values == {"version": "5", "offered": "7, 6.1"}


def test_a_model_is_found_by_name() -> None:
    """One that was taken away is named."""
    assert DEFAULT_CATALOGUE.named("easel-small") is EASEL_SMALL
    with pytest.raises(UserError, match="model_not_offered"):
        DEFAULT_CATALOGUE.named("gone")


def test_a_kind_that_a_model_cannot_do_is_neither_offered_nor_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A button is shown where the model honours what its kind needs; an old one that is pressed anyway is refused."""
    monkeypatch.setattr(Variation, "needs", frozenset({"tile"}))
    grid, deaf = imagine("a fox"), replace(EASEL_SMALL, honours=EASEL_SMALL.honours - {"tile"})
    assert len(result_buttons(grid, EASEL_SMALL.honours)) == 2
    [row] = result_buttons(grid, deaf.honours)
    assert [button.label or button.emoji for button in row] == ["U1", "U2", "U3", "U4", "🔄"]
    varied = variation(grid, 0, Strength.SUBTLE, press())
    assert plan(varied, EASEL_SMALL).cost > 0
    with pytest.raises(UserError, match="kind_not_supported"):
        plan(varied, deaf)
    assert Catalogue((deaf,)).honours(grid.model) == deaf.honours
    assert Catalogue((deaf,)).honours("gone") == frozenset()


def test_links_are_counted_in_the_answer() -> None:
    """More than a model is shown is refused at once, and the first that is too many is named."""
    links = " ".join(f"https://example.org/{number}.png" for number in range(MAX_PICTURES + 1))
    with pytest.raises(UserError, match="too_many") as caught:
        check(parse(f"{links} a fox").prompts[0], EASEL_SMALL)
    assert f"/{MAX_PICTURES}.png" in str(caught.value.values["link"])
    check(parse(f"{links.rpartition(' ')[0]} a fox").prompts[0], EASEL_SMALL)


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("a fox --sref 5", "--sref"),
        ("a fox --cw 5 --cref https://a.org/a.png", "--cref"),
        ("a fox --p abc --v 6.1", "--p"),
        ("a fox --personalize abc", "--personalize"),
        ("a fox --hd --v 8.1", "--hd"),
    ],
)
def test_a_refusal_names_the_flag_as_typed(text: str, flag: str) -> None:
    """Not by what it is called inside; without it the prompt runs."""
    with pytest.raises(UserError, match="parameter_not_supported") as caught:
        check(parse(text).prompts[0], EASEL_SMALL)
    assert caught.value.values["parameter"] == flag
    shorter = without(text, str(caught.value.values["field"]))
    assert shorter is None or flag not in shorter
