"""SIGHUP: take up a new configuration, or keep the old one when the new one is bad."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.domain.errors import SidecarError
from sidecar.erp import load_adapter
from sidecar.ports import Narrator
from sidecar.settings.load import Loaded
from sidecar.supervisor import Supervisor


class Reload:
    """`ask` may be called in a signal handler; `look` is called by the daemon's main loop.

    The new configuration is read and checked, its mapping too, while the old one goes on working;
    only then is the daemon stopped in order and begun anew with it.
    """

    def __init__(self, read: Callable[[], Loaded], supervisor: Supervisor) -> None:
        self._read = read
        self._supervisor = supervisor
        self._asked = False
        self._successor: Loaded | None = None

    def ask(self) -> None:
        """Remember the wish."""
        self._asked = True

    def look(self, narrator: Narrator, stop: Callable[[], None]) -> None:
        """Fulfil it; `stop` ends the daemon that runs."""
        if not self._asked:
            return
        self._asked = False
        self._supervisor.reloading()
        try:
            loaded = self._read()
            load_adapter(loaded.settings).close()
        except SidecarError as error:
            narrator.tell("config.refused", message=error.message, remedy=error.remedy)
            self._supervisor.ready()
            return
        narrator.tell("config.reloaded", files=[str(file) for file in loaded.files])
        self._successor = loaded
        stop()

    def successor(self) -> Loaded | None:
        """The configuration to go on with, once; None: the daemon is to end."""
        successor, self._successor = self._successor, None
        return successor
