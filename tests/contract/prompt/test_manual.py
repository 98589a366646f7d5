"""The page people read says what the parser does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contract.prompt import parse
from contract.prompt.__main__ import answer
from contract.prompt.flags import FLAGS
from contract.prompt.manual import parameter_table

_PAGE = (Path(__file__).parents[3] / "docs" / "prompt-language.md").read_text()
_EXAMPLES = re.findall(r"^/imagine (.+)$", _PAGE, re.MULTILINE)
_PROGRAMS = re.findall(r"^\$ echo '(.+)' \| python -m contract\.prompt\n(.+)$", _PAGE, re.MULTILINE)


def test_the_table_has_every_spelling() -> None:
    """No flag is left out; `--w` and `--h` are how sizes are typed."""
    table = parameter_table()
    for flag in FLAGS:
        if flag.name not in ("width", "height"):
            assert all(f"`--{name}`" in table for name in (flag.name, *flag.aliases))


@pytest.mark.parametrize("text", _EXAMPLES)
def test_every_example_on_the_page_runs(text: str) -> None:
    """Readers copy examples."""
    assert parse(text).jobs >= 1


@pytest.mark.parametrize(("request_line", "answer_line"), _PROGRAMS)
def test_the_programs_example_is_real(request_line: str, answer_line: str) -> None:
    """The lines shown are the lines written."""
    assert answer(request_line) == answer_line


def test_the_page_has_examples() -> None:
    """The patterns above find something."""
    assert len(_EXAMPLES) >= 10
    assert len(_PROGRAMS) == 2
