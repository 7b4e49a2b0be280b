"""The log's file: reopened when asked, and never a reason for the daemon to end.

Each line is one write to the end of the file, so that neither a rotation nor a second process tears
it.  What the file does not take goes to standard error, and the file is told of the gap as soon as
it takes lines again.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sidecar.model.errors import ConfigurationError

Line = dict[str, Any]
Form = Callable[[Line], str]

_MODE = 0o640
#: Lines that a deleted file swallows are those of so many seconds at the most.
_LOOK_SECONDS = 1.0


class StandardError:
    """Standard error: the journal, or a terminal."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def write(self, line: Line) -> None:
        """Write one line; where nobody reads any more it is lost, and the work goes on."""
        with suppress(OSError, ValueError):
            sys.stderr.write(self._form(line) + "\n")
            sys.stderr.flush()

    def reopen(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """Others use it too."""


class LogFile:
    """Lines at the end of `path`; what it does not take goes to standard error."""

    def __init__(self, path: Path, form: Form) -> None:
        self._path = path
        self._form = form
        self._instead = StandardError(form)
        self._descriptor: int | None = None
        self._reopen = False
        self._look_at = 0.0
        self._missed = 0
        self._missing_since = 0.0
        self._obstacle = ""

    def reopen(self) -> None:
        """Open the path anew before the next line; may be called in a signal handler."""
        self._reopen = True

    def write(self, line: Line) -> None:
        """Write one line, before it what is to be said of those that the file did not take."""
        try:
            if self._missed:
                self._append(self._gap())
                self._missed = 0
            self._append(line)
        except OSError as error:
            self._write_instead(line, error)

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = None

    def _append(self, line: Line) -> None:
        descriptor = self._opened()
        data = (self._form(line) + "\n").encode("utf-8", errors="replace")
        # One call of the system a line: each hands the interpreter to another thread.
        written = os.write(descriptor, data)
        if written < len(data):
            # A full disk takes half a line: the half is taken back, so that no line is torn.
            end = os.lseek(descriptor, 0, os.SEEK_CUR)
            if os.fstat(descriptor).st_size == end:
                os.ftruncate(descriptor, end - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _opened(self) -> int:
        """The open file; a new one after a wish to reopen, or when somebody deleted it."""
        if self._reopen or self._is_gone():
            self._reopen = False
            self.close()
        if self._descriptor is None:
            # A pipe that nobody reads would hold whoever writes a line, at SIGTERM too.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            self._descriptor = os.open(self._path, flags, _MODE)
        return self._descriptor

    def _is_gone(self) -> bool:
        """Whether somebody deleted the file; looked at once a second.

        One that was only renamed is left alone: logrotate makes the next file, and says when.
        """
        now = time.monotonic()
        if self._descriptor is None or now < self._look_at:
            return False
        self._look_at = now + _LOOK_SECONDS
        return os.fstat(self._descriptor).st_nlink == 0

    def _write_instead(self, line: Line, error: OSError) -> None:
        self._obstacle = error.strerror or type(error).__name__
        if not self._missed:
            self._missing_since = time.monotonic()
            self._instead.write(
                self._note(
                    "error",
                    "log.unwritable",
                    message=f"{self._path}: {self._obstacle}",
                    remedy="lines go to standard error until the file takes them again: look at "
                    "the disk, and at the folder's owner and mode",
                )
            )
        self._missed += 1
        self._instead.write(line)

    def _gap(self) -> Line:
        return self._note(
            "warning",
            "log.gap",
            lines=self._missed,
            seconds=round(time.monotonic() - self._missing_since, 1),
            message=f"{self._path}: {self._obstacle}",
        )

    def _note(self, level: str, event: str, **fields: object) -> Line:
        return {"ts": timestamp(datetime.now(UTC)), "level": level, "event": event, **fields}


def require_appendable(path: Path) -> None:
    """Raise ConfigurationError for a file that cannot take lines; it is made where there is none.

    One that runs full or loses its folder later ends nothing (`LogFile`); a wrong path is worth a
    word at once.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        os.close(os.open(path, flags, _MODE))
    except OSError as error:
        raise ConfigurationError(
            f"logging.file: {path} cannot be written: {error.strerror or type(error).__name__}",
            "look at the folder's owner and mode, and that it is no FIFO",
        ) from None


def timestamp(moment: datetime) -> str:
    """As on every line: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
