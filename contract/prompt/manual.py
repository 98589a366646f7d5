"""The table of parameters for people, made from the tables the parser reads. `make docs` puts it on its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from contract.prompt.flags import FLAGS, SELECTORS, Flag, Kind
from contract.versions import ROWS, VERSIONS, Row, Rule

_ALL = tuple(version.name for version in VERSIONS if not version.retired)


def parameter_table() -> str:
    """Markdown: a line a flag, with its spellings, effect, values and versions; the first year's switches share one."""
    switches = [flag for flag in FLAGS if flag.field == "legacy" and flag.kind is Kind.SWITCH]
    lines = ["| Parameter | What it does | Values (default) and versions |", "|---|---|---|"]
    lines += [f"| {_spellings(flag)} | {flag.effect} | {_values(flag)} |" for flag in FLAGS if flag not in switches]
    lines.append(f"| {', '.join(f'`--{flag.name}`' for flag in switches)} | {switches[0].effect} | their models |")
    return "\n".join(lines) + "\n"


def _spellings(flag: Flag) -> str:
    if flag.field == "legacy":
        return f"`{flag.example.rsplit(' ', 1)[0]}`"
    return " ".join(f"`--{name}`" for name in (flag.name, *flag.aliases))


def _values(flag: Flag) -> str:
    if flag.name in SELECTORS:
        spellings = VERSIONS.spellings(flag.name)
        return ", ".join(f"`{spelling}`" for spelling in spellings) if spellings else "no value"
    return "; ".join(_row(row, flag) for row in ROWS if row.parameter == flag.name and set(row.versions) & set(_ALL))


def _row(row: Row, flag: Flag) -> str:
    where = "every version" if set(row.versions) >= set(_ALL) else _ranges(row.versions)
    if row.beside:
        where += " with " + " or ".join(f"`{flag}`" for flag in row.beside)
    values = _rule(row.rule, flag)
    return f"{values} in {where}" if values else where


def _rule(rule: Rule, flag: Flag) -> str:
    bound = _ratio if flag.kind is Kind.ASPECT else _number
    values = ", ".join(f"`{choice}`" for choice in rule.choices)
    if rule.low is not None and rule.high is not None:
        values = f"{bound(rule.low)} to {bound(rule.high)}"
    if flag.kind is Kind.ASPECT and not values:
        values = "any ratio"
    if rule.codes:
        values += ", tuner codes"
    return f"{values} ({rule.default})" if values and rule.default is not None else values


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def _ratio(bound: float) -> str:
    ratio = Fraction(bound).limit_denominator(100)
    return f"{ratio.numerator}:{ratio.denominator}"


def _ranges(versions: Iterable[str]) -> str:
    """Versions with runs of neighbours written as ranges: `1 to 3, test, testp`."""
    wanted = set(versions) & set(_ALL)
    return ", ".join(_runs([name for name in _ALL if not name.startswith("niji")], wanted, "")) + _niji(wanted)


def _niji(wanted: set[str]) -> str:
    names = [name for name in _ALL if name.startswith("niji")]
    runs = list(_runs(names, wanted, "niji "))
    separator = ", " if wanted - set(names) else ""
    return separator + ", ".join(runs) if runs else ""


def _runs(names: list[str], wanted: set[str], prefix: str) -> Iterator[str]:
    run: list[str] = []
    for name in [*names, ""]:
        if name in wanted and not name.startswith("test"):
            run.append(name)
            continue
        if run:
            last = run[-1].removeprefix(prefix)
            yield run[0] if len(run) == 1 else f"{run[0]} to {last}"
            run = []
        if name in wanted:
            yield name
