"""Files below one folder, and never anywhere else: no link is followed on the way to them, only regular files are read.

The folder may be shared with other programs and hosts. Without this, one symbolic link in it would send a file of the
host to anybody who asks for a picture, or have a picture written over one.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import structlog

log = structlog.get_logger(__name__)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe in place of a file must not make its reader wait.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOREIGN = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)
"""What a link, a file in a folder's place, a folder in a file's or a socket fails with."""


class ConfinedFolder:
    """Files by names such as `ab/cd/0.png` below `root`, which may itself be a link: the operator named it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        """The file's bytes. None when there is no such file, when it is no regular file or behind a link, or larger
        than `limit_bytes`; all but the first are logged."""
        folders, _, last = name.rpartition("/")
        try:
            with self._open(folders) as folder:
                descriptor = os.open(last, _READ, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in FOREIGN:
                raise
            log.error("this leads out of the folder and is not followed", name=name)
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit_bytes:
            os.close(descriptor)
            log.error("this is no file of ours and is not read", name=name, bytes=status.st_size)
            return None
        with open(descriptor, "rb") as file:
            return file.read(limit_bytes)

    def write(self, name: str, data: bytes) -> None:
        """Put a whole file in place at once, replacing what stands there. OSError where a link stands in the way."""
        folders, _, last = name.rpartition("/")
        self._root.mkdir(parents=True, exist_ok=True)
        with self._open(folders, create=True) as folder:
            temporary = f".{last}.{uuid4().hex}"
            try:
                with open(os.open(temporary, _NEW, 0o644, dir_fd=folder), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

    def delete(self, name: str) -> None:
        """Remove a folder and all that is in it, as far as that can be done. Harmless to repeat."""
        folders, _, last = name.rpartition("/")
        with suppress(OSError), self._open(folders) as folder:
            shutil.rmtree(last, ignore_errors=True, dir_fd=folder)

    def remove(self, name: str) -> None:
        """Remove one file. Harmless to repeat."""
        folders, _, last = name.rpartition("/")
        with suppress(FileNotFoundError), self._open(folders) as folder:
            os.unlink(last, dir_fd=folder)

    def folders(self) -> Iterator[tuple[str, float]]:
        """The names of the folders two levels down, in order, and when each was last changed (Unix time, seconds)."""
        with suppress(FileNotFoundError):
            for outer in sorted(self._root.iterdir()):
                if not outer.is_dir() or outer.is_symlink():
                    continue
                for inner in sorted(outer.iterdir()):
                    status = inner.lstat()
                    if stat.S_ISDIR(status.st_mode):
                        yield f"{outer.name}/{inner.name}", status.st_mtime

    @contextmanager
    def _open(self, folders: str, *, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder at the end of a path, each step of which is a real folder."""
        current = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step in filter(None, folders.split("/")):
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(step, dir_fd=current)
                inner = os.open(step, _FOLDER, dir_fd=current)
                os.close(current)
                current = inner
            yield current
        finally:
            os.close(current)
