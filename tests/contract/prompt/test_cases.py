"""Every case of the table, asked the way programs ask."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contract import prompt
from contract.prompt import PromptError, parse
from contract.prompt.__main__ import answer
from contract.sentences import describe
from tests.contract.prompt.cases import CASES, Case


def _ask(case: Case) -> dict[str, Any]:
    document = json.loads(answer(json.dumps({"prompt": case.prompt, **case.request})))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.prompt[:40]}")
def test_the_case_follows_its_rule(case: Case) -> None:
    """An answer holds what the rule says; an accepted prompt's echo is accepted and means the same."""
    document = _ask(case)
    for name, value in case.expected.items():
        if name == "error":
            assert document.keys() == {"error"}, document
            error = document["error"]
            assert {key: error.get(key) for key in value} == value, error
        else:
            assert document.get(name) == value, document


def test_every_kind_of_refusal_has_a_case() -> None:
    """No kind of error is left without an example."""
    kinds = {case.expected["error"]["kind"] for case in CASES if "error" in case.expected}
    code = "".join(path.read_text() for path in Path(prompt.__path__[0]).glob("*.py"))
    assert kinds == set(re.findall(r'(?:PromptError\(|_error\(given,)\s*"(\w+)"', code))


@pytest.mark.parametrize(
    "case", [case for case in CASES if "error" in case.expected], ids=lambda case: case.prompt[:40]
)
def test_a_refusal_points_at_a_word_and_its_suggestion_runs(case: Case) -> None:
    """Spans lie in the typed text, sentences are whole, and a suggestion is accepted when sent as it is."""
    error = _ask(case)["error"]
    assert error["title"]
    assert "{" not in error["title"]
    if "span" in error:
        start, end = error["span"]
        assert case.prompt[start:end].strip() == case.prompt[start:end] != ""
    if "suggestion" in error:
        assert "error" not in json.loads(answer(json.dumps({"prompt": error["suggestion"], **case.request})))


def test_describe_gives_title_and_description() -> None:
    """The two texts an embed shows."""
    with pytest.raises(PromptError) as caught:
        parse("robot --v 7 abc")
    assert describe(caught.value) == ("Invalid parameter", "Unrecognized parameter(s): abc")
    assert caught.value.values["words"] == "abc"
