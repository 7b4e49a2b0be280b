"""The simulator as a process of its own, which a test can kill the way a power cut would."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from sidecar.model.errors import Unavailable
from sidecar.testing.erpsim.client import ErpSimClient
from sidecar.testing.erpsim.simulator import Setup

_STOP_SECONDS = 10


class ErpSim(ErpSimClient):
    """A simulator process; its books outlive `kill` and `restart`, rules and request log do not.

    with ErpSim.start(duplicates="upsert") as erp:
        erp.rule("accept_then_drop", times=1)
        …
        assert len(erp.bookings("000000042")) == 1
    """

    def __init__(self, setup: Setup, port: int, state_file: Path | None) -> None:
        self._setup = setup
        self._folder = None if state_file else tempfile.TemporaryDirectory(prefix="erpsim-")
        self.state_file = state_file or Path(self._folder.name if self._folder else "") / "books"
        try:
            self._process = self._launch(port)
        except Unavailable:
            self._remove_folder()
            raise

    @classmethod
    def start(cls, *, port: int = 0, state_file: Path | None = None, **options: Any) -> Self:
        """Start a simulator and wait until it listens; `options` are fields of Setup.

        Without a `state_file` the books live in a temporary folder until `stop`.
        Raises UsageError for an unknown option, Unavailable when the process does not come up.
        """
        return cls(Setup.of(**options), port, state_file)

    def restart(self) -> None:
        """Bring a killed or running simulator back on the same port with the same books."""
        self._end()
        self._process = self._launch(self.port)

    def kill(self) -> None:
        """SIGKILL: no answer under way is finished, no file is closed."""
        self._process.kill()
        self._process.wait()
        _close_pipes(self._process)

    def stop(self) -> None:
        """End the process and remove the temporary books; a second call does nothing."""
        self._end()
        self._remove_folder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sidecar.testing.erpsim"),
                *("--port", str(port)),
                *("--state-file", str(self.state_file)),
                *("--setup", msgspec.json.encode(self._setup).decode()),
                "--until-stdin-closes",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        first = process.stdout.readline() if process.stdout else b""
        if not first:
            code = process.wait()
            _close_pipes(process)
            raise Unavailable(
                f"the ERP simulator ended with code {code} before it listened",
                "its standard error says why",
            )
        super().__init__(json.loads(first)["url"])
        return process

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        _close_pipes(self._process)

    def _remove_folder(self) -> None:
        if self._folder:
            self._folder.cleanup()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
