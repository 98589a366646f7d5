"""What Redis answered, as values. Anything may stand there: other programs write to it too, and hands slip."""

from __future__ import annotations


def text(value: bytes | str) -> str:
    """As text, whatever the bytes are."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def integer(value: bytes | str | None) -> int | None:
    """A whole number that is not negative and fits into 64 bits; None for anything else."""
    digits = text(value) if value is not None else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def number(value: bytes | str | None) -> float:
    """A finite number; 0 for anything else."""
    try:
        read = float(value) if value is not None else 0.0
    except ValueError:
        return 0.0
    return read if abs(read) < 1e300 else 0.0
