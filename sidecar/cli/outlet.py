"""The one way from a command to the terminal: printable characters only, whatever was asked.

No other module of the command line prints (a test holds it).  A reader that went away (`| head`), a
full disk and a closed descriptor end the output and not the command: what it does is done to its
end, and its exit code is its own.  Only a disk that did not take the output makes a success a
failure (`unwritten`).
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

import msgspec

from sidecar.model.printable import printable, printable_json, printable_lines

_JSON = msgspec.json.Encoder(decimal_format="number")


class _Descriptor(io.FileIO):
    """A descriptor that keeps its first failure instead of raising it, and drops what follows."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """The number of bytes taken: all of them, once nobody can have them."""
        if self.failure is None:
            try:
                return super().write(data) or 0
            except OSError as error:
                self.failure = error
        return len(data)


#: Those of this process, once they are taken over.
_taken: list[_Descriptor] = []


def take_over() -> None:
    """Make standard output and error such that no writer of this process fails on them.

    Only those that the process was started with: what somebody put in their place is his.
    """
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file or connection would get this number, and be written to.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    _taken[:] = [_Descriptor(number, "wb", closefd=False) for number in (1, 2)]
    sys.stdout, sys.stderr = map(_text, _taken, (sys.stdout, sys.stderr))


def unwritten() -> str:
    """Why standard output could not be written; empty when it was, or when its reader left."""
    sys.stdout.flush()
    failure = _taken[0].failure if _taken else None
    if failure is None or failure.errno == errno.EPIPE:
        return ""
    return os.strerror(failure.errno or errno.EIO)


def echo(line: object = "", *, err: bool = False) -> None:
    """Print one line."""
    _write(f"{printable(str(line))}\n", err=err)


def echo_lines(text: str, *, err: bool = False) -> None:
    """Print text that has lines of its own."""
    whole = text.removesuffix("\n")
    _write(f"{printable_lines(whole)}\n", err=err)


def emit_json(value: object) -> None:
    """Print one JSON document; unknown fields may be added by later versions, none change."""
    document = msgspec.json.format(_JSON.encode(value), indent=2).decode()
    _write(f"{printable_json(document, sys.stdout.encoding or 'utf-8')}\n", err=False)


def confirm(question: str, *, default: bool = False) -> None:
    """Ask on standard error; anything but yes ends the command (130)."""
    import click

    click.confirm(printable(question), default=default, abort=True, err=True)


def _write(text: str, *, err: bool) -> None:
    stream = sys.stderr if err else sys.stdout
    stream.write(text)
    stream.flush()


def _text(descriptor: _Descriptor, before: TextIO | None) -> io.TextIOWrapper:
    encoding = before.encoding if before is not None else "utf-8"
    # A terminal of another encoding shows the escape of what it cannot show.
    return io.TextIOWrapper(
        io.BufferedWriter(descriptor), encoding, "backslashreplace", line_buffering=True
    )
