"""Which parameter exists in which version, with its range and default: one table of data, read by the parser.

Old versions and plans are rows here, never branches in code. An operator's own model name is an alias that takes over
the rows of the version it stands for (`VERSIONS.with_alias("emoji", "6.1")`), or a `Version` of its own
(`with_version`). Whether a model on offer can do what is legal here is another question; the catalogue answers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from contract.families import SAMPLERS

Value = int | float | str

DEFAULT_VERSION = "8.2"
"""What a prompt that names no version is read as, where some model answers to it and the prompt holds nothing that only
older ones have."""

STAND_INS = ("6.1", "7", "6")
"""The versions that then read it, in this order: 6.1 has most of what went, and was the default for long."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What values one parameter takes in one version.

    `low` and `high` bound a number, both included (for `aspect` they bound width over height). `choices` lists the
    only values there are. `nearest`: a number off the list or out of bounds moves to the closest allowed one instead
    of being refused. `codes`: style codes of a tuner are taken beside the choices. `default` is what an absent
    parameter means.
    """

    low: float | None = None
    high: float | None = None
    default: Value | None = None
    choices: tuple[Value, ...] = ()
    nearest: bool = False
    codes: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: `parameter` exists in `versions` under `rule`; with `beside`, only beside those flags
    (`--style 4a`, `--hd`)."""

    parameter: str
    versions: tuple[str, ...]
    rule: Rule = Rule()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A version people can ask for.

    `name` is the canonical name (`6.1`, `niji 6`, `test`), `flag` the parameter that selects it, `spellings` what may
    be typed after that flag (the first is echoed; none for a bare flag). `weights` says which `::` weights it takes:
    `integer`, `decimal` or `none`, when it has no multi-prompts at all. A `retired` one is understood in what was
    posted before, and refused in what is typed now.
    """

    name: str
    flag: str
    spellings: tuple[str, ...]
    weights: str = "decimal"
    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    retired: bool = False

    @property
    def echo(self) -> str:
        """The version as the posted prompt shows it: `--v 7.0`, `--niji 6`, `--test`."""
        flag = "--v" if self.flag == "version" else f"--{self.flag}"
        return f"{flag} {self.spellings[0]}" if self.spellings else flag

    @property
    def label(self) -> str:
        """The version as error texts name it: `--version 7`, `--niji 6`, `--test`."""
        return f"--{self.flag} {self.name.removeprefix('niji ')}" if self.spellings else f"--{self.flag}"

    def rule(self, parameter: str, beside: Iterable[str] = ()) -> Rule | None:
        """The rule of `parameter` here (a narrower one when a flag `beside` it brings that), None when it does not
        exist."""
        narrower = next((rule for other in beside if (rule := self.rules.get((parameter, other)))), None)
        return narrower or self.rules.get((parameter, ""))


_ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
"""A word of its own after `--v`: no blanks, commas or braces, which mean something else in a prompt."""


class Versions:
    """The versions an operator knows, looked up by any of their spellings."""

    def __init__(self, versions: Iterable[Version], niji: str = "niji 6") -> None:
        """`niji` is what a bare `--niji` means."""
        self._versions = {version.name: version for version in versions}
        self._spellings = {
            (version.flag, spelling): version for version in self._versions.values() for spelling in version.spellings
        }
        self._bare = {version.flag: version for version in self._versions.values() if not version.spellings}
        if niji in self._versions:
            self._bare["niji"] = self._versions[niji]

    def __iter__(self) -> Iterator[Version]:
        return iter(self._versions.values())

    def selected(self, flag: str, spelling: str | None) -> Version | None:
        """The version that `--flag spelling` asks for; None when there is none. Upper case is understood."""
        if spelling is None:
            return self._bare.get(flag)
        return self._spellings.get((flag, spelling)) or self._spellings.get((flag, spelling.lower()))

    def named(self, name: str) -> Version | None:
        """A version by name as settings hold it: `6.1`, `7.0`, `niji 6`, `niji`, `test`, `--v 6`."""
        words = name.lower().removeprefix("--").split()
        if len(words) == 1:
            [word] = words
            return self._versions.get(word) or self.selected("version", word) or self.selected(word, None)
        if len(words) == 2:
            flag = {"v": "version"}.get(words[0], words[0])
            return self.selected(flag, words[1])
        return None

    def spellings(self, flag: str) -> tuple[str, ...]:
        """What may follow `--flag`, for error texts."""
        return tuple(
            version.spellings[-1]
            for version in self
            if version.flag == flag and version.spellings and not version.retired
        )

    def with_alias(self, alias: str, base: str) -> Versions:
        """These versions and `--v alias`, legal in exactly what `base` is legal in.

        KeyError when `base` is unknown, ValueError when `alias` is not one word or means a version already.
        """
        version, alias = self.named(base), alias.lower()
        if version is None:
            raise KeyError(base)
        if not _ALIAS.fullmatch(alias) or self.named(alias) is not None:
            raise ValueError(alias)
        return self.with_version(replace(version, name=alias, flag="version", spellings=(alias,)))

    def with_version(self, version: Version) -> Versions:
        """These versions and one more, which takes the place of one of the same name."""
        return Versions([*(other for other in self if other.name != version.name), version])


_V1_TO_3 = ("1", "2", "3")
_V4 = ("4",)
_V5 = ("5", "5.1", "5.2")
_V6 = ("6", "6.1")
_V7 = ("7",)
_V8_0 = ("8",)
_V8 = ("8.1", "8.2")
_TESTS = ("test", "testp")
_NIJI_4, _NIJI_5, _NIJI_6, _NIJI_7 = ("niji 4",), ("niji 5",), ("niji 6",), ("niji 7",)
_NIJI = _NIJI_4 + _NIJI_5 + _NIJI_6 + _NIJI_7
_EARLY = _V1_TO_3 + _TESTS
_FROM_V5 = _V5 + _V6 + _V7 + _V8_0 + _V8 + _NIJI_5 + _NIJI_6 + _NIJI_7
_FROM_V6 = _V6 + _V7 + _V8_0 + _V8 + _NIJI_6 + _NIJI_7
_ALL = _EARLY + _V4 + _FROM_V5 + _NIJI_4

_QUARTERS = (0.25, 0.5, 1)
_SIZE = Rule(64, 2048)

ROWS: tuple[Row, ...] = (
    # shape and spread
    Row("aspect", _V1_TO_3 + _TESTS, Rule(2 / 5, 5 / 2, "1:1", nearest=True)),
    Row("aspect", _V4 + _NIJI_4, Rule(1 / 2, 2, "1:1", nearest=True)),
    Row(
        "aspect",
        _V4,
        Rule(default="1:1", choices=("1:1", "2:3", "3:2"), nearest=True),
        beside=("--style 4a", "--style 4b"),
    ),
    Row("aspect", _V5 + _V7 + _V8_0 + _NIJI_5 + _NIJI_7, Rule(default="1:1")),
    Row("aspect", _V6 + _V8 + _NIJI_6, Rule(1 / 14, 14, "1:1")),
    Row("aspect", _V8, Rule(1 / 4, 4, "1:1"), beside=("--hd",)),
    Row("chaos", _ALL, Rule(0, 100, 0)),
    Row("tile", _EARLY + _V5 + _V6 + _V8 + _NIJI_5 + _NIJI_6),
    # look
    Row("stylize", _V1_TO_3, Rule(625, 60000, 2500)),
    Row("stylize", _TESTS, Rule(1250, 5000, 2500)),
    Row("stylize", _V4 + _FROM_V5 + _NIJI_4, Rule(0, 1000, 100)),
    Row("weird", _FROM_V5, Rule(0, 3000, 0)),
    Row("style", _V4, Rule(choices=("4a", "4b", "4c"))),
    Row("style", ("5.1", *_V7, *_V8_0, *_V8, *_NIJI_6, *_NIJI_7), Rule(choices=("raw",))),
    Row("style", ("5.2", *_V6), Rule(choices=("raw", "random"), codes=True)),
    Row("style", _NIJI_5, Rule(choices=("cute", "scenic", "expressive", "original"))),
    Row("raw", ("5.1", "5.2", *_V6, *_V7, *_V8_0, *_V8, *_NIJI_6, *_NIJI_7)),
    Row("exp", (*_V7, "8.2"), Rule(0, 100, 0)),
    Row("profile", _FROM_V6),
    # effort
    Row("quality", _EARLY, Rule(default=1, choices=(*_QUARTERS, 2, 5), nearest=True)),
    Row("quality", _V4 + _V5 + ("6",) + _NIJI, Rule(default=1, choices=_QUARTERS, nearest=True)),
    Row("quality", ("6.1",), Rule(default=1, choices=(*_QUARTERS, 2), nearest=True)),
    Row("quality", _V7 + _V8_0, Rule(default=1, choices=(1, 2, 4), nearest=True)),
    Row("stop", _EARLY + _V4 + _V5 + _V6 + _NIJI_4 + _NIJI_5 + _NIJI_6, Rule(10, 100, 100)),
    Row("sampler", _ALL, Rule(choices=SAMPLERS)),
    Row("draft", _V7 + _V8),
    Row("hd", _V1_TO_3 + _V8),
    Row("sd", _V8),
    # seeds and batches
    Row("seed", _ALL, Rule(0, 4294967295)),
    Row("sameseed", _EARLY, Rule(0, 4294967295)),
    Row("repeat", _ALL, Rule(1, 40, 1)),
    # words to keep away from, pictures to keep near
    Row("no", _ALL),
    Row("iw", _V1_TO_3, Rule(0, 3, 0.25)),
    Row("iw", _V5 + _NIJI_5, Rule(0, 2, 1)),
    Row("iw", _FROM_V6, Rule(0, 3, 1)),
    Row("cref", _V6 + _NIJI_6),
    Row("cw", _V6 + _NIJI_6, Rule(0, 100, 100)),
    Row("sref", _FROM_V6),
    Row("sw", _FROM_V6, Rule(0, 1000, 100)),
    Row("sv", _V6 + _NIJI_6, Rule(1, 4, 4)),
    Row("sv", _V7 + _V8_0 + _V8 + _NIJI_7, Rule(1, 6, 6)),
    Row("oref", _V7),
    Row("ow", _V7, Rule(0, 1000, 100)),
    # what an operator adds to a model
    Row("lora", _ALL),
    # what lies where, and what is changed
    Row("map", _ALL),
    Row("mt", _ALL, Rule(choices=("areas", "edges", "depth"))),
    Row("mw", _ALL, Rule(0, 100, 100)),
    Row("edit", _V8),
    # how fast, who sees it
    Row("fast", _ALL),
    Row("relax", _ALL),
    Row("turbo", _V5 + _V6 + _V7 + _V8_0 + _NIJI_5 + _NIJI_6 + _NIJI_7),
    Row("stealth", _ALL),
    Row("public", _ALL),
    # moving pictures and the zoom box
    Row("video", _ALL),
    Row("motion", _ALL, Rule(default="low", choices=("low", "high"))),
    Row("loop", _ALL),
    Row("end", _ALL),
    Row("bs", _ALL, Rule(default=1, choices=(1, 2, 4))),
    Row("zoom", _ALL, Rule(1, 2)),
    # the first year's flags
    Row("uplight", _EARLY + _V4 + _NIJI_4),
    Row("upbeta", _EARLY + _V4 + _NIJI_4),
    Row("upanime", _V4 + _NIJI_4),
    Row("creative", _TESTS),
    Row("beta", _V1_TO_3),
    Row("width", _V1_TO_3, _SIZE),
    Row("height", _V1_TO_3, _SIZE),
    *(
        Row(shortcut, _V1_TO_3)
        for shortcut in (
            "vibe",
            "vibefast",
            "hq",
            "newclip",
            "nostretch",
            "old",
            "wallpaper",
            "sl",
            "ml",
            "ll",
            "sp",
            "mp",
            "lp",
        )
    ),
)


def _rules(name: str) -> Mapping[tuple[str, str], Rule]:
    return MappingProxyType(
        {(row.parameter, other): row.rule for row in ROWS if name in row.versions for other in row.beside or ("",)}
    )


def _numbered(name: str, *spellings: str, weights: str = "decimal", retired: bool = False) -> Version:
    return Version(name, "version", spellings or (name,), weights, _rules(name), retired)


def _niji(number: str, weights: str = "decimal") -> Version:
    return Version(f"niji {number}", "niji", (number,), weights, _rules(f"niji {number}"))


VERSIONS = Versions(
    [
        *(_numbered(name, weights="integer") for name in _V1_TO_3),
        _numbered("4"),
        _numbered("5", "5.0", "5"),
        _numbered("5.1"),
        _numbered("5.2"),
        _numbered("6", "6.0", "6"),
        _numbered("6.1"),
        _numbered("7", "7.0", "7", weights="none"),
        _numbered("8", "8.0", "8", weights="none", retired=True),
        _numbered("8.1", weights="none"),
        _numbered("8.2", weights="none"),
        *(Version(name, name, (), "decimal", _rules(name)) for name in _TESTS),
        _niji("4"),
        _niji("5"),
        _niji("6"),
        _niji("7", weights="none"),
    ]
)
"""Midjourney's versions as of September 2026, the ones an operator starts from."""

JOBS_PER_SUBMISSION: Mapping[str, int] = MappingProxyType({"basic": 4, "standard": 10, "pro": 40, "mega": 40})
"""How many jobs one submission may become by permutations and `--repeat`, by plan."""

RELAX_PLANS = frozenset({"standard", "pro", "mega"})
"""The plans that have relax mode."""
