"""The language's errors in words. Where Midjourney's own wording is known, it is kept: client libraries read it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from contract.prompt.refusals import PromptError

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "unrecognized_parameter": "Invalid parameter",
        "bad_value": "Invalid parameter",
        "missing_value": "Invalid parameter",
        "incompatible": "Invalid parameter",
        "single_image": "Invalid parameter",
        "weight_sum": "Invalid prompt",
        "too_long": "Invalid prompt",
        "empty_prompt": "Empty prompt",
        "invalid_link": "Invalid link",
        "too_many_jobs": "Invalid request",
        "speed_not_allowed": "Invalid request",
        "command_not_supported": "Invalid request",
        "not_enough_ratings": "Not enough ratings",
    }
)
"""Every kind of error, with the title of its embed."""

_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "unrecognized_parameter": "Unrecognized parameter(s): {words}",
        "bad_value.range": "--{parameter} must be between {low} and {high} with {version}",
        "bad_value.choice": "--{parameter} must be one of {choices} with {version}, not `{value}`",
        "bad_value.integer": "--{parameter} takes a whole number, not `{value}`",
        "bad_value.decimal": "--{parameter} takes a number, not `{value}`",
        "bad_value.aspect": "--{parameter} takes two whole numbers with a colon between them, such as `3:2`, "
        "not `{value}`",
        "bad_value.version": "--{parameter} must be one of {choices}, not `{value}`",
        "bad_value.default_version": "The version `{value}` is not one of {choices}",
        "bad_value.reference": "--{parameter} takes {expected}, not `{value}`",
        "bad_value.one_reference": "--{parameter} takes one link, not {count}",
        "bad_value.weight": "A weight is a number of at most 12 digits, not `{value}`",
        "bad_value.whole_weight": "{version} takes whole numbers as weights, not `{value}`",
        "bad_value.negative_weight": "The weight of a link cannot be negative: `{value}`",
        "missing_value": "--{parameter} needs a value, for example `{example}`",
        "incompatible.version": "--{parameter} is not compatible with {version}",
        "incompatible.multi_prompt": "`::` is not compatible with {version}; versions up to 6.1 and niji 6 take it",
        "incompatible.needs": "--{parameter} works only together with --{needed}",
        "weight_sum": "The sum of all weights must be positive, and here it is {sum}",
        "single_image": "Cannot use {version} with only a single image prompt. "
        "Please add another image prompt, or a text prompt",
        "empty_prompt": "There is nothing to imagine: say in a few words what the picture should show",
        "invalid_link": "`{link}` does not lead to a picture: an image link ends in .png, .gif, .webp, .jpg or .jpeg",
        "invalid_link.upload": "`{link}` is a picture that was not sent yet: wait until it has been uploaded, "
        "then copy its link",
        "too_many_jobs": "This would make {jobs} jobs; one submission may make at most {limit} on the {plan} plan",
        "too_many_jobs.limit": "This would make {jobs} jobs; one submission may make at most {limit} here",
        "speed_not_allowed.batch": "You can not submit batch jobs in relax mode",
        "speed_not_allowed.plan": "Failed to submit: Relax queues are only available for users with a Standard plan "
        "or higher",
        "not_enough_ratings": "Not enough ratings: --{parameter} without a code needs a profile of your own. "
        "Rate some pictures first, or add a code",
        "command_not_supported.multi_prompt": "/shorten does not take `::`; remove the weights first",
        "command_not_supported.no": "/shorten does not take --no; remove it first",
        "command_not_supported.zoom": "--zoom works only in the Custom Zoom box under a picture",
        "command_not_supported.suffix": "A suffix can hold only parameters that start with `--`; `{words}` is text",
        "too_long.echo": "Your prompt takes {length} characters as it would be posted, and a message has room for "
        "{limit} (2,000 less what stands around it). Please shorten it by {excess}",
        "too_long.text": "Your prompt has {length} characters with everything your shortcuts stand for; "
        "at most {limit} can be read",
    }
)


_IN_THE_SUFFIX = (
    "This comes from your suffix, `{suffix}`, which is added to every prompt: change it with /prefer suffix"
)
"""Added to a description when the fault is not in what was typed."""


def describe(error: PromptError) -> tuple[str, str]:
    """The title of an embed, in words that Midjourney's clients know, and a sentence: what was wrong, what to do."""
    template = _DESCRIPTIONS.get(f"{error.kind}.{error.reason}") or _DESCRIPTIONS[error.kind]
    description = template.format(**error.values)
    if error.suffix is not None:
        description += f"\n{_IN_THE_SUFFIX.format(suffix=error.suffix)}"
    return TITLES[error.kind], description
