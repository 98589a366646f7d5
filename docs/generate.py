"""`make docs`: writes the pages that are made from code. A test holds them against it.

settings.md         from the fields of the settings classes
command-line.md     from the help texts of the programs
prompt-language.md  its table, from the tables that the parser reads
"""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import typer.main
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from api.settings import ApiSettings
from bot.settings import BotSettings
from console.__main__ import app as console
from contract.prompt.manual import parameter_table
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

`easel-bot`, `easel-worker` and `easel-policy` are installed with the package; the others run as `python -m …` from the
repository. Every program takes its settings from the environment: [settings](settings.md).

Exit status: 0 after an orderly end; 2 when something that the operator can mend forbids a start, and one sentence on
standard error says what; anything else when something went wrong on the way.
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


def language_page() -> str:
    """The page of the prompt language with its table as the parser has it now."""
    before, start, rest = LANGUAGE.read_text(encoding="utf-8").partition(TABLE)
    _, end, after = rest.partition(TABLE_END)
    if not end:
        raise ValueError(f"{LANGUAGE} has lost the marks around its table")
    return before + start + parameter_table() + end + after


PAGES = {HERE / "settings.md": settings_page, HERE / "command-line.md": command_page, LANGUAGE: language_page}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
