"""Languages: which there are, and a command's words in one of them (docs: Reference, Locales; Application Commands)."""

from collections.abc import Callable
from typing import Any

from sandbox.errors import Form

LOCALES = (
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
)  # fmt: skip
WORDS = ("name", "description")
CheckName = Callable[[Form, str, str], None]


def check_localizations(
    form: Form, part: dict[str, Any], path: str, check_name: CheckName | None, *, longest_name: int = 32
) -> None:
    """Refuse translations of a command, option or choice that Discord refuses; ``path`` ends in a dot or is empty."""
    for word, longest in (("name", longest_name), ("description", 100)):
        for locale, text in (part.get(f"{word}_localizations") or {}).items():
            at = f"{path}{word}_localizations.{locale}"
            if locale not in LOCALES:
                form.choice(at, locale, LOCALES)
            elif text is not None and form.length(at, text, 1, longest) and word == "name" and check_name is not None:
                check_name(form, text, at)


def localized(part: dict[str, Any], locale: str) -> dict[str, Any]:
    """A command as a person's client gets it: with the words of the person's language beside the original ones."""
    shown = without_localizations(part)
    for word in WORDS:
        if text := (part.get(f"{word}_localizations") or {}).get(locale):
            shown[f"{word}_localized"] = text
    for key in ("options", "choices"):
        if part.get(key):
            shown[key] = [localized(one, locale) for one in part[key]]
    return shown


def without_localizations(part: dict[str, Any]) -> dict[str, Any]:
    """A command without its translations, its options' and its choices'."""
    shown = {key: value for key, value in part.items() if not key.endswith("_localizations")}
    for key in ("options", "choices"):
        if part.get(key):
            shown[key] = [without_localizations(one) for one in part[key]]
    return shown
