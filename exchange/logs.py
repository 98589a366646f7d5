"""Log lines of every process, on standard output: JSON for machines or coloured text for people."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor


def configure_logs(log_format: str, level: str) -> None:
    """Send our lines and the libraries' through one formatter. `log_format` is json or console."""
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks come without local variables: those hold tokens and what people wrote.
    if log_format == "json":
        plain = ExceptionDictTransformer(show_locals=False)
        last: list[Processor] = [structlog.processors.ExceptionRenderer(plain), structlog.processors.JSONRenderer()]
    else:
        console = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        last = [console]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last], foreign_pre_chain=common
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their INFO lines tell of every request and job; ours say it with the job's id.
    for library in ("discord", "rq", "urllib3", "httpx", "diffusers", "transformers"):
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))
    # A client without a gateway has no guilds and no voice on purpose; discord.py would warn of both.
    for library in ("discord.client", "discord.state"):
        logging.getLogger(library).setLevel(logging.ERROR)
