"""The version table of September 2026: what each version takes, moves to what it has, and refuses by name."""

from __future__ import annotations

import pytest

from contract.prompt import Prompt, PromptError, parse
from contract.prompt.flags import FLAGS, SELECTORS
from contract.sentences import describe
from contract.versions import VERSIONS, Version

A, B, C, D, E = (f"https://example.com/{name}.png" for name in "abcde")

TAKEN = {
    "fox": "8.2",
    "fox --v 8.1": "8.1",
    "fox --v 8.2 --sd": "8.2",
    "fox --hd": "8.2",
    "fox --hd --v 8.1": "8.1",
    "fox --hd --v 3": "3",
    "fox --ar 14:1": "8.2",
    "fox --ar 1:14 --sd": "8.2",
    "fox --ar 14:1 --v 6.1": "6.1",
    "fox --ar 20:1 --v 7": "7",
    "fox --hd --ar 4:1": "8.2",
    "fox --ar 1:4 --hd --v 8.1": "8.1",
    "fox --exp 100": "8.2",
    "fox --exp 0 --v 7": "7",
    "fox --exp 10 --weird 3000 --tile --v 8.2": "8.2",
    "fox --tile --hd": "8.2",
    "fox --tile --v 8.1": "8.1",
    "fox --w 250 --v 8.1": "8.1",
    "fox --w 250 --v 2": "2",
    "fox --draft": "8.2",
    "fox --draft --v 7": "7",
    "fox --raw --s 1000 --c 100": "8.2",
    "fox --style raw --v 8.1": "8.1",
    "fox --seed 0 --no red, blue --v 8.2": "8.2",
    "fox --repeat 40": "8.2",
    f"{A} fox --iw 3 --v 8.2": "8.2",
    f"{A} {B} --v 8.2": "8.2",
    f"fox --sref {A}::2 77::.5 --sw 1000 --sv 6": "8.2",
    "fox --sref random --v 8.1": "8.1",
    "fox --sref 1 --sv 4 --v 6.1": "6.1",
    "fox --p abc1234 --sref 1 --sw 10 --sv 6": "8.2",
    "fox --p m123": "8.2",
    "fox --p m123 M77 abc --sref 1": "8.2",
    f"red --edit {A}": "8.2",
    f"red --edit {A} {B} {C} {D} --raw": "8.2",
    f"red --edit {A} --ar 14:1 --v 8.1": "8.1",
    f"red {A} --edit {B} --sref 5 --sd": "8.2",
    # what only older versions have is read by the newest of those, where no version is named
    "fox --q 2": "6.1",
    "fox --stop 50": "6.1",
    "fox --turbo": "6.1",
    "owl::2 cat::-.5": "6.1",
    f"fox --cref {A} --cw 0": "6.1",
    f"fox --oref {A} --ow 1000": "7",
    "fox --style random-16": "6.1",
    "fox --turbo --sref 1 --sv 6": "7",
    "fox --sameseed 5 --v 3": "3",
    # niji
    "fox --niji": "niji 6",
    "fox --niji 7 --raw": "niji 7",
    "fox --niji 7 --sref 3 --sv 6": "niji 7",
    "fox --niji 6 --stop 50 --tile": "niji 6",
    "owl::2 cat --niji 6": "niji 6",
    "fox --niji 5 --style expressive": "niji 5",
    f"fox --cref {A} --niji 6": "niji 6",
    "fox --test --creative": "test",
    "fox --v 4 --style 4b --uplight": "4",
    "fox --v 5.1 --style raw --stop 10": "5.1",
    "fox --v 5.2 --style raw-3W4kHk8XAO0 --turbo": "5.2",
}
"""Prompts and the version that reads them."""

MOVED = {
    "fox --q 3 --v 7": ("quality", 2),
    "fox --q .6 --v 6": ("quality", 0.5),
    "fox --q 4 --v 6.1": ("quality", 2),
    "fox --q 2 --niji 6": ("quality", 1),
    "fox --ar 5:1 --v 3": ("aspect", (5, 2)),
    "fox --ar 3:1 --v 4": ("aspect", (2, 1)),
    "fox --ar 16:9 --v 4 --style 4b": ("aspect", (3, 2)),
    "fox --ar 3:1 --niji 4": ("aspect", (2, 1)),
    "fox --ar 4096:1024": ("aspect", (4, 1)),
}
"""Values off a version's list move to the nearest one on it."""

CORRECTED = {
    # in none of the 8.x
    "fox --q 2 --v 8.2": ("--q", "fox --v 8.2"),
    "fox --quality .5 --v 8.1": ("--quality", "fox --v 8.1"),
    "fox --turbo --v 8.1": ("--turbo", "fox --v 8.1"),
    "fox --stop 50 --v 8.2": ("--stop", "fox --v 8.2"),
    "fox --sameseed 5 --v 8.2": ("--sameseed", "fox --v 8.2"),
    "fox --sameseed 5": ("--sameseed", "fox"),
    "a::2 b --v 8.2": ("`::`", "a b --v 8.2"),
    "a:: b::.5 --niji 7": ("`::`", "a b --niji 7"),
    f"fox --cref {A} --cw 50 --v 8.2": ("--cref", f"fox --edit {A} --v 8.2"),
    f"fox --oref {A} --ow 200 --v 8.1": ("--oref", f"fox --edit {A} --v 8.1"),
    f"fox --oref {A}::2 --v 8.2": ("--oref", f"fox --edit {A} --v 8.2"),
    "fox --uplight --v 8.2": ("uplight", "fox --v 8.2"),
    "fox --creative": ("creative", "fox"),
    "fox --v 8": ("--v", "fox --v 8.2"),
    "fox --version 8.0": ("--version", "fox --version 8.2"),
    "fox --v 8.3": ("--v", "fox --v 8.2"),
    "fox --v 9": ("--v", "fox --v 8.2"),
    "fox --v 6.2": ("--v", "fox --v 6.1"),
    "fox --niji 8": ("--niji", "fox --niji 7"),
    "fox --v8.2": ("v8.2", "fox --v 8.2"),
    # between the 8.x
    "fox --exp 20 --v 8.1": ("--exp", "fox --v 8.1"),
    "fox --exp 101": ("--exp", "fox --exp 100"),
    "fox --exp 2.5 --v 8.2": ("--exp", "fox --exp 2 --v 8.2"),
    "fox --weird 3001": ("--weird", "fox --weird 3000"),
    "fox --ar 15:1": ("--ar", "fox --ar 14:1"),
    "fox --aspect 1:20 --v 8.1": ("--aspect", "fox --aspect 1:14 --v 8.1"),
    "fox --hd --ar 9:2": ("--ar", "fox --hd --ar 4:1"),
    "fox --ar 1:14 --hd --v 8.1": ("--ar", "fox --ar 1:4 --hd --v 8.1"),
    "fox --ar 16x9 --v 8.2": ("--ar", "fox --ar 16:9 --v 8.2"),
    "fox --ar 1.78": ("--ar", "fox --ar 16:9"),
    "fox --hd --sd": ("--sd", "fox --hd"),
    "fox --sd --v 7": ("--sd", "fox --v 7"),
    "fox --hd --v 6.1": ("--hd", "fox --v 6.1"),
    "fox --hd --niji 7": ("--hd", "fox --niji 7"),
    "fox --draft --v 6.1": ("--draft", "fox --v 6.1"),
    "fox --hd fluffy": ("fluffy", "fox fluffy --hd"),
    # edits, moodboards, references
    f"red --edit {A} --tile": ("--tile", f"red --edit {A}"),
    f"red --tile --edit {A} --v 8.2": ("--edit", "red --tile --v 8.2"),
    f"red --edit {A}::3": ("--edit", f"red --edit {A}"),
    f"red --edit {A} --v 7": ("--edit", f"red --edit {A}"),
    f"red --edit {A} --turbo": ("--turbo", f"red --edit {A}"),
    "fox --p m12 --sref 1 --sw 5": ("--sw", "fox --p m12 --sref 1"),
    "fox --sv 6 --profile abc m12": ("--sv", "fox --profile abc m12"),
    "fox --personalize m12 --sw 5 --v 7": ("--sw", "fox --personalize m12 --v 7"),
    "fox --p m12 --v 5": ("--p", "fox --v 5"),
    "fox --p": ("--p", "fox"),
    "fox --sref 1 --sv 7": ("--sv", "fox --sref 1 --sv 6"),
    "fox --sref 1 --sv 5 --v 6.1": ("--sv", "fox --sref 1 --sv 4 --v 6.1"),
    "fox --sref 1 --sv 5 --niji 6": ("--sv", "fox --sref 1 --sv 4 --niji 6"),
    "fox --sref 1 --sw 1001": ("--sw", "fox --sref 1 --sw 1000"),
    "fox --sref 1 --v 5.2": ("--sref", "fox --v 5.2"),
    f"fox --cref {A} --cw 101 --v 6": ("--cw", f"fox --cref {A} --cw 100 --v 6"),
    f"fox --cref {A} --v 7": ("--cref", f"fox --oref {A} --v 7"),
    f"fox --oref {A} --ow 1001 --v 7": ("--ow", f"fox --oref {A} --ow 1000 --v 7"),
    f"fox --oref {A} --v 6.1": ("--oref", f"fox --cref {A} --v 6.1"),
    f"fox --oref {A} --niji 7": ("--oref", "fox --niji 7"),
    "fox --cw 50 --v 6.1": ("--cw", "fox --v 6.1"),
    "fox --sw 200": ("--sw", "fox"),
    "fox --sv 4 --v 6.1": ("--sv", "fox --v 6.1"),
    "fox --ow 50": ("--ow", "fox"),
    f"fox --iw 2 --sref {A}": ("--iw", f"fox --sref {A}"),
    f"red --edit {A} --iw 2": ("--iw", f"red --edit {A}"),
    "fox --mt edges --mw 50": ("--mt", "fox"),
    "fox --draft --hd": ("--hd", "fox --draft"),
    f"{A} fox --iw 4 --v 8.2": ("--iw", f"{A} fox --iw 3 --v 8.2"),
    f"{A} fox --iw 3 --niji 5": ("--iw", f"{A} fox --iw 2 --niji 5"),
    f"{A} fox --iw 1 --v 4": ("--iw", f"{A} fox --v 4"),
    # older ones
    "fox --tile --v 7": ("--tile", "fox --v 7"),
    "fox --tile --niji 7": ("--tile", "fox --niji 7"),
    "fox --stop 5 --v 6": ("--stop", "fox --stop 10 --v 6"),
    "fox --stop 50 --niji 7": ("--stop", "fox --niji 7"),
    "fox --s 100 --v 3": ("--s", "fox --s 625 --v 3"),
    "fox --weird 5 --v 4": ("--weird", "fox --v 4"),
    "fox --turbo --v 4": ("--turbo", "fox --v 4"),
    "cheese::1.5 cake --zoom 2": ("--zoom", "cheese::1.5 cake"),
    "fox --motion high": ("--motion", "fox"),
    "fox --motion hihg --video": ("--motion", "fox --motion high --video"),
    "fox --bs 3 --video": ("--bs", "fox --bs 2 --video"),
    # what nobody can guess goes
    "fox --exp": ("--exp", "fox"),
    "fox --exp high": ("--exp", "fox"),
    "fox --seed random --v 7": ("--seed", "fox --v 7"),
    "fox --no": ("--no", "fox"),
    "fox --style cute": ("--style", "fox"),
    "fox --style cute --v 8.2": ("--style", "fox --v 8.2"),
    "fox --style cute --niji 7": ("--style", "fox --niji 7"),
    "fox --style 4d --v 4": ("--style", "fox --v 4"),
    "fox --ar 0:1": ("--ar", "fox"),
    "fox --ar 4:3:2": ("--ar", "fox"),
    "fox --preview": ("preview", "fox"),
    f"fox --oref {A} {B} --v 7": ("--oref", f"fox --oref {A} --v 7"),
    "fox --cref cat --v 8.2": ("--cref", "fox --v 8.2"),
    "fox --lora ink::9": ("--lora", "fox --lora ink::4"),
    # shapes in words, or with a blank in them; switches of other tools; numbers typed twice
    "fox --ar wide": ("--ar", "fox --ar 3:2"),
    "fox --ar Portrait": ("--ar", "fox --ar 2:3"),
    "fox --ar 2": ("--ar", "fox --ar 2:1"),
    "fox --ar 3 2": ("2", "fox --ar 3:2"),
    "fox --tile on": ("on", "fox --tile"),
    "fox --raw off": ("off", "fox"),
    "fox --chaos 5 5": ("5", "fox --chaos 5"),
    f"red --edit {A} {B} {C} {D} {E}": ("--edit", f"red --edit {A} {B} {C} {D}"),
    "fox --sref nice": ("--sref", "fox nice"),
    "fox --v": ("--v", "fox"),
    "fox --v draft": ("--v", "fox --draft"),
    "fox --frobnicate": ("frobnicate", "fox"),
    "cheese::1.5 cake --v 3": ("1.5", "cheese::2 cake --v 3"),
    # pictures that are not there
    "red --edit": ("--edit", "red"),
    "red --edit 5": ("--edit", "red"),
    "fox --edit": ("--edit", "fox"),
    "fox --sref": ("--sref", "fox --sref random"),
    "fox --sref -5 --sv 6": ("--sref", "fox --sref random --sv 6"),
    "fox --oref 5 --v 7": ("--oref", "fox --v 7"),
    "fox --map cat": ("--map", "fox"),
    f"{A} --v 8.2": ("--version 8.2", f"{A} a picture --v 8.2"),
    # weights that cancel out
    "red::-1 --v 6": ("-1", "red --v 6"),
    "fox:: red::-2 --v 6": ("-1", "fox:: --no red --v 6"),
    # batches
    "fox --repeat 4 --relax": ("relax", "fox --repeat 4 --fast"),
    "a {red, blue} fox --relax": ("relax", "a {red, blue} fox --fast"),
    "fox --hd --video --relax": ("relax", "fox --hd --video --fast"),
}
"""Prompts, what of them the refusal names as it was typed, and the correction that is offered."""

REFUSED = {
    f"--edit {A}": "what is to be changed",
    f"fox --sref {B}age": "--sref",
    "": "say in a few words",
}
"""Prompts without one obvious correction, and what the refusal names."""


def read(text: str) -> Prompt:
    """The first prompt of a text."""
    return parse(text).prompts[0]


def test_the_table_is_long_enough_to_mean_something() -> None:
    """What is not seen here is of the same sorts."""
    assert len({*TAKEN, *MOVED, *CORRECTED, *REFUSED}) >= 150


@pytest.mark.parametrize("text", TAKEN)
def test_what_a_version_has_is_taken(text: str) -> None:
    """And the echo says the same when it is read again."""
    prompt = read(text)
    assert prompt.version == TAKEN[text]
    again = read(prompt.echo)
    assert (again.version, again.parameters, again.parts) == (prompt.version, prompt.parameters, prompt.parts)


@pytest.mark.parametrize("text", MOVED)
def test_what_a_version_rounds_is_moved(text: str) -> None:
    """Without an error, as Midjourney does."""
    field, value = MOVED[text]
    assert getattr(read(text).parameters, field) == value


@pytest.mark.parametrize("text", CORRECTED)
def test_what_a_version_lacks_is_named_and_a_way_on_offered(text: str) -> None:
    """The correction runs."""
    named, suggestion = CORRECTED[text]
    with pytest.raises(PromptError) as caught:
        read(text)
    assert named in describe(caught.value)[1]
    assert caught.value.suggestion == suggestion
    read(suggestion)


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_guessed_is_only_named(text: str) -> None:
    """The sentence says what is expected."""
    with pytest.raises(PromptError) as caught:
        read(text)
    assert REFUSED[text] in describe(caught.value)[1]
    assert caught.value.suggestion is None


ASKED = [version for version in VERSIONS if not version.retired]


@pytest.mark.parametrize("version", ASKED, ids=lambda version: version.name)
def test_every_flag_is_known_or_named_by_every_version(version: Version) -> None:
    """Each flag's own example: it runs with the version, or is refused by its name, with a way on."""
    for flag in FLAGS:
        if flag.name in SELECTORS:
            continue
        error = refusal(f"fox {version.echo} {flag.example}")
        if error is not None:
            assert flag.example.split()[0].removeprefix("--") in describe(error)[1]
            assert error.suggestion is not None or (error.kind == "bad_value" and version.rule(flag.name))


def refusal(text: str) -> PromptError | None:
    """Why a text is refused; None where it runs."""
    try:
        read(text)
    except PromptError as error:
        return error
    return None
