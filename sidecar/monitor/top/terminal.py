"""A terminal that is painted over and over: plain ANSI, as every terminal since the VT100 takes it.

No library: what is needed is the alternate screen, a cursor sent home and a key read without
waiting for Return.  Whatever ends the program, the terminal is given back as it was.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Mapping, Sequence
from types import FrameType, TracebackType
from typing import Self

from sidecar.monitor.top.screen import Line, Tone

#: What `key` gives when the terminal is gone.
END = "\x04"
_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_TONES: Mapping[Tone, str] = {
    "head": "\x1b[1m",
    "bad": "\x1b[31m",
    "dim": "\x1b[2m",
}


def can_repaint() -> bool:
    """Whether keys come from, and lines go to, a terminal that knows more than the next line."""
    both = sys.stdin.isatty() and sys.stdout.isatty()
    return both and os.environ.get("TERM", "dumb") not in ("dumb", "")


def size() -> tuple[int, int]:
    """Columns and lines; what COLUMNS and LINES say goes before."""
    return shutil.get_terminal_size((80, 24))


def painted(line: Line, *, colour: bool) -> str:
    """A line with its tone."""
    begin = _TONES.get(line.tone, "") if colour else ""
    return f"{begin}{line.text}\x1b[0m" if begin else line.text


class Terminal:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._colour = not os.environ.get("NO_COLOR")

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(sys.stdin)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        tty.setcbreak(sys.stdin)
        mode = termios.tcgetattr(sys.stdin)
        # Ctrl-Z would leave a shell on the alternate screen, without a cursor.
        mode[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, mode)
        _write(_ENTER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _write(_LEAVE)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def paint(self, lines: Sequence[Line]) -> None:
        """Replace what is shown; in one write, so that nothing flickers."""
        rows = [f"{painted(line, colour=self._colour)}{_REST_OF_LINE}" for line in lines]
        _write(_HOME + "\n".join(rows) + _REST_OF_SCREEN)

    def key(self, seconds: float) -> str:
        """The key that was pressed within so many seconds, else nothing; END at the input's end."""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if not ready:
            return ""
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace") or END


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
