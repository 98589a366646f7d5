"""The ways to read a text: as whoever looks at it, or a model, could take it, whatever was done to its letters.

`readings` gives the text in plain form, and again with what is encoded decoded, other alphabets spelled by sound, and
signs as the letters that they resemble. `spans` gives the stretches of one reading with the string that each may be
read as: what stands together, is spelled out, or is parted by spaces into pieces that are no words.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from string import ascii_lowercase
from urllib.parse import unquote

from anyascii import anyascii
from confusable_homoglyphs.utils import load

CUT = "\ue000"
"""Stands where `::` parted two pieces of text: it may be nothing, or the end of a word."""
SHORTEST_DISGUISED = 4
"""Shorter words are looked for as they stand and spelled out alone: too many harmless things resemble them."""
PIECE = re.compile(r"[^\W_]+")

_INVISIBLE = frozenset({"Cf", "Mn", "Me"})
_TRADE_MARKS = str.maketrans("™℠", "  ")
"""Compatible with letters, but never part of a word."""
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters by name that show nothing."""
_SPELLED = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")
"""Greek and Cyrillic: alphabets in which a word of another one can be spelled by sound."""
_FAUX = str.maketrans("пияшцдэзфбчл", "nnrwudeeobyn")
"""Cyrillic letters among Latin ones that pass for those, though Unicode does not think so."""
_LATIN_BY_NAME = re.compile(r"(?:.* )?(?:LATIN|REGIONAL INDICATOR SYMBOL)(?: .*)? ([A-Z])(?: WITH .*)?")
"""Small capitals, letters in squares, letters with strokes: Unicode's table of look-alikes leaves them out."""
_PLAIN = re.compile(r"[a-z0-9 ]*")
_ESCAPED = re.compile(r"\\u\{?([0-9a-fA-F]{2,6})\}?|\\x([0-9a-fA-F]{2})")
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
"""Between the words of `redFox`."""
_ALPHABETS = (
    "αв¢∂єƒgнιנкℓмησρqяѕтυνωχуz",
    "ǟɮƈɖɛʄɢɦɨʝӄʟʍռօքզʀֆȶʊʋաӽʏʐ",
    "ᗩᗷᑕᗪeᖴgᕼiᒍkᒪᗰᑎoᑭᑫᖇᔕtᑌᐯᗯ᙭yᘔ",
    "αҍϲժҽƒցհíյƙӏʍղօԹզɾՏԵմѵաxվՀ",
    "ąცƈɖɛʄɠɧıʝƙɩɱŋơ℘զཞʂɬų۷ῳҳყʑ",
    "卂乃匚ᗪ乇千ꮆ卄丨フҝㄥ爪几ㄖ卩ɋ尺丂ㄒㄩᐯ山乂ㄚ乙",
    "ค๒ς๔єŧﻮђเןкɭ๓ภ๏קợгรtยשฬאץz",
    "ꮿbꮯꭰꭼfꮆhꭵjꮶꮮmꮑꮎꮲqꮢsꮖuꮙꮤxꮍꮓ",
    "ձъƈժεբցհﻨյĸlოռօթզгรէսνա×ყ২",
    "₳฿₵đɇ₣₲ⱨłj₭ⱡ₥₦ø₱qɽ₴₮ʉv₩ӿɏⱬ",
    "abcdefghijklmnopqrstµvwxyz",
)
"""What generators of fancy texts put for a to z; some of it is letters of other scripts, which resemble by shape."""
_SCRIPTS = (
    *({script} for script in ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "THAI", "GEORGIAN")),
    {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"},
)
"""What words are written in, by the beginnings of their letters' names."""
_TURNED = str.maketrans("nupdbqmw", "undpqbwm")
_DRAWN = {
    "|\\|": "n", "/\\/": "n", "|_|": "u", "(_)": "u", "|)": "d", "|3": "b", "|<": "k", "/\\": "a", "()": "o", "[]": "o",
    "\\/": "v", "|=": "f", "|-|": "h", "|_": "l",
}  # fmt: skip
"""Letters that are drawn with several signs, the longer ones first."""
_SIGNS = {
    "@": "a", "$": "s", "!": "i", "|": "l", "€": "e", "£": "l", "¢": "c", "+": "t", "¥": "y", "(": "c", "®": "r",
    "©": "c", "§": "s",
}  # fmt: skip
_SIGN = re.compile(r"(?<=[^\W_])[@$!|€£¢+¥(®©§]+(?=[^\W_])|(?<![^\W_])[@$!|€£¢¥]+(?=[a-z])|(?<=[a-z])[@$€£¢¥]+")
_TAG = re.compile(r"</?[a-zA-Z]{1,10}>")

_LONGEST = 40
_PARTS = 24
"""The longest word, and the most pieces that one is put together from."""
_MARKS = 6
"""Marks between two letters of one word."""
_SHORTEST_SPELLED = 3
_SHORTEST_PARTED = 6
"""Shorter ones are made up by two words too often (the pen is blue)."""
_NO_WORD = re.compile(r"[bcdfghjklmnpqrstvwxz]+|[lmnr][bcdfgjkmnpqrstvxz].*")
"""Without a vowel, or with a beginning that no English word has."""
_SHORT_WORDS = frozenset(
    "a i ad ah am an as at ax be by do eh em en ex go ha he hi ho id if in is it la le lo ma me mi mm my no of oh ok "  # noqa: SIM905
    "on or ox pa pi re si so to up us we ye yo".split()
)
"""Words of at most two letters: other pieces of that size are the pieces of something."""


def readings(text: str) -> Iterator[str]:
    """The ways to read `text`, each in plain form."""
    texts = [text]
    if "&" in text or "%" in text or "\\" in text:
        texts.append(_ESCAPED.sub(lambda found: _character(found[1] or found[2]), html.unescape(unquote(text))))
    for one in texts:
        plain = plain_form(one)
        yield plain
        if (parted := _HUMP.sub(" ", one)) != one:
            yield plain_form(parted)
        if _SPELLED.search(one):
            yield anyascii(unicodedata.normalize("NFC", one)).casefold()
            yield plain.translate(_FAUX)
        if any("TURNED" in unicodedata.name(character, "") for character in one if not character.isascii()):
            yield plain[::-1].translate(_TURNED)
        if not one.isascii() and (shaped := _shaped(one)):
            yield shaped
        if (drawn := _drawn(plain)) != plain:
            yield drawn
        if (signed := _SIGN.sub(lambda found: "".join(_SIGNS[sign] for sign in found[0]), plain)) != plain:
            yield signed
            if "!" in plain:
                yield _SIGN.sub(lambda found: "".join(_SIGNS[sign] for sign in found[0].replace("!", "|")), plain)
        if "v" in plain or "ph" in plain:
            yield plain.replace("vv", "w").replace("ph", "f").replace("v", "u")
        if "<" in one and (untagged := _TAG.sub("", one)) != one:
            yield plain_form(untagged)


def _drawn(text: str) -> str:
    for signs, letter in _DRAWN.items():
        text = text.replace(signs, letter)
    return text


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else " "


def _visible(text: str) -> Iterator[str]:
    """Its characters, without accents and those that show nothing."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text.translate(_TRADE_MARKS)))
    for character in decomposed:
        if unicodedata.category(character) not in _INVISIBLE and character not in _BLANK_LETTERS:
            yield character


def plain_form(text: str) -> str:
    """`text` in lower case, without accents and invisible characters, look-alikes as the letters they look like."""
    if _PLAIN.fullmatch(text):
        return text
    folded = "".join(character if character.isascii() else _look_alike(character) for character in _visible(text))
    return unicodedata.normalize("NFC", folded.casefold())


def spans(text: str, pieces: Sequence[tuple[str, int, int]], longest: int) -> Iterator[tuple[int, int, str]]:
    """Stretches of pieces with what each may be read as: (from, until, string), `until` not among them.

    They are the pieces themselves, what stands together with marks within it, what is spelled out letter by letter,
    and what spaces part into pieces that are no words.
    """
    gaps = [text[end:start] for (_, _, end), (_, start, _) in pairwise(pieces)]
    joined = [len(gap) <= _MARKS and not re.search(r"[\s'’]", gap) for gap in gaps]
    single = [len(piece) == 1 for piece, _, _ in pieces]
    limit = min(_LONGEST, 2 * longest)
    for start, (piece, _, _) in enumerate(pieces):
        yield start, start + 1, piece
        string, by_marks, spelled = piece, True, single[start]
        for end in range(start + 1, min(len(pieces), start + _PARTS)):
            by_marks = by_marks and joined[end - 1]
            spelled = spelled and single[end] and len(gaps[end - 1]) <= _MARKS
            parted = end - start <= 2 and _is_parted(text, pieces, gaps, start, end + 1)
            string += pieces[end][0]
            if len(string) > limit or not (by_marks or spelled or parted or end - start < 2):
                break
            if by_marks or parted or (spelled and end - start + 1 >= _SHORTEST_SPELLED):
                yield start, end + 1, string


def _is_parted(text: str, pieces: Sequence[tuple[str, int, int]], gaps: Sequence[str], start: int, end: int) -> bool:
    """Whether spaces alone part these pieces, and they are hardly words themselves: one is too short to be one, or both
    together are long."""
    if any(gap.strip() for gap in gaps[start : end - 1]):
        return False
    strings = [piece for piece, _, _ in pieces[start:end]]
    before = text[pieces[start][1] - 1 : pieces[start][1]]
    after = text[pieces[end - 1][2] : pieces[end - 1][2] + 1]
    if "'" in before + after or "’" in before + after:
        return False  # the end of “she's”, the beginning of “l'art”
    if sum(map(len, strings)) < SHORTEST_DISGUISED or not "".join(strings).isalpha():
        return False
    if len(strings) == 2 and min(map(len, strings)) > 2:
        return sum(map(len, strings)) >= _SHORTEST_PARTED
    return any(_NO_WORD.fullmatch(string) or (len(string) <= 2 and string not in _SHORT_WORDS) for string in strings)


@cache
def _ascii_look_alikes() -> dict[str, str]:
    """The first ASCII letters that Unicode's table has for a character. Read when it is first needed, and the rest let
    go: the whole table takes 6 MB."""
    alike: dict[str, str] = {}
    for character, entries in load("confusables.json").items():
        letters = (entry["c"] for entry in entries if entry["c"].isascii() and entry["c"].isalnum())
        if (first := next(letters, None)) is not None:
            alike[character] = first
    return alike


def _shaped(text: str) -> str:
    """`text` with the letters of fancy alphabets as those that they stand for, empty where there are none; words of one
    script mean themselves."""
    words = "".join(_visible(text)).casefold().split(" ")
    shaped = [word if _is_of_one_script(word) else word.translate(_shapes()) for word in words]
    return "" if shaped == words else plain_form(" ".join(shaped))


def _is_of_one_script(word: str) -> bool:
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in word if letter.isalpha()}
    return any(scripts <= script for script in _SCRIPTS)


@cache
def _shapes() -> dict[int, str]:
    """The letters that generators of fancy texts put other characters for."""
    shapes: dict[int, str] = {}
    for alphabet in _ALPHABETS:
        for character, letter in zip(alphabet, ascii_lowercase, strict=True):
            shown = "".join(_visible(character)).casefold()
            if len(shown) == 1 and not shown.isascii():
                shapes.setdefault(ord(shown), letter)
    return shapes


@cache
def _look_alike(character: str) -> str:
    """The ASCII letters that a character can be taken for, by Unicode's tables; itself when there are none."""
    if character in (letters := _ascii_look_alikes()):
        return letters[character]
    named = _LATIN_BY_NAME.fullmatch(unicodedata.name(character, ""))
    return named[1].lower() if named else character
