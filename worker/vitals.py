"""What a worker process takes of its machine, for `easel status` and `easel top`: memory, and its card's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from contract.errors import EaselError

log = structlog.get_logger(__name__)

Vitals = Callable[[], Mapping[str, str | int]]


class NoCard(EaselError):
    """NVIDIA's library does not know this card, or is not here."""


def vitals_of(device: str) -> Vitals:
    """What to ask for the memory of this process and, with a card (`device` is its index, as nvidia-smi counts), for
    the card's name, memory and use. A card that cannot be asked is said once, and left out."""
    card: Vitals = dict
    if device.isdigit():
        try:
            card = _card(int(device))
        except NoCard as error:
            log.warning("the card's memory is not shown", reason=str(error))
    return lambda: {"memory_bytes": memory_bytes(), **card()}


def memory_bytes() -> int:
    """What of the machine's memory this process holds; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _card(index: int) -> Vitals:
    """Asks NVIDIA's library. NoCard."""
    try:
        import pynvml
    except ModuleNotFoundError:
        raise NoCard('`pip install ".[worker]"` brings nvidia-ml-py, which asks it') from None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        name = str(pynvml.nvmlDeviceGetName(handle))
    except pynvml.NVMLError as error:
        raise NoCard(str(error)) from error

    def ask() -> Mapping[str, str | int]:
        try:
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            used = pynvml.nvmlDeviceGetUtilizationRates(handle)
        except pynvml.NVMLError as error:
            return {"card": f"{name} ({error})"}
        return {
            "card": name,
            "card_used_bytes": int(memory.used),
            "card_total_bytes": int(memory.total),
            "card_busy_percent": int(used.gpu),
        }

    return ask
