"""`easel versions`: what each version means, and holding one still for all who do not hold it themselves."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from exchange import preferences
from exchange.answering import AsJson, NotNow, answer
from service.opening import with_services
from service.pins import canonical, hold_everywhere, meanings_in
from service.policy import OPERATOR
from service.profiles import PIN_PREFIX
from service.services import Services

app = typer.Typer(
    help="Shows what each version means, and holds one still.", no_args_is_help=True, add_completion=False
)

Version = Annotated[str, typer.Argument(help="as it is typed: 6.1, `niji 6`, or a name of your catalogue")]


@app.command("list")
def show(as_json: AsJson = False) -> None:
    """Show the versions on offer: what draws each, at which revision, and what else it can be held at."""

    async def run(services: Services) -> list[dict[str, Any]]:
        meanings, stored = await meanings_in(services, None), await services.preferences.all(preferences.EVERYONE)
        return [
            {
                "version": version,
                "means": str(meanings[version]) if version in meanings else None,
                "held_at": stored.get(PIN_PREFIX + version),
                "others": [
                    str(model.meaning)
                    for model in services.catalogue.answering(version)
                    if model.meaning != meanings.get(version)
                ],
            }
            for version in services.catalogue.offered
        ]

    found = with_services(run)
    answer({"versions": found}, "\n".join(map(_line, found)), as_json)


@app.command()
def pin(
    version: Version,
    model: Annotated[str, typer.Argument(help="a model of the catalogue that answers to it")],
    as_json: AsJson = False,
) -> None:
    """Hold a version at a model and its present revision. Channels that use it are told of the change."""

    async def run(services: Services) -> tuple[str, str]:
        name = canonical(services, version)
        return name, str(await hold_everywhere(services, OPERATOR, name, model))

    name, meaning = with_services(run)
    answer({"version": name, "held_at": meaning}, f"version {name} is held at {meaning}", as_json)


@app.command()
def unpin(version: Version, as_json: AsJson = False) -> None:
    """Let a version mean what the catalogue says. Channels that use it are told of the change."""

    async def run(services: Services) -> tuple[str, bool]:
        name = canonical(services, version)
        held = await services.preferences.get(preferences.EVERYONE, PIN_PREFIX + name) is not None
        await hold_everywhere(services, OPERATOR, name, None)
        return name, held

    name, held = with_services(run)
    if not held:
        raise NotNow(f"version {name} is not held")
    answer({"version": name, "held_at": None}, f"version {name} means what the catalogue says", as_json)


def _line(found: dict[str, Any]) -> str:
    held = ", held" if found["held_at"] else ""
    others = f"; can be held at {', '.join(found['others'])}" if found["others"] else ""
    means = found["means"] or f"nothing: {found['held_at']} is not in the catalogue any more"
    return f"{found['version']}\t{means}{held}{others}"
