"""The table of versions is whole, and operators can extend it."""

from __future__ import annotations

import pytest

from contract.prompt import Context, PromptError, format_prompt, parse
from contract.prompt.flags import FLAGS, SELECTORS, SPELLINGS, Kind
from contract.sentences import describe
from contract.versions import ROWS, VERSIONS, Row, Rule, Version

_NUMBERS = ["1", "2", "3", "4", "5", "5.1", "5.2", "6", "6.1", "7", "8", "8.1", "8.2"]


def test_the_table_has_midjourneys_versions() -> None:
    """1 to 8.2, both tests, niji 4 to 7."""
    assert [version.name for version in VERSIONS] == [*_NUMBERS, "test", "testp", *(f"niji {n}" for n in range(4, 8))]


def test_every_row_names_a_flag_and_known_versions() -> None:
    """No row is dead: its parameter is a flag and its versions exist."""
    names = {flag.name for flag in FLAGS}
    for row in ROWS:
        assert row.parameter in names
        assert all(VERSIONS.named(version) is not None for version in row.versions)


def test_no_version_has_two_rules_for_one_parameter() -> None:
    """A later row never hides an earlier one."""
    seen = [
        (row.parameter, version, style) for row in ROWS for version in row.versions for style in row.beside or ("",)
    ]
    assert len(seen) == len(set(seen))


SUBJECTS = {
    flag: f" --{subject} https://example.com/a.png"
    for flag, subject in {"cw": "cref", "ow": "oref", "sw": "sref", "sv": "sref", "mw": "map"}.items()
}
"""What flags need beside them that say something about another one."""


def test_every_flag_exists_somewhere_and_its_example_runs() -> None:
    """The example that an error shows for a flag is legal in at least one version."""
    for flag in FLAGS:
        assert flag.name in SELECTORS or any(version.rule(flag.name) for version in VERSIONS), flag.name
        assert any(_runs(f"fox {flag.example}", version.name) for version in VERSIONS), flag.example


def _runs(text: str, version: str) -> bool:
    return any(
        _verdict(
            f"https://example.com/b.png {text}{extra}", Context(version=version, command=command, profile_ready=True)
        )
        is None
        for command in ("imagine", "video", "custom_zoom")
        for extra in ("", *SUBJECTS.values())
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.rule.low is not None], ids=lambda row: row.parameter)
def test_both_ends_of_a_range_are_legal_and_one_step_beyond_is_not(row: Row) -> None:
    """The parser reads ranges from the table and nowhere else."""
    flag = next(flag for flag in FLAGS if flag.name == row.parameter)
    low, high = row.rule.low, row.rule.high
    if flag.kind is Kind.ASPECT or low is None or high is None:
        return
    for name in row.versions:
        version = VERSIONS.named(name)
        assert version is not None
        shown = "https://example.com/b.png " if flag.name == "iw" else ""
        extra = SUBJECTS.get(flag.name, "")
        spelling = {"width": "w", "height": "h"}.get(flag.name, flag.name)
        command = "custom_zoom" if flag.name == "zoom" else "imagine"
        for value, legal in ((low, True), (high, True), (high + 1, False), (low - 1, False)):
            context = Context(version=name, command=command)
            assert _verdict(f"{shown}fox --{spelling} {value:.0f}{extra}", context) == (None if legal else "bad_value")


def _verdict(text: str, context: Context) -> str | None:
    try:
        parse(text, context)
    except PromptError as error:
        return error.kind
    return None


def test_spellings_of_flags_are_lower_case_and_unique() -> None:
    """One spelling, one flag."""
    spellings = [spelling for flag in FLAGS for spelling in (flag.name, *flag.aliases)]
    assert len(spellings) == len(set(spellings)) == len(SPELLINGS)
    assert all(spelling == spelling.lower() for spelling in spellings)


def test_an_alias_is_legal_in_what_its_base_is_legal_in() -> None:
    """`--v emoji` stands for 6.1 under the operator's own name."""
    versions = VERSIONS.with_alias("Emoji", "6.1")
    context = Context(version="emoji", versions=versions)
    (prompt,) = parse("fox --q 2 --cref https://example.com/a.png", context).prompts
    assert prompt.version == "emoji"
    assert prompt.echo.split(" --cref")[0] == "fox --q 2 --v emoji"
    assert parse(format_prompt(prompt, versions), context).prompts == (prompt,)
    assert parse("fox --v EMOJI", Context(versions=versions)).prompts[0].version == "emoji"
    with pytest.raises(PromptError, match="incompatible"):
        parse("fox --draft", context)
    with pytest.raises(KeyError):
        VERSIONS.with_alias("x", "99")
    for taken in ("7.0", "niji", "two words", "a,b"):
        with pytest.raises(ValueError, match=taken):
            VERSIONS.with_alias(taken, "6.1")


def test_a_version_of_ones_own_has_its_own_rules() -> None:
    """An operator's model may allow what no other version does."""
    tiny = Version("tiny", "version", ("tiny",), rules={("chaos", ""): Rule(0, 7)})
    versions = VERSIONS.with_version(tiny)
    assert parse("fox --chaos 7 --v tiny", Context(versions=versions)).prompts[0].version == "tiny"
    with pytest.raises(PromptError) as caught:
        parse("fox --chaos 8 --v tiny", Context(versions=versions))
    assert describe(caught.value)[1] == "--chaos must be between 0 and 7 with --version tiny"
    with pytest.raises(PromptError, match="incompatible"):
        parse("fox --ar 3:2 --v tiny", Context(versions=versions))


@pytest.mark.parametrize(
    ("name", "version"),
    [("7.0", "7"), ("--v 6", "6"), ("v 5.0", "5"), ("niji", "niji 6"), ("niji 7", "niji 7"), ("--niji 4", "niji 4")],
)
def test_versions_are_found_by_every_spelling(name: str, version: str) -> None:
    """As settings, menus and people write them."""
    found = VERSIONS.named(name)
    assert found is not None
    assert found.name == version


@pytest.mark.parametrize("name", ["", "9", "niji 3", "v", "a b c", "raw", "version"])
def test_other_names_are_no_versions(name: str) -> None:
    """None, rather than a guess."""
    assert VERSIONS.named(name) is None
