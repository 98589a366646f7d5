"""Discord as a delivery sees it, in memory: it can refuse, forget, be away and break down at any step. And a web."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from PIL import Image

from contract.messages import FAILURE_COLOUR, Embed
from contract.uploads import is_mask
from worker.decoding import decode_mask, decode_picture
from worker.delivery.door import Unavailable
from worker.delivery.poster import NotAllowed, Post, TooLarge
from worker.fetching import LinkRefused
from worker.reading import LinkUnreadable, Pixels, ReadingStopped

T = TypeVar("T")

MISSING_PERMISSIONS, UNKNOWN_CHANNEL, CANNOT_DM = 50013, 10003, 50007


class FakeWeb:
    """Pictures by link, and how often each was asked for. Implements the `read` of `worker.intake.Intake`."""

    def __init__(self, pages: Mapping[str, Pixels] = MappingProxyType({})) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []

    def __call__(self, links: Sequence[str], files: Mapping[str, bytes] = MappingProxyType({})) -> FakeReading:
        self.asked += links
        return FakeReading(self.pages, links, files)


@dataclass
class FakeReading:
    """Implements `worker.intake.Reading`."""

    pages: Mapping[str, Pixels]
    links: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    cancelled: bool = False

    def pause(self) -> None:
        """Nothing runs here that could."""

    resume = pause

    def cancel(self) -> None:
        self.cancelled = True

    def result(self) -> list[Pixels]:
        if self.cancelled:
            raise ReadingStopped("cancelled")
        return [self._read(link) for link in self.links]

    def _read(self, link: str) -> Pixels:
        if link in self.files:
            try:
                return decode_mask(self.files[link]) if is_mask(link) else decode_picture(self.files[link])
            except LinkRefused as error:
                raise LinkUnreadable(link, error.reason, **error.values) from error
        if link not in self.pages:
            raise LinkUnreadable(link, "status_404", status=404)
        return self.pages[link]


class Crash(BaseException):
    """The process is gone: nothing after this ran."""


@dataclass
class Message:
    """A posted message."""

    id: int
    place: int
    post: Post
    nonce: str


@dataclass
class FakeDiscord:
    """Implements `worker.delivery.discord.Messages`.

    `refuse` maps a step (post, direct, amend, fill, delete, search) to Discord's code; `limit_bytes` is the channel's
    upload limit; `filled` are waiting messages that became results; `before` and `after` run around each successful
    step, so that a test can crash there.
    """

    messages: list[Message] = field(default_factory=list)
    waiting: dict[int, tuple[str | None, Embed | None]] = field(default_factory=dict)
    filled: dict[int, Post] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    limit_bytes: int = 10 * 2**20
    remembers_nonces: bool = True
    away: bool = False
    before: Callable[[str], None] = lambda step: None
    after: Callable[[str], None] = lambda step: None

    def post(self, channel_id: int, post: Post, nonce: str) -> int | None:
        return self._step("post", lambda: self._create(channel_id, post, nonce))

    def post_directly(self, user_id: int, post: Post, nonce: str) -> int | None:
        return self._step("direct", lambda: self._create(-user_id, post, nonce))

    def amend(
        self, channel_id: int, message_id: int, *, content: str | None = None, embed: Embed | None = None
    ) -> bool:
        def edit() -> bool:
            if message_id not in self.waiting:
                return False
            self.waiting[message_id] = (content, embed)
            return True

        return self._step("amend", edit)

    def fill(self, channel_id: int, message_id: int, post: Post) -> bool:
        def edit() -> bool:
            if message_id not in self.waiting:
                return False
            self.filled[message_id] = post
            return True

        return self._step("fill", edit)

    def delete(self, channel_id: int, message_id: int) -> bool:
        def remove() -> bool:
            self.deleted.append(message_id)
            return self.waiting.pop(message_id, None) is not None

        return self._step("delete", remove)

    def find_post(self, channel_id: int, job_id: str, since_ms: int) -> int | None:
        def search() -> int | None:
            return next((m.id for m in self.messages if m.place == channel_id and job_id in repr(m.post)), None)

        return self._step("search", search)

    def find_result(self, channel_id: int, job_id: str, since_ms: int) -> int | None:
        def search() -> int | None:
            told = {m.id for m in self.messages if m.post.embed is not None and m.post.embed.colour == FAILURE_COLOUR}
            about = (m.id for m in self.messages if m.place == channel_id and job_id in repr(m.post))
            return next((id for id in about if id not in told), None)

        return self._step("search", search)

    def find_answer(self, channel_id: int, interaction_id: int, since_ms: int) -> int | None:
        return self._step("search", lambda: self.answers.get(interaction_id))

    def bears(self, channel_id: int, message_id: int, custom_ids: Collection[str]) -> bool:
        def look() -> bool:
            if message_id not in self.waiting or message_id not in self.filled:
                return False
            return not {part.custom_id for row in self.filled[message_id].buttons for part in row}.isdisjoint(
                custom_ids
            )

        return self._step("search", look)

    def shades(self, message: Message) -> list[int]:
        """The shade in the middle of each quarter of a message's picture, in reading order."""
        assert message.post.attachment is not None
        image = Image.open(io.BytesIO(message.post.attachment.data)).convert("L")
        width, height = image.size
        points = [(width * x // 4, height * y // 4) for y in (1, 3) for x in (1, 3)]
        return [int(image.getpixel(point)) for point in points]  # type: ignore[arg-type]

    def _create(self, place: int, post: Post, nonce: str) -> int:
        if post.attachment is not None and len(post.attachment.data) > self.limit_bytes:
            raise TooLarge("413")
        if self.remembers_nonces:
            for message in self.messages:
                if message.nonce == nonce:
                    return message.id
        self.messages.append(Message(1000 + len(self.messages), place, post, nonce))
        return self.messages[-1].id

    def _step(self, name: str, run: Callable[[], T]) -> T:
        self.steps.append(name)
        self.before(name)
        if self.away:
            raise Unavailable("HTTP 503")
        if name in self.refuse:
            raise NotAllowed("no_permissions", self.refuse[name], "a test says so")
        result = run()
        self.after(name)
        return result
