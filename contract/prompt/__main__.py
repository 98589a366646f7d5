"""The language for programs: `python -m contract.prompt` reads one JSON object a line and writes one a line.

A request is `{"prompt": text}` with, if wanted, `version`, `plan`, `speed`, `suffix`, `options`, `command` and
`profile_ready` as in `Context`. An answer is `parts`, `no`, `images`, `params`, `jobs`, `confirm`, `expansions` and
`echo`, or `error`. With permutations the first expansion stands for all in `parts` to `params`. A line that is no
request gets an error of kind `bad_request`.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from operator import attrgetter
from typing import Any

from contract.prompt.echo import draw_styles
from contract.prompt.flags import FLAGS, SELECTORS
from contract.prompt.parser import parse
from contract.prompt.refusals import PromptError
from contract.prompt.values import Context, LegacyFlag, Parameters, Reference, Submission
from contract.sentences import describe
from contract.versions import JOBS_PER_SUBMISSION

_CHOICES = {
    "plan": tuple(JOBS_PER_SUBMISSION),
    "speed": ("fast", "relax", "turbo"),
    "command": ("imagine", "blend", "edit", "remix", "shorten", "custom_zoom", "video", "prefer_suffix"),
}


_PARAMETER_FLAGS = [flag for flag in FLAGS if flag.field not in ("no", "legacy")]
_PARAMETER_VALUES = attrgetter(*(flag.field for flag in _PARAMETER_FLAGS))


class _BadRequest(Exception):
    """A line that asks for nothing that can be answered."""


def main() -> None:
    """Answer every line of standard input until it ends, each as soon as it comes."""
    try:
        for line in sys.stdin.buffer:
            sys.stdout.write(answer(line) + "\n")
            sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        # The reader has gone; closing the descriptor here keeps the interpreter from complaining at its end.
        sys.stderr.close()


def answer(line: bytes | str) -> str:
    """The JSON answer to one JSON request."""
    try:
        text, context = _request(line)
    except _BadRequest as error:
        return _dump({"error": {"kind": "bad_request", "title": "Invalid request", "description": str(error)}})
    try:
        return _dump(_document(_drawn(parse(text, context), text)))
    except PromptError as error:
        return _dump({"error": _refusal(error)})


def _request(line: bytes | str) -> tuple[str, Context]:
    if isinstance(line, bytes):
        line = line.decode(errors="replace")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise _BadRequest("The line is not JSON") from None
    if not isinstance(request, dict):
        raise _BadRequest('A request is a JSON object, such as {"prompt": "a fox --ar 3:2"}')
    text = request.get("prompt")
    if not isinstance(text, str):
        raise _BadRequest("`prompt` must be a string")
    return text, Context(**dict(_fields(request)))


def _fields(request: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of `Context` that a request sets."""
    version = request.get("version")
    if isinstance(version, int | float) and not isinstance(version, bool):
        version = str(version)
    for name, value in (("version", version), ("suffix", request.get("suffix"))):
        if value is not None:
            if not isinstance(value, str):
                raise _BadRequest(f"`{name}` must be a string")
            yield name, value
    for name, choices in _CHOICES.items():
        value = request.get(name)
        if value is not None:
            if not isinstance(value, str) or value not in choices:
                raise _BadRequest(f"`{name}` must be one of {', '.join(choices)}")
            yield name, value
    options = request.get("options")
    if options is not None:
        if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
            raise _BadRequest("`options` must be an object of strings")
        yield "options", options
    ready = request.get("profile_ready")
    if ready is not None:
        if not isinstance(ready, bool):
            raise _BadRequest("`profile_ready` must be true or false")
        yield "profile_ready", ready


def _drawn(submission: Submission, text: str) -> Submission:
    """Numbers for `--sref random`: the same for the same text, so that an answer can be repeated."""
    if "random" not in text.lower():
        return submission
    ordinals = count()
    prompts = tuple(
        draw_styles(prompt, lambda: zlib.crc32(f"{next(ordinals)} {text}".encode(errors="replace")))
        for prompt in submission.prompts
    )
    return replace(submission, prompts=prompts, echo=submission.echo if submission.expansions else prompts[0].echo)


def _document(submission: Submission) -> dict[str, Any]:
    first = submission.prompts[0]
    return {
        "parts": [[part.text, _plain(part.weight)] for part in first.parts],
        "no": list(first.negatives),
        "images": [[image.url, None if image.weight is None else _plain(image.weight)] for image in first.images],
        "params": dict(_params(first.parameters)),
        "jobs": submission.jobs,
        "confirm": submission.confirm,
        "expansions": list(submission.expansions),
        "echo": submission.echo,
    }


def _params(parameters: Parameters) -> Iterator[tuple[str, Any]]:
    """The parameters that are present, by the flags' full names."""
    for flag, value in zip(_PARAMETER_FLAGS, _PARAMETER_VALUES(parameters), strict=True):
        if value is None or value is False or value == ():
            if flag.name == "profile" and value == ():
                yield "profile", []
            continue
        if flag.name in SELECTORS:
            if flag.name == value:
                yield value, True
            elif flag.name in ("version", "niji") and value not in SELECTORS:
                yield flag.name, _number(value)
        elif flag.field in ("speed", "visibility"):
            if flag.name == value:
                yield flag.name, True
        else:
            yield flag.name, _value(value)
    for legacy in parameters.legacy:
        yield legacy.name, _legacy(legacy)


def _value(value: object) -> object:
    match value:
        case bool():
            return value
        case int() | float():
            return _plain(value)
        case (int(width), int(height)):
            return f"{width}:{height}"
        case Reference():
            return [_reference(value)]
        case tuple(items) if isinstance(items[0], Reference):
            return [_reference(item) for item in items]
        case tuple(codes):
            return list(codes)
        case str(word):
            return word
        case _:
            raise TypeError(type(value))


def _reference(reference: Reference) -> list[object]:
    value = reference.value
    return [int(value) if value.isdigit() else value, _plain(reference.weight)]


def _legacy(flag: LegacyFlag) -> object:
    return True if flag.value is None else flag.value


def _plain(number: float) -> float:
    """A number as people write it: 2, not 2.0."""
    return int(number) if number == int(number) else number


def _number(spelling: str) -> object:
    """A version's spelling as a number when it is one."""
    try:
        return _plain(float(spelling))
    except ValueError:
        return spelling


def _refusal(error: PromptError) -> dict[str, Any]:
    title, description = describe(error)
    document: dict[str, Any] = {"kind": error.kind, "title": title, "description": description}
    if error.param is not None:
        document["param"] = error.param
    if error.span is not None:
        document["span"] = list(error.span)
    if error.suggestion is not None:
        document["suggestion"] = error.suggestion
    return document


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document)


if __name__ == "__main__":
    main()
