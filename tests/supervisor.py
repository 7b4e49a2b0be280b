"""What systemd is to the daemon, in a test: a datagram socket that keeps what it is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

#: Longer than a start of the daemon on a busy machine.
_PATIENCE = 60.0


class Listening:
    """Speaks the supervisor's side of sd_notify; `environment` is what it starts a daemon with."""

    def __init__(self, place: Path, *, watchdog_seconds: float | None = None) -> None:
        self.environment = {"NOTIFY_SOCKET": str(place)}
        if watchdog_seconds is not None:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1e6))
        self._said: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._over = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over = True
        self._thread.join()
        self._socket.close()

    def said(self, since: float = 0.0) -> list[str]:
        """Every line since that moment (monotonic), in order."""
        with self._changed:
            return [line for at, line in self._said if at >= since]

    def hears(self, wanted: Callable[[str], bool], since: float = 0.0) -> str:
        """Wait for such a line; gives it."""

        def found() -> str | None:
            lines = (line for at, line in self._said if at >= since and wanted(line))
            return next(lines, None)

        with self._changed:
            line = self._changed.wait_for(found, _PATIENCE)
            assert line, f"not said within {_PATIENCE} s; the last words: {self._said[-20:]}"
            return line

    def silent_about(self, line: str, seconds: float) -> bool:
        """Whether the line is not said for so long, some time soon."""
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while (now := time.monotonic()) < deadline:
                last = max((at for at, said in self._said if said == line), default=0.0)
                if now - last >= seconds:
                    return True
                self._changed.wait(last + seconds - now)
        return False

    def _listen(self) -> None:
        self._socket.settimeout(0.1)
        while not self._over:
            try:
                words = self._socket.recv(65536).decode()
            except TimeoutError:
                continue
            with self._changed:
                now = time.monotonic()
                self._said += [(now, line) for line in words.splitlines()]
                self._changed.notify_all()
