"""The table of parameters for people, made from the tables the parser reads: `python -m contract.prompt.manual`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from contract.prompt.flags import FLAGS, SELECTORS, Flag, Kind
from contract.versions import ROWS, VERSIONS, Rule

_ALL = tuple(version.name for version in VERSIONS)


def parameter_table() -> str:
    """Markdown: one line a flag, with its spellings, effect, values and versions. The first year's switches share one."""
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
    return "; ".join(_row(row.rule, row.versions, row.styles) for row in ROWS if row.parameter == flag.name)


def _row(rule: Rule, versions: tuple[str, ...], styles: tuple[str, ...]) -> str:
    where = "every version" if set(versions) == set(_ALL) else _ranges(versions)
    if styles:
        where += " with " + " or ".join(f"`--style {style}`" for style in styles)
    values = _rule(rule)
    return f"{values} in {where}" if values else where


def _rule(rule: Rule) -> str:
    values = ", ".join(f"`{choice}`" for choice in rule.choices)
    if rule.low is not None and rule.high is not None:
        values = f"{_bound(rule.low)} to {_bound(rule.high)}"
    if rule.codes:
        values += ", tuner codes"
    return f"{values} ({rule.default})" if values and rule.default is not None else values


def _bound(bound: float) -> str:
    """A number, or a ratio for the bounds of a shape."""
    if bound == int(bound):
        return str(int(bound))
    ratio = Fraction(bound).limit_denominator(100)
    return f"{ratio.numerator}:{ratio.denominator}"


def _ranges(versions: Iterable[str]) -> str:
    """Versions with runs of neighbours written as ranges: `1 to 3, test, testp`."""
    wanted = set(versions)
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


if __name__ == "__main__":
    print(parameter_table(), end="")
