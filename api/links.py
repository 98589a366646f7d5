"""Links to pictures that need no key: good for an hour, and only for the one picture that they were made for."""

from __future__ import annotations

import hashlib
import hmac

from contract.ids import JobId

LIFETIME_S = 3600


def picture_link(secret: str, base_url: str, job_id: JobId, index: int, now_s: float) -> str:
    """Where picture `index` (from 0) of a job can be had until `LIFETIME_S` from now."""
    until = int(now_s) + LIFETIME_S
    return f"{base_url}/v1/files/{job_id}/{index}.png?until={until}&signature={_sign(secret, job_id, index, until)}"


def link_is_good(secret: str, job_id: JobId, index: int, until: int, signature: str, now_s: float) -> bool:
    """Whether a link was made here and has not run out."""
    return now_s <= until and hmac.compare_digest(_sign(secret, job_id, index, until).encode(), signature.encode())


def _sign(secret: str, job_id: JobId, index: int, until: int) -> str:
    return hmac.new(secret.encode(), f"file:{job_id}:{index}:{until}".encode(), hashlib.sha256).hexdigest()
