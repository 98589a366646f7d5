"""Links to pictures: `https://…/fox.png`, `<https://…>`, `https://s.mj.run/…`, each with `::weight`."""

from __future__ import annotations

import re
from urllib.parse import unquote

from contract.prompt.flags import SPELLINGS
from contract.prompt.lexer import DASH, NUMBER
from contract.prompt.permutations import unescape
from contract.prompt.refusals import Edit, PromptError, Span
from contract.prompt.source import Source

_EXTENSIONS = (".png", ".gif", ".webp", ".jpg", ".jpeg", ".jfif")
_SHORT = re.compile(r"https?://s\.mj\.run/[\w-]+", re.IGNORECASE)
_HOST = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_WEIGHT = re.compile(r"::([+-]?[0-9.]*)")
_ON_THIS_MACHINE = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?/", re.IGNORECASE)
"""Where a stand-in for Discord runs (the sandbox); a worker fetches from there only if its operator says so."""
_JOINED = re.compile(r"[,;|，、；](?=<?https?://)|(?<=png|gif|jpg|ebp|peg|fif)(?=https?://)", re.IGNORECASE)
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{0,20}://|(?<=\]\()<?[a-z][a-z0-9+.-]{0,20}:(?=[^ )])|<(?:mailto|tel|sms):"
    r"|\bdiscord(?:app)?\.(?:gg|gift|new|com/(?:invite|gifts|template))/",
    re.IGNORECASE,
)
_PICTURE = re.compile(
    r"([a-z]{0,20})[(\[:=\"']*(https://[^\s()\[\]\"']+\.(?:png|gif|webp|jpe?g))[)\]\"',.;]*", re.IGNORECASE
)
_SIGNED = re.compile(
    r"(https://(?:cdn\.discordapp\.com|media\.discordapp\.net)/(?:ephemeral-)?attachments/[^?#]+)\?[^#]*", re.IGNORECASE
)
_UPLOADED = re.compile(r"https?://[^/?#]+/(?:ephemeral-)?attachments/[0-9]+/[0-9]+/([^/?#]+)(?:[?#].*)?", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w/@.:-])(?:https?:?/{0,2})?"
    r"((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}/[^ ]{0,500}?\.(?:png|gif|webp|jpe?g)(?:\?[^ ]{0,500})?)(?=[ ,;)]|$)",
    re.IGNORECASE,
)
_GLUED_FLAG = re.compile(rf"(.+?)({DASH}{{1,2}})([a-z]{{1,20}})", re.IGNORECASE)
_OF_A_BROWSER = ("blob:", "data:image/")
"""What a browser calls a picture that it alone has."""
WEIGHT_DIGITS = 12


def is_link(word: str) -> bool:
    """Whether `word` looks like a link at all."""
    return word.lower().startswith(("http://", "https://", "<http://", "<https://", *_OF_A_BROWSER))


def link(source: Source, start: int, end: int) -> tuple[str, float | None]:
    """The address and weight of the link at `source.text[start:end]`. PromptError `invalid_link` or `bad_value`."""
    word = source.text[start:end]
    span = source.span(start, end)
    address, number = _split(word)
    address = unescape(address)
    if address.lower().startswith(_OF_A_BROWSER):
        raise PromptError("invalid_link", "upload", span=span, link=shortened(address))
    if address.lower().startswith("http://") and not _ON_THIS_MACHINE.match(address):
        edits = (Edit(*span, word.replace(address, f"https{address[4:]}")),) if span else ()
        raise PromptError("invalid_link", "https", span=span, edits=edits, link=shortened(address))
    if joined := _JOINED.search(address):
        edits = (Edit(*span, _JOINED.sub(" ", word)),) if span else ()
        reason = "joined" if joined[0] else "glued"
        raise PromptError("invalid_link", reason, span=span, edits=edits, link=shortened(address), mark=joined[0])
    if not _leads_to_picture(address):
        instead = _meant(address)
        edits = (Edit(*span, word.replace(address, instead)),) if span and instead else ()
        raise PromptError("invalid_link", span=span, edits=edits, link=shortened(address))
    if number is None:
        return address, None
    return address, link_weight(number, span, (Edit(*span, _without_weight(word)),) if span else ())


def _without_weight(word: str) -> str:
    return word[: word.rfind("::")] + (">" if word.startswith("<") and word.endswith(">") else "")


def refuse_address(source: Source, start: int, end: int) -> None:
    """PromptError `invalid_link` for the first address in the words of `source.text[start:end]`.

    A picture's link stands alone; anything else would become something to click on when the words are echoed.
    """
    found = _ADDRESS.search(source.text, start, end)
    if found is None:
        _refuse_bare(source, start, end)
        return
    first = max(source.text.rfind(" ", start, found.start()) + 1, start)
    last = source.text.find(" ", found.end(), end)
    last = end if last < 0 else last
    span = source.span(first, last)
    word = source.text[first:last]
    hidden = _PICTURE.fullmatch(word)
    edits = (Edit(*span, f"{hidden[1]} {hidden[2]}".strip()),) if span and hidden else ()
    raise PromptError("invalid_link", "inside", span=span, edits=edits, link=shortened(word))


def refuse_masked(source: Source, start: int) -> None:
    """PromptError `invalid_link` for a link that begins at `start` and has words before it to hide behind: `[x]( …`."""
    before = source.text[:start].rstrip(" ")
    if before.endswith("]("):
        place = len(before) - 2
        raise PromptError("invalid_link", "inside", span=source.span(place, len(before)), link="[…](…)")


def _refuse_bare(source: Source, start: int, end: int) -> None:
    """PromptError `invalid_link` for a picture's address that lacks its `https://`, or a part of it."""
    found = _BARE.search(source.text, start, end)
    if found is not None:
        span = source.span(found.start(), found.end())
        edits = (Edit(*span, f"https://{found[1]}"),) if span else ()
        raise PromptError("invalid_link", "scheme", span=span, edits=edits, link=shortened(found[1]))


def link_weight(number: str, span: Span | None, edits: tuple[Edit, ...] = ()) -> float:
    """The weight after a link's `::`, not negative. PromptError `bad_value`, with these edits."""
    weight = to_weight(number, span, edits)
    if weight < 0:
        raise PromptError("bad_value", "negative_weight", span=span, edits=edits, value=shortened(number))
    return weight


def to_weight(number: str, span: Span | None, edits: tuple[Edit, ...] = ()) -> float:
    """A weight of at most `WEIGHT_DIGITS` digits. PromptError `bad_value`, with these edits."""
    if len(number) > WEIGHT_DIGITS or not re.fullmatch(NUMBER, number):
        raise PromptError("bad_value", "weight", span=span, edits=edits, value=shortened(number))
    return float(number)


def split_weight(word: str) -> tuple[str, str | None]:
    """A reference and the number after its `::`, None when there is none."""
    return _split(word)


def echoed(word: str) -> str:
    """A link as it is echoed: in angle brackets, so that Discord shows no preview, its weight as typed."""
    address, number = _split(word)
    weight = "" if number is None else f"::{number}"
    return f"<{lasting(address)}>{weight}" if is_link(address) else f"{address}{weight}"


def lasting(address: str) -> str:
    """The part of a link that says which file is meant. Discord signs links to its own files, for a day: the signature
    is most of their length, and worth nothing afterwards."""
    return _SIGNED.sub(r"\1", address)


def called(address: str) -> str:
    """A picture as a sentence about it names it: an upload by its file, as its owner knows it."""
    upload = _UPLOADED.fullmatch(address)
    name = unquote(upload[1]) if upload else address
    return shortened("".join(filter(str.isprintable, name)).replace("`", "ˋ"))


def shortened(word: str, length: int = 100) -> str:
    """A word as an error text names it, which cannot be clicked on."""
    word = word.replace("](", "] (")
    return word if len(word) <= length else word[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _split(word: str) -> tuple[str, str | None]:
    address, number = word, None
    position = word.rfind("::")
    if position > 0 and (weight := _WEIGHT.fullmatch(word, position)):
        address, number = word[:position], weight[1] or None
    if address.startswith("<"):
        address = address.removeprefix("<").removesuffix(">")
        if number is None:  # the weight may stand inside the brackets as well
            position = address.rfind("::")
            if position > 0 and (weight := _WEIGHT.fullmatch(address, position)):
                address, number = address[:position], weight[1] or None
    return address, number


def _leads_to_picture(address: str) -> bool:
    if any(mark in address for mark in "<>\\`"):
        return False
    if _SHORT.fullmatch(address):
        return True
    host = _HOST.match(address)
    if host is None:
        return False
    path = address[host.end() :].split("#")[0].split("?")[0]
    return path.startswith("/") and path.lower().endswith(_EXTENSIONS)


def _meant(address: str) -> str | None:
    """The link that `https://a.org/x.png,` or `https://a.org/x.png--tile` was meant to be; None if unclear."""
    bare = address.rstrip(",;.)]")
    if bare != address and _leads_to_picture(bare):
        return bare
    glued = _GLUED_FLAG.fullmatch(address)
    if glued and glued[3].lower() in SPELLINGS and _leads_to_picture(glued[1]):
        return f"{glued[1]} --{glued[3]}"
    return None
