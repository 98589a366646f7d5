"""Errors in words: a title and a description for every kind. English; other locales fall back to it."""

from __future__ import annotations

from contract import prompt
from contract.errors import UserError
from contract.prompt import PromptError

_SENTENCES: dict[str, tuple[str, str]] = {
    "queue_full": (
        "Queue full",
        "Your job queue is full. Please wait for a job to finish first, then resubmit this one. "
        "(At most {limit} jobs can wait at a time.)",
    ),
    "guild_queue_full": (
        "Queue full",
        "This server's job queue is full: at most {limit} of its jobs can wait at a time. Please try again in a while.",
    ),
    "version_not_offered": (
        "Invalid parameter",
        "No model here answers to version `{version}`. Offered: {offered}.",
    ),
    "model_not_offered": (
        "Model not available",
        "The model `{model}` of this picture is no longer offered here. Offered: {offered}. "
        "Start again with `/imagine`.",
    ),
    "parameter_not_supported": (
        "Invalid parameter",
        "`{parameter}` has no effect on the model {model}, so it is refused rather than ignored. Leave it out.",
    ),
    "ratio_too_extreme": (
        "Invalid parameter",
        "`--ar {ratio}` is too narrow for the model {model}: the longer side may be at most {limit} times the shorter.",
    ),
    "lineage_missing": (
        "Job not found",
        "The records of this picture are gone, and its message does not carry enough to rebuild it. "
        "Run its prompt again with `/imagine`.",
    ),
    "lineage_too_long": (
        "Job not found",
        "The records of this picture are gone, and it is a variation of so many others that its message could not "
        "carry them all. Run its prompt again with `/imagine`.",
    ),
    "no_permission": (
        "Missing permission",
        "I can't work in this channel: I lack the permission {permissions}. Ask someone who manages the server to "
        "grant it, or use another channel.",
    ),
    "not_your_job": ("Job action restricted", "Only the person who started a job can do that."),
    "not_running": ("Nothing to cancel", "This job has already ended."),
    "nothing_to_cancel": ("Nothing to cancel", "You have no jobs waiting or running."),
    "unknown_button": ("Invalid request", "This button is not one of mine, or comes from a version I don't know."),
    "job_queued": (
        "Job queued",
        "You have reached the maximum allowed number of concurrent jobs. Don't worry, this job will start as soon as "
        "another one finishes!",
    ),
    "request_expired": (
        "Request expired",
        "This request was answered already, has expired, or is somebody else's. Type the command again.",
    ),
    "channel_not_allowed": ("Not in this channel", "On this server pictures are made in {channels}."),
    "model_not_allowed": (
        "Invalid parameter",
        "The model {model} is not allowed on this server. Allowed: {allowed}.",
    ),
    "blocked_word": ("Banned prompt", "`{word}` is not allowed in prompts here. Leave it out."),
    "newcomers_elsewhere": (
        "Not in this channel",
        "In their first {days} days members make pictures in {channel}. Try it there.",
    ),
    "newcomers_limit": (
        "Queue full",
        "In their first {days} days members may have {limit} jobs at a time. Please wait for one to finish.",
    ),
    "not_a_manager": ("Job action restricted", "Only those who manage this server can do that."),
    "bad_setting": ("Invalid setting", "`{value}` is no value for {setting}. Use one of: {allowed}."),
    "no_such_job": (
        "Job not found",
        "There is no finished job `{job}` of yours that I still know of. `/history` lists those I do.",
    ),
    "no_job_here": ("Job not found", "This message is not about a job of mine."),
    "no_direct_messages": (
        "Direct messages are closed",
        "I may not send you direct messages. Allow them in this server's privacy settings, then try again.",
    ),
    "bad_option_name": (
        "Invalid option",
        "`{option}` cannot be the name of an option: use letters, digits, `-` and `_`, at most 32 of them.",
    ),
    "no_such_option": (
        "Invalid option",
        "You have no option `--{option}`, so nothing was removed. Give a value to make one; `/prefer option list` "
        "shows those you have.",
    ),
    "option_is_a_parameter": (
        "Invalid option",
        "`--{option}` is a parameter already, and an option of that name would hide it. Choose another name.",
    ),
    "too_many_options": (
        "Too many options",
        "You have {limit} options, which is as many as there can be. Remove one with `/prefer option set`.",
    ),
    "option_too_long": ("Invalid option", "An option may stand for at most {limit} characters."),
    "queue_unreachable": (
        "Please try again",
        "The queue cannot be reached right now. Nothing was started and nothing was counted; try again in a minute.",
    ),
    "bad_catalogue": ("Invalid setting", "The catalogue of models cannot be used: {reason}."),
    "bad_address": (
        "Invalid setting",
        "{setting} is {address!r}, which is not a usable address. Use something like http://127.0.0.1:8911.",
    ),
    "remote_api": (
        "Invalid setting",
        "{setting} points to {host}, which is not this machine: the bot's token would be sent there. "
        "Set DISCORD_ALLOW_REMOTE_API=true if that is what you want.",
    ),
    "link_refused": (
        "Invalid link",
        "The picture at {link} could not be used: {reason}.",
    ),
    "too_large": (
        "Sorry! Could not complete the job!",
        "Even in the smallest format the picture is larger than this server's upload limit of {limit_mib} MiB.",
    ),
    "cannot_post": (
        "Sorry! Could not complete the job!",
        "The picture is finished, but I may not post it in <#{channel}>: {reason}.",
    ),
    "job_failed": (
        "Sorry, something went wrong",
        "The job encountered an error and cost you nothing. Try it again; if it keeps failing, tell whoever runs "
        "this bot the number below.",
    ),
}


def describe(error: UserError, locale: str = "en-US") -> tuple[str, str]:
    """Title and description of an error for the person who caused it."""
    if isinstance(error, PromptError):
        return prompt.describe(error)
    title, description = _SENTENCES.get(error.kind, ("Invalid request", "{kind}"))
    return title, description.format(**{"kind": error.kind.replace("_", " "), **error.values})
