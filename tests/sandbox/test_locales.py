"""Languages: what people set, what the bot hears of it, and what commands are called in them."""

from typing import Any

import pytest

from sandbox.core import Sandbox
from tests.sandbox.raw import RawBot
from tests.sandbox.rest import Rest
from tests.sandbox_user import SandboxUser

DRAW = {
    "name": "imagine",
    "description": "Draw a picture",
    "name_localizations": {"zh-CN": "想象", "de": "zeichne"},
    "description_localizations": {"zh-CN": "画一张图"},
    "options": [
        {
            "type": 3,
            "name": "speed",
            "description": "How fast",
            "name_localizations": {"zh-CN": "速度"},
            "choices": [{"name": "Fast", "value": "fast", "name_localizations": {"zh-CN": "快速"}}],
        }
    ],
}


@pytest.fixture
def base(sandbox: Sandbox) -> str:
    """The route of the global commands."""
    return f"/applications/{sandbox.application_id}/commands"


async def test_a_person_chooses_a_language(sandbox: Sandbox, rest: Rest, ada: SandboxUser) -> None:
    """It is told to the person's own sessions, carried by every interaction, and there after a new READY."""
    person = rest.by(sandbox.user_token)
    assert (await person("GET", "/users/@me/settings")).body["locale"] == "en-US"
    assert (await person("PATCH", "/users/@me/settings", {"locale": "zh-CN"})).body["locale"] == "zh-CN"
    assert (await ada.wait_event("USER_UPDATE"))["locale"] == "zh-CN"
    assert (await person("GET", "/users/@me")).body["locale"] == "zh-CN"
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        await ada.slash("go")
        assert (await bot.interaction())["locale"] == "zh-CN"


@pytest.mark.parametrize("locale", ["xx", "EN-us", "", 7])
async def test_a_language_that_discord_does_not_speak_is_refused(sandbox: Sandbox, rest: Rest, locale: Any) -> None:
    """400 50035, and the old one stays."""
    person = rest.by(sandbox.user_token)
    assert (await person("PATCH", "/users/@me/settings", {"locale": locale})).verdict == (400, 50035)
    assert (await person("GET", "/users/@me/settings")).body["locale"] == "en-US"
    assert (await rest("GET", "/users/@me/settings")).status == 401  # bots have none


async def test_commands_come_in_the_language_of_who_asks(rest: Rest, base: str, ada: SandboxUser) -> None:
    """Beside the original words, down to the choices; where there is no translation, nothing is added."""
    await rest("PUT", base, [DRAW])
    await ada.request("PATCH", "/users/@me/settings", {"locale": "zh-CN"})
    (command,) = await ada.commands()
    assert (command["name"], command["name_localized"], command["description_localized"]) == (
        "imagine",
        "想象",
        "画一张图",
    )
    (option,) = command["options"]
    assert (option["name"], option["name_localized"], "description_localized" in option) == ("speed", "速度", False)
    assert option["choices"] == [{"name": "Fast", "name_localized": "快速", "value": "fast"}]
    await ada.request("PATCH", "/users/@me/settings", {"locale": "de"})
    (command,) = await ada.commands()
    assert (command["name_localized"], "description_localized" in command) == ("zeichne", False)


async def test_the_bot_hears_the_original_name(sandbox: Sandbox, ada: SandboxUser) -> None:
    """Whatever the person sees; so do the message's metadata."""
    async with RawBot(sandbox) as bot:
        await bot.register(DRAW)
        await ada.request("PATCH", "/users/@me/settings", {"locale": "zh-CN"})
        nonce = await ada.slash("imagine", speed="fast")
        interaction = await bot.interaction()
        assert (interaction["data"]["name"], interaction["data"]["options"][0]["name"]) == ("imagine", "speed")
        await bot.answer(interaction, 4, {"content": "x"})
        assert (await ada.wait_answer(nonce))["interaction"]["name"] == "imagine"


async def test_translations_are_listed_for_those_who_ask(rest: Rest, base: str) -> None:
    """``with_localizations``; the answer to a registration has them in any case."""
    (made,) = (await rest("PUT", base, [DRAW])).body
    assert made["name_localizations"]["zh-CN"] == "想象"
    (plain,) = (await rest("GET", base)).body
    assert "localizations" not in str(plain)
    (full,) = (await rest("GET", f"{base}?with_localizations=true")).body
    assert full["options"][0]["choices"][0]["name_localizations"] == {"zh-CN": "快速"}


@pytest.mark.parametrize(
    ("change", "path", "complaint"),
    [
        ({"name_localizations": {"zh": "x"}}, "name_localizations.zh", "BASE_TYPE_CHOICES"),
        ({"name_localizations": {"de": "Zwei Wörter"}}, "name_localizations.de", "APPLICATION_COMMAND_INVALID_NAME"),
        ({"name_localizations": {"de": "x" * 33}}, "name_localizations.de", "BASE_TYPE_BAD_LENGTH"),
        ({"description_localizations": {"de": ""}}, "description_localizations.de", "BASE_TYPE_BAD_LENGTH"),
        ({"description_localizations": {"de": 7}}, "description_localizations.de", "STRING_TYPE_CONVERT"),
        ({"name_localizations": "x"}, "name_localizations", "DICT_TYPE_CONVERT"),
    ],
)
async def test_wrong_translations_are_refused(
    rest: Rest, base: str, change: dict[str, Any], path: str, complaint: str
) -> None:
    """At the command and below it."""
    assert complaint in (await rest("POST", base, DRAW | change)).complaints(path)
    option = DRAW["options"][0] | change  # type: ignore[index]
    assert complaint in (await rest("POST", base, DRAW | {"options": [option]})).complaints(f"options.0.{path}")


async def test_people_are_told_that_commands_have_changed(rest: Rest, base: str, ada: SandboxUser) -> None:
    """So that a page that is open shows the new ones."""
    (made,) = (await rest("PUT", base, [DRAW])).body
    await rest("PATCH", f"{base}/{made['id']}", {"description": "other"})
    await rest("DELETE", f"{base}/{made['id']}")
    await ada.say("after")
    await ada.wait_message()
    assert [name for name, _ in ada.events].count("GUILD_APPLICATION_COMMAND_INDEX_UPDATE") == 3
