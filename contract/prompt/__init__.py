"""The language of /imagine: text, weights, links, parameters, permutations; what they mean, how they are echoed."""

from contract.prompt.echo import (
    ECHO_LIMIT,
    draw_styles,
    flag_as_typed,
    flags_typed,
    format_prompt,
    kept_flags,
    with_sampler,
    with_words,
    without_manner,
)
from contract.prompt.parser import has_flag, parse, without
from contract.prompt.refusals import PromptError
from contract.prompt.values import (
    Context,
    ImagePrompt,
    LegacyFlag,
    Parameters,
    Part,
    Prompt,
    Reference,
    Submission,
)

__all__ = [
    "ECHO_LIMIT",
    "Context",
    "ImagePrompt",
    "LegacyFlag",
    "Parameters",
    "Part",
    "Prompt",
    "PromptError",
    "Reference",
    "Submission",
    "draw_styles",
    "flag_as_typed",
    "flags_typed",
    "format_prompt",
    "has_flag",
    "kept_flags",
    "parse",
    "with_sampler",
    "with_words",
    "without",
    "without_manner",
]
