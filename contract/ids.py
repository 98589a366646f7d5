"""Job ids: version-8 UUIDs (RFC 9562 §5.8) that carry what a button needs when nothing else is left.

122 free bits, from the left: 32 bits seed, 32 bits model fingerprint, 58 bits derived from the interaction and the
ordinal of the job within it. The same interaction therefore always makes the same ids, so submitting twice is harmless.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import NewType

JobId = NewType("JobId", str)

SEED_BITS = MODEL_BITS = 32
MAX_SEED = (1 << SEED_BITS) - 1
_UNIQUE_BITS = 58


def job_id(seed: int, model_fingerprint: int, interaction_id: int, ordinal: int = 0) -> JobId:
    """The id of the `ordinal`-th job (from 0) that an interaction makes.

    `seed` and `model_fingerprint` are unsigned 32-bit integers; ValueError otherwise.
    """
    for name, value in (("seed", seed), ("model_fingerprint", model_fingerprint)):
        if not 0 <= value <= MAX_SEED:
            raise ValueError(f"{name} must be between 0 and {MAX_SEED}, not {value}")
    unique = _digest(f"job:{interaction_id}:{ordinal}", _UNIQUE_BITS)
    payload = (seed << (MODEL_BITS + _UNIQUE_BITS)) | (model_fingerprint << _UNIQUE_BITS) | unique
    high, middle, low = payload >> 74, (payload >> 62) & 0xFFF, payload & ((1 << 62) - 1)
    return JobId(str(uuid.UUID(int=(high << 80) | (0x8 << 76) | (middle << 64) | (0b10 << 62) | low)))


def seed_of(id: JobId) -> int:
    """The 32-bit seed an id carries."""
    return _payload(id) >> (MODEL_BITS + _UNIQUE_BITS)


def model_fingerprint_of(id: JobId) -> int:
    """The 32-bit model fingerprint an id carries."""
    return (_payload(id) >> _UNIQUE_BITS) & MAX_SEED


def draw_seed(interaction_id: int, ordinal: int = 0) -> int:
    """The seed of a job whose prompt names none: unpredictable to people, the same on every retry of an interaction."""
    return _digest(f"seed:{interaction_id}:{ordinal}", SEED_BITS)


def nonce(id: JobId) -> str:
    """25 characters from a job id, Discord's longest nonce: a repeated post returns the first message."""
    return base64.b32encode(hashlib.sha1(id.encode(), usedforsecurity=False).digest()).decode()[:25]


def parse_job_id(text: str) -> JobId:
    """`text` as a job id; ValueError when it is not a lower-case version-8 UUID."""
    parsed = uuid.UUID(text)
    if parsed.version != 8 or parsed.variant != uuid.RFC_4122 or str(parsed) != text:
        raise ValueError(f"{text!r} is not a job id")
    return JobId(text)


def _payload(id: JobId) -> int:
    number: int = uuid.UUID(id).int
    return ((number >> 80) << 74) | (((number >> 64) & 0xFFF) << 62) | (number & ((1 << 62) - 1))


def _digest(text: str, bits: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> (64 - bits)
