"""`easel-policy`: who may make pictures, how many, and what may be on them; what moderators did; forgetting a person.

What it changes holds at once, for every process. Settings are those of the other processes.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from contract.jobs import DiscordChannel, User
from contract.moderation import Owner, Weighed, met, read_blocked, read_list, read_weighed
from contract.prompt import Context, parse
from exchange.answering import AsJson, NotNow, answer, run_app
from exchange.policy import Ban, Policy, Subject
from exchange.quotas import Whose, limits_in_words
from exchange.settings import SettingsError
from service import policy, shadow
from service.asker import Asker
from service.forgetting import forget_person
from service.opening import with_services
from service.policy import OPERATOR, moment
from service.services import Services

app = typer.Typer(
    help="Says who may make pictures, how many, and what may be on them; shows what moderators did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ENTRIES = {"ignore_unknown_options": True}
"""Of commands that take words of the list: one may begin with `--no`."""
DAY_MS = 86_400_000
SNOWFLAKE_DIGITS = 20
EXAMPLES = 5
"""Jobs that `try` shows of each rule."""
LIMIT = "a number, `any` for no limit, `unset` for what holds for others"
SWITCH = {"on": True, "true": True, "off": False, "false": False}
NAMES = {
    "direct_messages": "pictures in direct messages",
    "turbo": "the speed on offer",
    "relax": "the speed on offer",
    "jobs_per_hour": "of each person, 0 for any number",
    "cooldown_s": "seconds between two jobs of a person",
    "pictures": "what follows when a picture is for adults: off, watch, soft, light, medium, heavy; / age-restricted",
    "picture_threshold": "from which probability on it is",
    "strikes": "heavy refusals within a day that are a time-out, 0 for never",
    "time_out_min": "minutes of that",
    "review_channel": "id of the channel for appeals and reports, 0 for none",
}
"""What the operator may set for everybody, and what it means."""
Who = Annotated[Subject, typer.Argument(help="user or guild")]
Id = Annotated[int, typer.Argument(min=1, help="its id in Discord")]


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show what holds now."""

    async def run(services: Services) -> dict[str, Any]:
        held = await services.policies.policy()
        return {
            "policy": {name: policy.shown(getattr(held, name)) for name in NAMES},
            "words": sorted({*services.blocked_words, *(await services.policies.words())}),
            "quotas": {place: dict(layer) for place, layer in (await services.quotas.all()).items()},
            "banned": {
                str(subject): {str(id): asdict(ban) for id, ban in (await services.policies.bans(subject)).items()}
                for subject in Subject
            },
            "invited": {str(subject): list(await services.policies.invited(subject)) for subject in Subject},
        }

    held = with_services(run)
    lines = [f"{name.replace('_', ' ')}: {held['policy'][name]}  ({meaning})" for name, meaning in NAMES.items()]
    lines += [f"word: {entry}" for entry in held["words"]]
    for place, layer in held["quotas"].items():
        lines.append(f"quota: {place.replace(':', ' ')}: {limits_in_words(layer)}")
    for subject in Subject:
        for id, ban in sorted(held["banned"][subject].items()):
            until = "" if ban["until_ms"] is None else f" until {moment(ban['until_ms'])}"
            lines.append(f"banned: {subject} {id}{until}{': ' + ban['why'] if ban['why'] else ''}")
        lines += [f"invited: {subject} {id}" for id in held["invited"][subject]]
    answer(held, "\n".join(lines), as_json)


@app.command()
def ban(
    who: Who,
    id: Id,
    why: Annotated[str, typer.Option(help="what the person is told")] = "",
    days: Annotated[float | None, typer.Option(min=0.001, help="for how long; for ever without it")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a user or a server make no pictures any more."""
    until_ms = None if days is None else int(time.time() * 1000 + days * DAY_MS)
    with_services(lambda services: policy.ban(services, OPERATOR, who, id, Ban(why, until_ms)))
    until = "" if until_ms is None else f" until {moment(until_ms)}"
    answer({"banned": f"{who} {id}", "until_ms": until_ms}, f"{who} {id} makes no pictures{until}", as_json)


@app.command()
def unban(who: Who, id: Id, as_json: AsJson = False) -> None:
    """Lift a ban."""
    if not with_services(lambda services: policy.unban(services, OPERATOR, who, id)):
        raise NotNow(f"{who} {id} is not banned")
    answer({"lifted": f"{who} {id}"}, f"{who} {id} may make pictures again", as_json)


@app.command()
def invite(who: Who, id: Id, as_json: AsJson = False) -> None:
    """Let this one make pictures, and from the first one on nobody who is not invited."""
    with_services(lambda services: policy.invite(services, OPERATOR, who, id))
    answer({"invited": f"{who} {id}"}, f"{who} {id} is invited", as_json)


@app.command()
def uninvite(who: Who, id: Id, as_json: AsJson = False) -> None:
    """Take an invitation back; when none is left, all may make pictures again."""
    if not with_services(lambda services: policy.uninvite(services, OPERATOR, who, id)):
        raise NotNow(f"{who} {id} is not invited")
    answer({"taken_back": f"{who} {id}"}, "taken back", as_json)


@app.command("set")
def set_one(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(sorted(NAMES)).replace('_', '-')}")],
    value: Annotated[str, typer.Argument(help="on or off, a number, or a weight")],
    as_json: AsJson = False,
) -> None:
    """Set one line of what `show` shows."""
    field = name.replace("-", "_").replace(" ", "_")
    if field not in NAMES:
        near = get_close_matches(field, NAMES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}."
        hint = hint.replace("_", "-")
        raise SettingsError(f"There is no {name} in the policy; {hint}")
    held = with_services(lambda services: policy.set_policy(services, OPERATOR, **{field: read_field(field, value)}))
    now = policy.shown(getattr(held, field))
    answer({field: now}, f"{field.replace('_', ' ')}: {now}", as_json)


@app.command(context_settings=ENTRIES)
def word(
    entry: Annotated[str, typer.Argument(help="WORD, WORD=WEIGHT or WORD=WEIGHT/WEIGHT")], as_json: AsJson = False
) -> None:
    """Block a word everywhere. Weights are off, watch, soft, light, medium and heavy; behind the slash stands the one
    for age-restricted channels. `--no WORD` is about what prompts keep away."""
    blocked = read_blocked(entry)
    with_services(lambda services: policy.block_word(services, OPERATOR, blocked))
    answer({"blocked": entry}, f"{entry} is on the list", as_json)


@app.command(context_settings=ENTRIES)
def unword(word: Annotated[str, typer.Argument(help="as it stands in the list")], as_json: AsJson = False) -> None:
    """Take a word off the list."""
    if not with_services(lambda services: policy.unblock_word(services, OPERATOR, word)):
        raise NotNow(f"{word} is not on the list")
    answer({"taken_off": word}, "taken off", as_json)


@app.command()
def check(
    prompt: Annotated[str, typer.Argument(help="a prompt as it would be typed")], as_json: AsJson = False
) -> None:
    """Say which of the operator's words a prompt meets, in an ordinary channel."""

    async def run(services: Services) -> list[dict[str, str]]:
        listed = read_list((*services.blocked_words, *(await services.policies.words())))
        prompts = parse(prompt, Context(versions=services.catalogue.versions)).prompts
        return [
            {"weight": str(found.weight), "word": str(found.word), "prompt": one.text}
            for one in prompts
            for found in met([(Owner.OPERATOR, listed)], one, age_restricted=False)
        ]

    found = with_services(run)
    answer({"met": found}, "\n".join("\t".join(one.values()) for one in found) or "no word is met", as_json)


@app.command("try", context_settings=ENTRIES)
def try_out(
    words: Annotated[str, typer.Argument(help="entries as `word` takes them, with commas between")] = "",
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="of a rule for pictures")] = None,
    days: Annotated[float, typer.Option(min=0, help="how far back; all that is kept without it")] = 0,
    as_json: AsJson = False,
) -> None:
    """Say what a rule would have done to past jobs. It changes nothing; the jobs are those whose records are kept."""
    entries = [read_blocked(word) for word in words.split(",") if word.strip()]

    past = with_services(
        lambda services: asyncio.to_thread(shadow.replay, services.images, entries, threshold=threshold, days=days)
    )
    lines = [f"{past.jobs} jobs of {past.people} people"]
    for name, hits in past.hits.items():
        lines.append(f"{name}: {len(hits.jobs)} jobs of {len(hits.people)} people")
        lines += [f"  {job_id}  {prompt[:100]}" for job_id, prompt in list(hits.jobs.items())[:EXAMPLES]]
    if threshold is not None:
        lines.append(f"{past.looked_at} jobs have pictures that were looked at")
    document = {
        "jobs": past.jobs,
        "people": past.people,
        "looked_at": past.looked_at,
        "hits": {
            str(name): {"jobs": [str(job_id) for job_id in hits.jobs], "people": len(hits.people)}
            for name, hits in past.hits.items()
        },
    }
    answer(document, "\n".join(lines), as_json)


@app.command()
def quota(
    whose: Annotated[Whose, typer.Argument(help="everyone, role or user")],
    id: Annotated[int, typer.Argument(min=0, help="the role's or user's id in Discord")] = 0,
    fast_minutes: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    relax_minutes: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    jobs_per_hour: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    cooldown_s: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    as_json: AsJson = False,
) -> None:
    """Say how much somebody may make in a month, in an hour and at a time. A person's own counts before their roles',
    of which the most generous counts, and those before everyone's."""
    if whose is not Whose.EVERYONE and not id:
        raise SettingsError(f"Which {whose}? Give its id.")
    given = {
        "fast_minutes": fast_minutes,
        "relax_minutes": relax_minutes,
        "jobs_per_hour": jobs_per_hour,
        "cooldown_s": cooldown_s,
    }
    limits = {name: read_limit(text) for name, text in given.items() if text not in (None, "unset")}
    clear = [name for name, text in given.items() if text == "unset"]

    said = with_services(lambda services: policy.set_quota(services, OPERATOR, whose, id, limits, clear=clear))
    about = str(whose) if whose is Whose.EVERYONE else f"{whose} {id}"
    answer(
        {"whose": about, "holds": dict(said)},
        f"{about}: {limits_in_words(said) or 'nothing is said of them'}",
        as_json,
    )


@app.command()
def forget(user: Id, as_json: AsJson = False) -> None:
    """Delete all that is kept of a person: settings, usage, history, pictures. Posted messages stay where they are."""
    asker = Asker(user=User(user, ""), destination=DiscordChannel(1), asked_ms=0, key=0)
    forgotten = with_services(lambda services: forget_person(services, OPERATOR, asker))
    answer(
        {"user_id": str(user), **asdict(forgotten)}, f"forgotten, with the pictures of {forgotten.jobs} jobs", as_json
    )


@app.command()
def audit(last: Annotated[int, typer.Option(min=1, max=10_000, help="how many")] = 50, as_json: AsJson = False) -> None:
    """Show what moderators and operators did, newest first."""
    deeds = with_services(lambda services: services.policies.deeds(last))
    lines = ["\t".join([moment(deed.at_ms), deed.by, deed.did, deed.about, deed.detail]).rstrip() for deed in deeds]
    answer({"deeds": [asdict(deed) for deed in deeds]}, "\n".join(lines) or "nothing is on record", as_json)


def main() -> None:
    """Run one command. What cannot be done is one sentence on standard error and a documented exit status."""
    run_app(app, "easel-policy")


def read_limit(text: str | None) -> float | None:
    """A number, or `any` for no limit. SettingsError for anything else."""
    if text is None or text == "any":
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise SettingsError(f"{text} is no limit: it is a number, `any`, or `unset` for what holds for others.")
    return number


def read_field(name: str, text: str) -> bool | int | float | Weighed:
    """A value of one field of the policy. SettingsError or UserError `bad_weight` for anything else."""
    match getattr(Policy(), name):
        case Weighed():
            return read_weighed(text)
        case bool():
            if text.lower() not in SWITCH:
                raise SettingsError(f"{text} is neither on nor off.")
            return SWITCH[text.lower()]
        case float():
            number = read_limit(text)
            if number is None or number > 1:
                raise SettingsError(f"{text} is no number from 0 to 1.")
            return number
    if not (text.isascii() and text.isdigit() and len(text) < SNOWFLAKE_DIGITS):
        raise SettingsError(f"{text} is no whole number.")
    return int(text)  # not by way of a float, which has no room for a channel's id


if __name__ == "__main__":
    main()
