"""Prompts that the language takes, drawn from its own tables: versions, flags, ranges, choices."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from contract.prompt.flags import FLAG, FLAGS, SELECTORS, Flag, Kind
from contract.versions import VERSIONS, Rule, Version

_ODD = (
    *(
        "*",
        "**",
        "*b",
        "a*",
        "`",
        "\\,",
        "\\{",
        "\\}",
        "\\",
        "1",
        "0.5",
        ".",
        ",",
        "'",
        '"',
        "<@1>",
        "ar",
        "no",
        "random",
    ),
    *("\u200b", "\u202e", "\u2028", "\x00", "\ud800", "👩‍🎨", "\n", ":", "a:b", "5:", "x-y", "naïve", "狐狸", "É"),
)
"""Words that mean nothing in particular, and look as if they did."""

_WORDS = st.one_of(
    st.sampled_from(("fox", "a red dog", "night", "stag's head")),
    st.sampled_from(_ODD),
    st.text(st.characters(exclude_characters="-–—{}\\:<_", codec="utf-8"), max_size=8),
)
_PHRASES = st.tuples(st.lists(_WORDS, max_size=3), st.lists(_WORDS, max_size=3)).map(
    lambda around: " ".join((*around[0], "fox", *around[1]))
)
_LINKS = st.sampled_from(("https://a.org/x.png", "<https://a.org/y.jpg>", "https://b.org/q/z.webp?a=1&b=2"))
_WEIGHTS = st.sampled_from(("", "::1", "::2", "::0", "::10"))
_DECIMAL_WEIGHTS = st.sampled_from(("", "::.5", "::+.25", "::1.125"))
_DASHES = st.sampled_from(("--", "--", "--", "—", "–"))
_MAP = "--map https://a.org/x.png "
_STYLE = "--sref 5 "
_NEEDED = {
    "cw": "--cref https://a.org/x.png ",
    "sw": _STYLE,
    "sv": _STYLE,
    "ow": "--oref https://a.org/x.png ",
    "mt": _MAP,
    "mw": _MAP,
}
"""What has to stand beside some flags."""
_COMMANDS = frozenset({"zoom", "motion", "loop", "end", "bs"})
"""Flags that mean something only in a command of their own."""


def _number(rule: Rule, whole: bool) -> st.SearchStrategy[str]:
    if rule.choices:
        return st.sampled_from(tuple(f"{choice:g}" for choice in rule.choices if isinstance(choice, int | float)))
    low, high = int(rule.low or 0), int(rule.high or 100)
    if whole:
        return st.integers(low, high).map(str)
    return st.decimals(low, high, allow_nan=False, places=2).map(lambda number: f"{number:f}")


def _aspect(rule: Rule) -> st.SearchStrategy[str]:
    """Any two numbers; where a rule sets bounds and does not move to the nearest, a ratio between them."""
    side = st.integers(1, 500)
    if rule.low is None or rule.nearest:
        return st.tuples(side, side).map(lambda sides: f"{sides[0]}:{sides[1]}")
    return st.tuples(st.integers(100, 500), st.integers(100, 500)).map(lambda sides: f"{sides[0]}:{sides[1]}")


def _references(flag: Flag) -> st.SearchStrategy[str]:
    links = st.builds("{}{}".format, _LINKS, st.sampled_from(("", "::2", "::.5")))
    if flag.name == "oref":
        return _LINKS
    if flag.name == "edit":
        return st.lists(_LINKS, min_size=1, max_size=2).map(" ".join)
    if flag.name == "cref":
        return st.lists(links, min_size=1, max_size=2).map(" ".join)
    numbers = st.builds("{}{}".format, st.integers(0, 10**9), st.sampled_from(("", "::3")))
    return st.lists(st.one_of(links, numbers, st.just("random")), min_size=1, max_size=3).map(" ".join)


_VALUES: dict[Kind, Callable[[Flag, Rule], st.SearchStrategy[str]]] = {
    Kind.SWITCH: lambda flag, rule: st.just(""),
    Kind.VIDEO: lambda flag, rule: st.sampled_from(("", "1")),
    Kind.INTEGER: lambda flag, rule: _number(rule, whole=True),
    Kind.DECIMAL: lambda flag, rule: _number(rule, whole=False),
    Kind.ASPECT: lambda flag, rule: _aspect(rule),
    Kind.WORD: lambda flag, rule: st.sampled_from(tuple(map(str, rule.choices))),
    Kind.LINK: lambda flag, rule: _LINKS,
    Kind.REFERENCES: lambda flag, rule: _references(flag),
    Kind.NAMES: lambda flag, rule: st.sampled_from(("ink", "ink::.5 paper::-1", "a-b.c")),
    Kind.CODES: lambda flag, rule: st.sampled_from(("", "abc1234", "abc1234 x9")),
    Kind.LIST: lambda flag, rule: st.sampled_from(("mist", "a, b", ", red car ,", "*, x")),
}


@st.composite
def _flag(draw: st.DrawFn, flag: Flag, rule: Rule) -> str:
    """One use of `flag`, by any of its names. `--w` is a width in the versions that have one."""
    name = draw(
        st.sampled_from([alias for alias in (flag.name, *flag.aliases) if (flag.name, alias) != ("weird", "w")])
    )
    value = draw(_VALUES[flag.kind](flag, rule))
    needed = _NEEDED.get(flag.name, "")
    return f"{needed}{draw(_DASHES)}{name} {value}".strip()


@st.composite
def _text(draw: st.DrawFn, version: Version) -> str:
    """Links, then parts with weights as far as the version takes them, or a group of two."""
    links = draw(st.lists(_LINKS, max_size=2))
    if version.weights == "none":
        parts = [draw(_PHRASES)]
    else:
        weights = st.one_of(_WEIGHTS, _DECIMAL_WEIGHTS) if version.weights == "decimal" else _WEIGHTS
        parts = [f"{phrase}{draw(weights)}" for phrase in draw(st.lists(_PHRASES, min_size=1, max_size=3))]
        parts.append("a house")
    group = draw(st.sampled_from(("", "", "{red, blue}", "{a, {b, c}}")))
    return " ".join((*links, *parts, group))


@st.composite
def legal_prompts(draw: st.DrawFn) -> str:
    """A prompt of any version that runs: every flag in it exists there and has a value that the version takes."""
    version = draw(st.sampled_from([version for version in VERSIONS if not version.retired]))
    names = sorted({flag.name for flag in FLAGS if version.rule(flag.name) is not None} - SELECTORS - _COMMANDS)
    chosen = draw(st.lists(st.sampled_from(names), max_size=5, unique=True))
    for one, other in (("hd", "sd"), ("hd", "draft"), ("tile", "edit"), ("ow", "oref")):
        if {one, other} <= set(chosen):
            chosen.remove(one)
    beside = tuple(f"--{name}" for name in chosen)
    rules = {name: rule for name in chosen if (rule := version.rule(name, beside)) is not None}
    if {"relax", "repeat"} <= set(chosen):
        chosen.remove("repeat")
    uses = [draw(_flag(FLAG[name], Rule(1, 4) if name == "repeat" else rules[name])) for name in chosen]
    text = draw(_text(version))
    if "iw" in chosen:
        text = f"{draw(_LINKS)} {text}"
    if "relax" in chosen:
        text = text.replace("{", "").replace("}", "")
    uses.insert(draw(st.integers(0, len(uses))), version.echo)
    return " ".join((text, *uses))
