"""The posted message as the record of last resort.

The content of a result holds the prompt, the id in its buttons holds seed and model, and the attachment's description
(its alt text, 1,024 characters, present in every press) holds a caption for people and, behind it, the lineage:

    Four pictures of a fox. [easel 1; k=variation; s=strong; g=0000002a.2,1c9b2f00.0+; m=easel-small]

So a button works when Redis and the image store are gone. `k` is the kind of the job and `m` its model; the other
letters are the kind's own. `w=none` says that the prompt has no words, `r` is the ratio of the pictures where they took
it from another one and the prompt says none. `a` are the pictures that a zoom or a pan
started from, oldest first, `/` between them: id, index and kind, then the kind's own fields, and `w` with the prompt
(`r` with its ratio) where it was another one: `a=AAAAKuJe...~0~upscale~i2~g0000002a.2/...`.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, unquote

from contract.errors import UserError
from contract.ids import JobId, parse_job_id
from contract.jobs import GRID_SIZE, Ancestor, Destination, Job, Speed, User
from contract.kinds import KINDS
from contract.messages import bold_prompt
from contract.prompt import Context, Prompt, PromptError, has_flag, parse
from contract.versions import VERSIONS, Versions

DESCRIPTION_LIMIT = 1024
"""Discord's limit on an attachment's description, in characters."""

_TAIL = re.compile(r"\[easel (?P<version>\d+)(?P<fields>(?:; [a-z]=[^;\[\]]*)*)\]\Z")


def caption(job: Job) -> str:
    """The attachment's description: words first, lineage behind them, at most 1,024 characters.

    A lineage too long to fit is replaced by a mark, and `rebuild` then says so.
    """
    fields = {"k": job.request.kind, **job.request.fields(), "m": job.model}
    if not job.prompt.parts:
        fields["w"] = "none"
    fields |= _taken_ratio(job.prompt)
    if job.ancestors:
        fields["a"] = "/".join(_kept(made, job.prompt) for made in job.ancestors)
    tail = f"[easel 1{''.join(f'; {key}={value}' for key, value in fields.items())}]"
    if len(tail) > DESCRIPTION_LIMIT:
        tail = "[easel 1; k=full]"
    words = job.request.description(job.prompt.echo or "a surprise").replace("[", "(").replace("]", ")")
    room = DESCRIPTION_LIMIT - len(tail) - 1
    if len(words) > room:
        words = words[: max(room - 1, 0)] + "…" if room > 0 else ""
    return f"{words} {tail}".strip()


def rebuild(
    job_id: JobId,
    content: str,
    description: str | None,
    *,
    user: User,
    destination: Destination,
    created_ms: int,
    versions: Versions = VERSIONS,
) -> Job:
    """The job behind a message of ours, from the message alone. `user` and `destination` are the present asker's.

    `versions` are those that the operator's models answer to: the echo names one of them.

    UserError `lineage_missing` when the message does not carry what is needed, `lineage_too_long` when it could not.
    """
    tail = _TAIL.search(description or "")
    echo = bold_prompt(content)
    if tail is None or echo is None or tail["version"] != "1":
        raise UserError("lineage_missing", job=job_id)
    fields = {field[0]: field[2:] for field in tail["fields"].split("; ")[1:]}
    if fields.get("k") == "full":
        raise UserError("lineage_too_long", job=job_id)
    try:
        request = KINDS[fields["k"]].from_fields(fields)
        prompt = _read_echo(echo, versions)
        if fields.get("w") == "none":
            prompt = replace(prompt, parts=())
        prompt = _in_ratio(prompt, fields)
        model = fields["m"]
        kept = fields["a"].split("/") if "a" in fields else []
        ancestors = tuple(_ancestor(text, prompt, versions) for text in kept)
        if request.from_picture and not request.links and not ancestors:
            raise ValueError("it starts from a picture")
    except (KeyError, ValueError, IndexError, PromptError) as error:
        raise UserError("lineage_missing", job=job_id) from error
    return Job(
        id=job_id,
        request=request,
        prompt=prompt,
        model=model,
        user=user,
        destination=destination,
        created_ms=created_ms,
        speed=Speed.FAST,
        ancestors=ancestors,
    )


def words_of(content: str, versions: Versions = VERSIONS) -> Prompt | None:
    """The prompt in a message of ours; None when it holds none that can be read."""
    echo = bold_prompt(content)
    try:
        return None if echo is None else _read_echo(echo, versions)
    except (PromptError, IndexError):
        return None


def _read_echo(echo: str, versions: Versions) -> Prompt:
    return parse(echo, Context(versions=versions, accepted_before=True)).prompts[0]  # an echo names its version


def _kept(made: Ancestor, prompt: Prompt) -> str:
    """One ancestor as text; its prompt only where it is not the job's `prompt`."""
    id = base64.urlsafe_b64encode(uuid.UUID(made.id).bytes).decode().rstrip("=")
    pieces = [id, str(made.index), made.request.kind]
    pieces += [name + value for name, value in made.request.fields().items()]
    if made.prompt != prompt:
        pieces.append("w" + quote(made.prompt.echo, safe=" ,:.-").replace("~", "%7E") if made.prompt.parts else "n")
        pieces += [name + value for name, value in _taken_ratio(made.prompt).items()]
    return "~".join(pieces)


def _ancestor(text: str, prompt: Prompt, versions: Versions) -> Ancestor:
    """The ancestor in a text of `_kept`; ValueError, KeyError or PromptError when it is none."""
    id, index, kind, *pieces = text.split("~")
    fields = {piece[:1]: piece[1:] for piece in pieces}
    if index not in map(str, range(GRID_SIZE)):
        raise ValueError(f"a job has no picture {index!r}")
    if "n" in fields:
        prompt = replace(prompt, parts=())
    elif "w" in fields:
        prompt = _in_ratio(_read_echo(unquote(fields["w"]), versions), fields)
    job_id = parse_job_id(str(uuid.UUID(bytes=base64.urlsafe_b64decode(id + "=="))))
    return Ancestor(job_id, int(index), KINDS[kind].from_fields(fields), prompt)


def _taken_ratio(prompt: Prompt) -> dict[str, str]:
    """The ratio that the echo does not say (`contract.planning.shaped`)."""
    aspect = prompt.parameters.aspect
    is_said = aspect is None or has_flag(prompt.echo, "aspect")
    return {} if aspect is None or is_said else {"r": f"{aspect[0]}:{aspect[1]}"}


def _in_ratio(prompt: Prompt, fields: Mapping[str, str]) -> Prompt:
    """`prompt` with the ratio that `_taken_ratio` kept. ValueError for one that is none."""
    if "r" not in fields:
        return prompt
    width, height = map(int, fields["r"].split(":"))
    if min(width, height) < 1:
        raise ValueError("a ratio is of whole numbers from 1")
    return replace(prompt, parameters=replace(prompt.parameters, aspect=(width, height)))
