"""The gateway's transport compression: one stream a connection, flushed after every message (docs: Gateway, Encoding
and Compression)."""

import zlib
from importlib.util import find_spec
from typing import Protocol


class Stream(Protocol):
    """Turns one message's JSON into one binary frame."""

    def frame(self, text: str) -> bytes:
        """The frame of this message; only decodable after all frames before it."""


class ZlibStream:
    """``compress=zlib-stream``: every frame ends with ``00 00 ff ff``."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def frame(self, text: str) -> bytes:
        """See :class:`Stream`."""
        return self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """``compress=zstd-stream``."""

    def __init__(self) -> None:
        import zstandard

        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self._stream = zstandard.ZstdCompressor().compressobj()

    def frame(self, text: str) -> bytes:
        """See :class:`Stream`."""
        return self._stream.compress(text.encode()) + self._stream.flush(self._flush)


def open_stream(compress: str | None) -> Stream | None:
    """The stream that a client asked for; None means plain text frames.

    discord.py asks for zstd only where the ``zstandard`` package is installed, and then it is installed here as well;
    another client that asks for it without gets text frames.
    """
    if compress == "zlib-stream":
        return ZlibStream()
    if compress == "zstd-stream" and find_spec("zstandard") is not None:
        return ZstdStream()
    return None
