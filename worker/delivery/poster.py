"""Posting to Discord without a gateway: discord.py's REST client on a thread of its own, called from any thread.

discord.py keeps the rate limit buckets, so everything a process posts goes through one `Poster`. What Discord may
answer becomes four outcomes: it worked, it is not allowed, it is too large, or Discord is not there at the moment.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import discord
import structlog
from pydantic import SecretStr

from contract.actions import Button, Line, Menu
from contract.endpoints import Endpoints
from contract.errors import EaselError
from contract.events import Observer
from contract.messages import FAILURE_COLOUR, Embed
from exchange.observing import log_event
from exchange.throttling import heard_by
from worker.delivery.door import Unavailable

log = structlog.get_logger(__name__)
T = TypeVar("T")

_RATE_LIMIT_PATIENCE_S = 30
"""How long discord.py itself sits out a 429; longer ones come back to us, so that a slot can be drained meanwhile."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_HISTORY_LIMIT = 1000

_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE, _TOO_LARGE = 10003, 10008, 40005

FINAL = {
    50001: "no_access",
    50013: "no_permissions",
    160002: "no_history",
    50007: "no_direct_messages",
    50278: "no_direct_messages",  # no mutual servers
    _UNKNOWN_CHANNEL: "channel_gone",
    10004: "channel_gone",  # unknown guild
    **dict.fromkeys(
        (
            _UNKNOWN_MESSAGE,
            10013,  # unknown user
            20009,  # explicit content may not be sent to the recipient
            20026,  # the bot has been flagged
            30046,  # too many edits to old messages
            40007,  # the user is banned from the guild
            50005,  # somebody else's message
            50006,  # an empty message
            50008,  # not a text channel
            50009,  # the channel's verification level is too high
            50021,  # a system message
            50024,  # not in this type of channel
            50035,  # a form that Discord does not take: ours is wrong, and will be
            50083,  # the thread is archived
            160005,  # the thread is locked
            200000,  # AutoMod
            200001,  # AutoMod, in the title
            240000,  # a link known as harmful
        ),
        "other",
    ),
}
"""Discord's codes for what stays so, however often it is tried, with the word that `error.cannot_post` has for it. Any
other refusal is retried: a proxy's block page, a code that is not here, an answer that is no answer.
https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""


class NotAllowed(EaselError):
    """Discord refused for good. `error.cannot_post.REASON` has words for it; `code` is Discord's own number (0 when it
    gave none), `answer` what it said."""

    def __init__(self, reason: str, code: int, answer: str = "") -> None:
        super().__init__(f"{reason} (code {code}): {answer}")
        self.reason = reason
        self.code = code
        self.answer = answer


class TooLarge(EaselError):
    """The file is over what this channel takes."""


class BadToken(EaselError):
    """Discord does not know the bot token."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. `description` is its alt text, at most 1,024 characters."""

    name: str
    data: bytes
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A message as data. Only `mention` is pinged, whatever the content says. `reply_to` may be gone by now."""

    content: str | None = None
    embed: Embed | None = None
    buttons: tuple[Line, ...] = ()
    attachment: Attachment | None = None
    mention: int | None = None
    reply_to: int | None = None


class Poster:
    """A logged-in REST client. Methods block their caller, and may be called from many threads at once."""

    def __init__(
        self,
        token: SecretStr,
        endpoints: Endpoints | None = None,
        *,
        patience_s: float = 60,
        pause_s: float = _FIRST_PAUSE_S,
        observe: Observer = log_event,
    ) -> None:
        """`patience_s`: how long one call tries while Discord is away; `pause_s`: the first pause between tries;
        `observe` hears of every answer that asks to slow down."""
        if endpoints is not None:
            log.warning("DISCORD IS REPLACED: the bot token goes to a stand-in", api_base=endpoints.api_base)
            discord.http.Route.BASE = endpoints.rest_base
        self._token = token
        self._trace = heard_by(observe)
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._client: discord.Client | None = None
        self._loop = asyncio.new_event_loop()
        self._login = asyncio.Lock()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="poster", daemon=True)
        self._thread.start()

    # ── calls from any thread ───────────────────────────────────────────────────────────────────────────────────────

    def login(self) -> None:
        """Check the token now instead of at the first post. BadToken, or Unavailable without waiting for Discord."""
        self._run(self._logged_in())

    def post(self, channel_id: int, post: Post, nonce: str) -> int | None:
        """Send a message and return its id. The same `nonce` within minutes gives the first message again.

        None when Discord says that the message of this nonce was deleted meanwhile: it had been delivered.
        NotAllowed, TooLarge or Unavailable otherwise.
        """
        return self._run(self._patiently(lambda client: _send(client, channel_id, post, nonce)))

    def post_directly(self, user_id: int, post: Post, nonce: str) -> int | None:
        """As `post`, into the direct messages of a user."""

        async def send(client: discord.Client) -> int | None:
            channel = await client.http.start_private_message(user_id)
            return await _send(client, int(channel["id"]), post, nonce)

        return self._run(self._patiently(send))

    def amend(
        self, channel_id: int, message_id: int, *, content: str | None = None, embed: Embed | None = None
    ) -> bool:
        """Give a message of ours its last words, buttons and files gone; False when the message itself is gone.

        What is not given stays as it is.
        """
        changes: dict[str, Any] = {"view": None, "attachments": []}
        if content is not None:
            changes["content"] = content
        if embed is not None:
            changes["embed"] = _embed(embed)

        async def edit(client: discord.Client) -> bool:
            message = client.get_partial_messageable(channel_id).get_partial_message(message_id)
            return await _unless_gone(message.edit(**changes))

        return self._run(self._patiently(edit))

    def fill(self, channel_id: int, message_id: int, post: Post) -> bool:
        """Make a message of ours say all that `post` says and nothing else; False when the message itself is gone."""
        arguments = _arguments(post)
        del arguments["allowed_mentions"]  # an edit pings nobody
        files = [arguments.pop("file")] if "file" in arguments else []
        changes = {"content": "", "embed": None, "view": None, "attachments": files, **arguments}

        async def edit(client: discord.Client) -> bool:
            message = client.get_partial_messageable(channel_id).get_partial_message(message_id)
            return await _unless_gone(message.edit(**changes))

        return self._run(self._patiently(edit))

    def delete(self, channel_id: int, message_id: int) -> bool:
        """Delete a message; False when it or its channel was gone already."""

        async def remove(client: discord.Client) -> bool:
            return await _unless_gone(client.http.delete_message(channel_id, message_id))

        return self._run(self._patiently(remove))

    def find_post(self, channel_id: int, job_id: str, since_ms: int) -> int | None:
        """The id of our own post about a job, sent since a Unix time in milliseconds; None when there is none.

        Posts are known by the job id in a button, a file's name or an embed's footer. Answers to interactions, such as
        the waiting message, are none.
        """
        return self._run(self._search(channel_id, since_ms, lambda message: _is_about(message, job_id)))

    def find_result(self, channel_id: int, job_id: str, since_ms: int) -> int | None:
        """As `find_post`, but not of the word that a job failed."""

        def shows(message: discord.Message) -> bool:
            failed = any(embed.colour == discord.Colour(FAILURE_COLOUR) for embed in message.embeds)
            return _is_about(message, job_id) and not failed

        return self._run(self._search(channel_id, since_ms, shows))

    def find_answer(self, channel_id: int, interaction_id: int, since_ms: int) -> int | None:
        """The id of our own answer to an interaction, sent since a Unix time in milliseconds; None as `find_post`."""

        def answers(message: discord.Message) -> bool:
            return message.interaction_metadata is not None and message.interaction_metadata.id == interaction_id

        return self._run(self._search(channel_id, since_ms, answers))

    def bears(self, channel_id: int, message_id: int, custom_ids: Collection[str]) -> bool:
        """Whether there is this message, with one of these buttons or menus under it."""

        async def look(client: discord.Client) -> bool:
            try:
                message = await client.get_partial_messageable(channel_id).fetch_message(message_id)
            except discord.NotFound as error:
                if error.code not in (_UNKNOWN_MESSAGE, _UNKNOWN_CHANNEL):
                    raise
                return False
            return not set(custom_ids).isdisjoint(_custom_ids(message))

        return self._run(self._patiently(look))

    def close(self) -> None:
        """End every call under way and all later ones with Unavailable, log out and end the thread. Idempotent."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            end = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        end.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # ── on the poster's own thread ──────────────────────────────────────────────────────────────────────────────────

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._gate:
            if self._closed:
                work.close()
                raise Unavailable("this process is ending")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Unavailable("this process is ending") from None

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _logged_in(self) -> discord.Client:
        async with self._login:
            if self._client is None:
                client = discord.Client(
                    intents=discord.Intents.none(),
                    max_ratelimit_timeout=_RATE_LIMIT_PATIENCE_S,
                    http_trace=self._trace,
                )
                try:
                    await _translated(client.login(self._token.get_secret_value()))
                except EaselError:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def _patiently(self, call: Callable[[discord.Client], Awaitable[T]]) -> T:
        """`call`, tried again with growing pauses while Discord is away, for `patience_s` in all."""
        pause, until = self._pause_s, self._loop.time() + self._patience_s
        while True:
            try:
                return await _translated(call(await self._logged_in()))
            except Unavailable as error:
                remaining = until - self._loop.time()
                if remaining <= 0:
                    raise
                log.warning("Discord is away, trying again", pause_s=round(min(pause, remaining), 1), reason=str(error))
                await asyncio.sleep(min(pause, remaining))
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _search(self, channel_id: int, since_ms: int, wanted: Callable[[discord.Message], bool]) -> int | None:
        async def search(client: discord.Client) -> int | None:
            assert client.user is not None, "a logged-in client has a user"
            after = discord.Object(max(0, since_ms - discord.utils.DISCORD_EPOCH) << 22)
            channel = client.get_partial_messageable(channel_id)
            async for message in channel.history(limit=_HISTORY_LIMIT, after=after, oldest_first=True):
                if message.author.id == client.user.id and wanted(message):
                    return message.id
            return None

        return await self._patiently(search)


async def _translated(call: Awaitable[T]) -> T:
    """`call` with Discord's answers as this module's errors."""
    try:
        return await call
    except discord.LoginFailure as error:
        raise BadToken("Discord does not know DISCORD_TOKEN: copy it again from your application's Bot page") from error
    except discord.RateLimited as error:
        raise Unavailable(f"rate limited for {error.retry_after:.0f} s") from error
    except discord.HTTPException as error:
        if error.status == 413 or error.code == _TOO_LARGE:
            raise TooLarge(f"HTTP {error.status} ({error.code})") from error
        answer = f"{error.status} ({error.code}): {' '.join(error.text.split())[:200]}"
        if error.status >= 500 or error.code not in FINAL:
            raise Unavailable(f"HTTP {answer}") from error
        raise NotAllowed(FINAL[error.code], error.code, answer) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # What discord.py makes of an answer that is none, such as a page with status 200.
        raise Unavailable(f"Discord answered something odd ({type(error).__name__}: {error})") from error


async def _unless_gone(call: Awaitable[object]) -> bool:
    try:
        await call
    except discord.NotFound as error:
        if error.code not in (_UNKNOWN_MESSAGE, _UNKNOWN_CHANNEL):
            raise
        return False
    return True


async def _send(client: discord.Client, channel_id: int, post: Post, nonce: str) -> int | None:
    channel = client.get_partial_messageable(channel_id)
    arguments = _arguments(post)
    if post.reply_to is not None:
        arguments["reference"] = discord.MessageReference(
            message_id=post.reply_to, channel_id=channel_id, fail_if_not_exists=False
        )
    try:
        message: discord.Message = await channel.send(nonce=nonce, **arguments)
    except discord.NotFound as error:
        if error.code != _UNKNOWN_MESSAGE:
            raise
        return None
    return message.id


def _arguments(post: Post) -> dict[str, Any]:
    """What `post` says, as the library takes it."""
    mention = [discord.Object(post.mention)] if post.mention is not None else False
    arguments: dict[str, Any] = {
        "content": post.content,
        "allowed_mentions": discord.AllowedMentions(everyone=False, roles=False, users=mention, replied_user=False),
    }
    if post.embed is not None:
        arguments["embed"] = _embed(post.embed)
    if post.buttons:
        arguments["view"] = _view(post.buttons)
    if post.attachment is not None:
        data, name = io.BytesIO(post.attachment.data), post.attachment.name
        arguments["file"] = discord.File(data, filename=name, description=post.attachment.description)
    return arguments


def _view(rows: tuple[Line, ...]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for row, line in enumerate(rows):
        for part in line:
            view.add_item(_menu(part, row) if isinstance(part, Menu) else _button(part, row))
    view.stop()  # the bot hears the presses; a live view would stay registered in this process for ever
    return view


def _button(button: Button, row: int) -> discord.ui.Button[Any]:
    return discord.ui.Button(
        style=discord.ButtonStyle(button.style),
        label=button.label,
        emoji=button.emoji,
        custom_id=button.custom_id,
        row=row,
    )


def _menu(menu: Menu, row: int) -> discord.ui.Select[Any]:
    options = [discord.SelectOption(label=name, value=str(n)) for n, name in enumerate(menu.options, 1)]
    return discord.ui.Select(custom_id=menu.custom_id, placeholder=menu.placeholder, options=options, row=row)


def _embed(embed: Embed) -> discord.Embed:
    made = discord.Embed(title=embed.title or None, description=embed.description, colour=embed.colour)
    made.set_image(url=embed.image)
    return made.set_footer(text=embed.footer) if embed.footer else made


def _is_about(message: discord.Message, job_id: str) -> bool:
    if message.interaction_metadata is not None:
        return False
    files = (attachment.filename for attachment in message.attachments)
    footers = (embed.footer.text or "" for embed in message.embeds)
    return any(job_id in text for texts in (_custom_ids(message), files, footers) for text in texts)


def _custom_ids(message: discord.Message) -> Iterator[str]:
    """Those of the buttons and menus under a message."""
    for row in message.components:
        for part in row.children if isinstance(row, discord.ActionRow) else ():
            if isinstance(part, discord.Button | discord.SelectMenu):
                yield part.custom_id or ""
