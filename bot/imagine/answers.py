"""Presses under a question or a refusal: Yes and No to many jobs, and Run corrected prompt."""

from __future__ import annotations

import re

from bot.calls import Call, answered
from bot.client import Route
from bot.imagine.batch import start_batch
from bot.imagine.prompts import SHORTEN, imagine_text, shorten_text
from contract.errors import UserError
from contract.messages import NOTICE_COLOUR, Embed
from service.accepting import Confirmed, Corrected, taken


@answered()
async def _pressed(call: Call, found: re.Match[str]) -> None:
    """Do what was asked, once, for the one who asked."""
    async with taken(call.services, call.asker, found["token"]) as pending:
        match found["verb"], pending:
            case "run", Corrected(prompt=prompt, command=command) if command == SHORTEN:
                await shorten_text(call, prompt)
            case "run", Corrected(prompt=prompt, command=command):
                await imagine_text(call, prompt, command)
            case "confirm", Confirmed(jobs=jobs, means_it=means_it):
                if means_it:
                    call.means_it()
                await start_batch(call, found["token"], jobs)
            case "dismiss", Confirmed():
                await call.update(
                    embed=Embed(
                        call.words.say("question.not_started"), call.words.say("question.nothing"), NOTICE_COLOUR
                    )
                )
            case _:
                raise UserError("request_expired")


ANSWERS = Route(re.compile(r"Easel::Pending::(?P<verb>run|confirm|dismiss)::(?P<token>[0-9a-f]{16})"), _pressed)
