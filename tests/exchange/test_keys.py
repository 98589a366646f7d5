"""Key names stand in one table, and Python and Lua read the same ones from it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import redis

from contract.outcomes import JobState
from exchange import keys, scripts

ROOT = Path(__file__).parents[2]
PACKAGES = ("contract", "exchange", "service", "bot", "api", "console", "worker", "benchmarks")


def test_no_key_is_spelt_outside_the_table() -> None:
    """Neither Python nor Lua holds a key's name of its own."""
    literal = re.compile(r"""["'](?:rq|easel):[\w{]""")
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    sources += (ROOT / "exchange" / "scripts").rglob("*.lua")
    spelt = [str(path.relative_to(ROOT)) for path in sources if literal.search(path.read_text())]
    assert spelt == ["exchange/keys.py"]


@pytest.mark.parametrize("name", sorted(keys.KEYS))
def test_lua_and_python_spell_a_key_alike(client: redis.Redis, name: str) -> None:
    """The function that a script gets yields the name that Python uses."""
    key = keys.KEYS[name]
    values = [f"{part}7" for part in key.parts]
    assert client.eval(f"return ({key.lua()})(unpack(ARGV))", 0, *values) == key(*values).encode()


def test_whoever_looks_through_all_jobs_finds_nothing_else() -> None:
    """No other key's name has the shape of a job's: a list among the hashes would end the search."""
    others = [key for name, key in keys.KEYS.items() if name != "state"]
    assert [key.pattern for key in others if fnmatch(key(*key.parts), keys.state("*"))] == []


def test_a_key_wants_all_its_parts() -> None:
    """A part that is missing or too much is an error, not another key."""
    with pytest.raises(TypeError, match="takes 2 parts, not 1"):
        keys.usage("811")


def test_lua_and_python_speak_of_the_same_states() -> None:
    """What a script writes or announces as a job's state is a `JobState`, and both agree on which of them end it."""
    lua = "\n".join(path.read_text() for path in (ROOT / "exchange" / "scripts").rglob("*.lua"))
    tables = dict(re.findall(r"jobs\.(\w+) = \{([^{}\n]+)\}", lua))
    assert set(re.findall(r"(\w+) = true", tables["ENDED"])) == {state.value for state in JobState if state.ended}
    kept = re.findall(r"'(\w+)'", tables["WAITING_STATE"] + tables["RUNNING_STATE"])
    written = re.findall(r"(?:set_state|announce)\([\w.]+, '(\w+)'", lua)
    assert len(written) > 3
    assert set(kept + written) <= set(JobState)


def test_a_script_has_each_part_once() -> None:
    """Parts that several parts need are not there twice, and stand before those that need them."""
    text = scripts.FINISH.text
    assert [text.count(f"local {part} = {{}}") for part in ("jobs", "fair", "claiming")] == [1, 1, 1]
    assert text.index("local args") < text.index("local jobs") < text.index("local fair")


def test_scripts_are_clean_lua() -> None:
    """luacheck finds nothing: no global, no unused name, no line that is too long."""
    linter = shutil.which("luacheck")
    if linter is None:
        assert "CI" not in os.environ, "the gate needs luacheck (Debian: lua-check)"
        pytest.skip("luacheck is not installed (Debian: apt install lua-check)")
    checked = subprocess.run(
        [linter, "--no-color", "exchange/scripts"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
