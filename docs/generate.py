"""`make docs`: writes the pages that are made from code. A test holds them against it.

settings.md         from the fields of the settings classes
command-line.md     from the help texts of the programs
metrics.md          from the metrics that processes tell, and the alert rules
http.md             from the API's own description
prompt-language.md  its table, from the tables that the parser reads
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin

import annotated_types
import typer.main
import yaml
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from api.app import create_app
from api.door import Door
from api.settings import ApiSettings
from bot.settings import BotSettings
from console.command_line import app as console
from contract.prompt.manual import parameter_table
from exchange.connection import connect
from exchange.embedded import embedded
from exchange.metrics import Metrics
from exchange.settings import SECRETS_FOLDER, CommonSettings
from service.settings import DoorSettings
from worker.settings import WorkerSettings

HERE = Path(__file__).resolve().parent
WIDTH = {"COLUMNS": "100", "NO_COLOR": "1"}
"""Help texts are as wide as these pages, whatever terminal writes them."""

SETTINGS_HEAD = f"""\
# Settings

<!-- Written by `make docs` from the settings classes: settings.py of exchange, service, bot, api and worker. -->

A setting is an environment variable. What the environment does not say is looked for in the file `.env` of the working
folder, then in a folder of secrets with one file a setting (`{SECRETS_FOLDER}/discord_token`; `SECRETS_DIR` names
another folder). An empty value counts as not set. `.env.example` is a file to start from. A wrong value stops the start
with a sentence that names the setting.
"""

COMMANDS_HEAD = """\
# The command line

<!-- Written by `make docs` from the programs' own help texts. -->

`easel` is installed with the package, and so are `easel-bot`, `easel-api`, `easel-worker` and `easel-policy`, its older
names; the others run as `python -m …` from the repository. Every program takes its settings from the environment:
[settings](settings.md). [An operator's day](operators-day.md) shows what the commands answer.

Every command that answers takes `--json` and then prints JSON alone. What could not be done is one sentence on standard
error, after the program's name. Exit status:

| status | after |
|---|---|
| 0 | what was asked was done; of a process, an orderly end |
| 1 | it was done, and the answer is no: a changed picture, a finding of `doctor`, damaged weights; a process failed |
| 2 | words or settings make no sense, or Redis, store or Discord cannot be used; the sentence says what to mend first |
| 3 | there is no such job, worker, model or key |
| 4 | it is there, but in a state in which this cannot be done to it |
| 70, 71, 78 | a child of `start` ended itself: its device hung, or is broken; its model or token is of no use |
"""

LANGUAGE = HERE / "prompt-language.md"
TABLE, TABLE_END = "<!-- Written by `make docs`. -->\n", "<!-- end of the table -->"

PROGRAMS = (
    ("easel-bot", ("bot",)),
    ("easel-api", ("api",)),
    ("python -m sandbox serve", ("sandbox", "serve")),
    ("python -m sandbox demo", ("sandbox", "demo")),
    ("python -m exchange.embedded", ("exchange.embedded",)),
    ("python -m model.training", ("model.training",)),
)
"""Programs that print a page about themselves for `--help`, and how to run them from here."""


def settings_page() -> str:
    """A table for the settings that processes share and one for each process's own."""
    common = CommonSettings.model_fields
    sections = [
        ("Every process", CommonSettings, list(common)),
        ("Bot and API", DoorSettings, [name for name in DoorSettings.model_fields if name not in common]),
        ("The bot", BotSettings, [name for name in BotSettings.model_fields if name not in DoorSettings.model_fields]),
        ("The API", ApiSettings, [name for name in ApiSettings.model_fields if name not in DoorSettings.model_fields]),
        ("The worker", WorkerSettings, [name for name in WorkerSettings.model_fields if name not in common]),
    ]
    parts = [SETTINGS_HEAD]
    for title, settings, names in sections:
        rows = "\n".join(_row(name, settings.model_fields[name]) for name in names)
        parts.append(f"\n## {title}\n\n| setting | default | values | meaning |\n|---|---|---|---|\n{rows}\n")
    return "".join(parts)


def _row(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"the setting {name} has no description")
    default = field.default
    shown = "" if default in (None, "") or field.is_required() else f"`{str(default).lower()}`"
    return f"| `{name.upper()}` | {shown} | {_values(field)} | {field.description} |"


def _values(field: FieldInfo) -> str:
    """What may be set: the choices, the range or the type."""
    kinds = [kind for kind in _alternatives(field.annotation) if kind is not type(None)]
    for kind in kinds:
        if get_origin(kind) is Literal:
            return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if bool in kinds:
        return "`true`, `false`"
    if not {int, float} & set(kinds):
        return "list of numbers" if any(get_origin(kind) is list for kind in kinds) else "text"
    number = "whole number" if int in kinds else "number"
    bounds = {type(bound): bound for bound in field.metadata}
    low, above, high = (bounds.get(kind) for kind in (annotated_types.Ge, annotated_types.Gt, annotated_types.Le))
    words = [number]
    words += [f"from {low.ge}"] if isinstance(low, annotated_types.Ge) else []
    words += [f"above {above.gt}"] if isinstance(above, annotated_types.Gt) else []
    words += [f"up to {high.le}"] if isinstance(high, annotated_types.Le) else []
    return " ".join(words)


def _alternatives(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def command_page() -> str:
    """Every program's help."""
    parts = [f"\n## `{name}`\n\n```\n{text.strip()}\n```\n" for name, text in (*_apps(), *_others())]
    return COMMANDS_HEAD + "".join(parts)


def _apps() -> Iterator[tuple[str, str]]:
    for name, app in (("easel", console),):
        for words in _commands(typer.main.get_command(app)):
            answer = CliRunner().invoke(app, [*words, "--help"], prog_name=name, env=WIDTH)
            yield " ".join((name, *words)), answer.output


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words that lead to a group, to its commands and to its groups' commands."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield from _commands(command, (*path, name))


def _others() -> Iterator[tuple[str, str]]:
    for name, module in PROGRAMS:
        command = [sys.executable, "-m", *module, "--help"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | WIDTH, cwd=HERE.parent
        )
        yield name, done.stdout


METRICS_HEAD = """\
# Metrics and alerts

<!-- Written by `make docs` from exchange/metrics.py and monitoring/alerts.yml. -->

With `METRICS_PORT` set, every process serves `/metrics` for Prometheus, `/health` (200 while it lives) and `/ready`
(200 while it reaches Redis, else 503) on `METRICS_HOST`; with several GPUs, GPU *n* adds *n* to the port. No label
holds a prompt, a person or a server. What stands in Redis is told by every process alike: take the `max`.
"""


def metrics_page() -> str:
    """Every metric with its labels, and every alert with what to do."""
    metrics = Metrics()
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        client = connect(url)
        metrics.watch_queues(client)
        metrics.watch_weather()
        card = {"card_used_bytes": 1, "card_total_bytes": 1, "card_busy_percent": 1}
        metrics.watch_vitals(lambda: {"memory_bytes": 1, **card})
        metrics.watch_folder(Path(folder))
        told = sorted(metrics.registry.collect(), key=lambda family: family.name)
        client.close()
    labels = metrics.labels()
    rows = "\n".join(
        f"| `{one.name}{'_total' if one.type == 'counter' else ''}` | {one.type} | "
        f"{', '.join(f'`{label}`' for label in labels.get(one.name, ()))} | {one.documentation} |"
        for one in told
    )
    rules = yaml.safe_load((HERE.parent / "monitoring" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0][
        "rules"
    ]
    alerts = "\n".join(
        f"| {rule['alert']} | {rule['labels']['severity']} | {rule['annotations']['summary']} | "
        f"{rule['annotations']['do']} |"
        for rule in rules
    )
    return (
        f"{METRICS_HEAD}\n| metric | kind | labels | what it is |\n|---|---|---|---|\n{rows}\n\n## Alerts\n\n"
        f"| alert | severity | what it says | what to do |\n|---|---|---|---|\n{alerts}\n"
    )


HTTP_HEAD = """\
# HTTP

<!-- Written by `make docs` from the API's own description. -->

`easel api` serves this on `API_HOST:API_PORT`; the whole description with every field is at `/openapi.json`, and a page
to try it at `/docs`. A key (`easel keys create NAME`) goes into `Authorization: Bearer …`. Errors are
`{"error": {"message", "type", "param", "code"}}`, as OpenAI's clients expect them. Every process with `METRICS_PORT`
serves `/metrics`, `/health` and `/ready` beside it ([metrics](metrics.md)).
"""


def http_page() -> str:
    """Every route of the API with what it answers."""
    described = create_app(cast(Door, None)).openapi()
    parts = [HTTP_HEAD, "\n| route | what it does | answers |\n|---|---|---|\n"]
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            words = " ".join((route.get("description") or route.get("summary", "")).split())
            answers = ", ".join(sorted(route["responses"]))
            parts.append(f"| `{method.upper()} {path}` | {words} | {answers} |\n")
    for name, schema in sorted(described["components"]["schemas"].items()):
        if "properties" not in schema or name in ("HTTPValidationError", "ValidationError"):
            continue
        parts.append(f"\n## {name}\n\n| field | type | meaning |\n|---|---|---|\n")
        needed = set(schema.get("required", ()))
        for field, what in schema["properties"].items():
            words = " ".join(str(what.get("description", "")).split())
            parts.append(f"| `{field}`{' (needed)' if field in needed else ''} | {_type_of(what)} | {words} |\n")
    return "".join(parts)


def _type_of(schema: Mapping[str, Any]) -> str:
    """A field's type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if choices := schema.get("anyOf"):
        return " or ".join(_type_of(choice) for choice in choices)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def language_page() -> str:
    """The page of the prompt language with its table as the parser has it now."""
    before, start, rest = LANGUAGE.read_text(encoding="utf-8").partition(TABLE)
    _, end, after = rest.partition(TABLE_END)
    if not end:
        raise ValueError(f"{LANGUAGE} has lost the marks around its table")
    return before + start + parameter_table() + end + after


PAGES = {
    HERE / "settings.md": settings_page,
    HERE / "command-line.md": command_page,
    HERE / "metrics.md": metrics_page,
    HERE / "http.md": http_page,
    LANGUAGE: language_page,
}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
