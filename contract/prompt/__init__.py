"""The language of /imagine: text, weights, links, parameters, permutations; what they mean, how they are echoed."""

from contract.prompt.echo import ECHO_LIMIT, draw_styles, flag_as_typed, format_prompt, without_zoom
from contract.prompt.parser import parse, without
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
    "format_prompt",
    "parse",
    "without",
    "without_zoom",
]
