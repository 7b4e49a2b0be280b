"""SIGHUP: take up a new configuration, or keep the old one when anything of the new one is bad."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.app.sidecar import Sidecar
from sidecar.host.systemd import Supervisor
from sidecar.model.errors import SidecarError, Unavailable, described
from sidecar.settings.load import Loaded

#: The duty under whose name the ledger keeps a refusal, for `status` and `doctor`.
RELOAD = "reload"
#: What takes longer waits for a file that never ends, or for a server that does not answer.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Successor:
    """A configuration, and the sidecar that was made of it whole."""

    loaded: Loaded
    sidecar: Sidecar


@dataclass(slots=True)
class _Attempt:
    """The making of a successor, in a thread of its own: no file may hold up the old one."""

    until: float
    made: Successor | None = None
    failure: BaseException | None = None
    is_over: threading.Event = field(default_factory=threading.Event)
    is_given_up: bool = False


class Reload:
    """`ask` may be called in a signal handler; `look` is called by the daemon's main loop.

    `build` reads the new configuration and makes everything of it (login, ledger, mapping, secrets,
    log file) while the old one goes on working; only then is the old daemon stopped in order, and
    the successor begins.
    """

    def __init__(self, build: Callable[[], Successor], supervisor: Supervisor) -> None:
        self._build = build
        self._supervisor = supervisor
        self._asked = False
        self._attempt: _Attempt | None = None
        self._successor: Successor | None = None

    def ask(self) -> None:
        """Remember the wish."""
        self._asked = True

    def look(self, sidecar: Sidecar) -> None:
        """Get on with the wish; `sidecar` is the one that runs; it ends when it has a successor."""
        now = sidecar.clock.monotonic()
        attempt = self._attempt
        if attempt is None:
            if self._asked:
                self._begin(now)
            return
        if not attempt.is_over.is_set() and now < attempt.until:
            return
        self._attempt = None
        attempt.is_given_up = True
        if self._asked:
            # The files may have changed since they were read.
            _discard(attempt)
            self._begin(now)
        elif attempt.made is not None:
            self._take(attempt.made, sidecar)
        else:
            self._refuse(attempt.failure or _too_slow(), sidecar)

    def successor(self) -> Successor | None:
        """What goes on, once; None: the daemon is to end."""
        successor, self._successor = self._successor, None
        return successor

    def _begin(self, now: float) -> None:
        self._asked = False
        self._supervisor.reloading()
        self._attempt = attempt = _Attempt(now + _PATIENCE_SECONDS)
        threading.Thread(target=self._make, args=(attempt,), name=RELOAD, daemon=True).start()

    def _make(self, attempt: _Attempt) -> None:
        try:
            attempt.made = self._build()
        except BaseException as error:  # noqa: BLE001 - told by `look`; the old one goes on
            attempt.failure = error
        attempt.is_over.set()
        if attempt.is_given_up:
            _discard(attempt)

    def _take(self, made: Successor, sidecar: Sidecar) -> None:
        sidecar.narrator.tell("config.reloaded", files=[str(file) for file in made.loaded.files])
        self._successor = made
        sidecar.stop.ask()

    def _refuse(self, error: BaseException, sidecar: Sidecar) -> None:
        remedy = error.remedy if isinstance(error, SidecarError) else "please report it"
        message = described(error)
        sidecar.narrator.tell("config.refused", message=message, remedy=remedy)
        again = "correct it, then 'systemctl reload erp-sidecar' (SIGHUP)"
        try:
            with sidecar.database.transaction("noting a refused configuration") as connection:
                sidecar.store.stations.failed(
                    connection,
                    RELOAD,
                    1,
                    f"the changed configuration was refused, the former one works: {message}",
                    f"{remedy}; {again}" if remedy else again,
                )
        except SidecarError as unnoted:
            sidecar.narrator.tell("station.unnoted", station=RELOAD, message=unnoted.message)
        self._supervisor.ready()


def _too_slow() -> Unavailable:
    return Unavailable(
        f"the new configuration could not be taken up within {_PATIENCE_SECONDS:.0f} s",
        "a file that it names never ends (a FIFO, a device), or a server does not answer",
    )


def _discard(attempt: _Attempt) -> None:
    made, attempt.made = attempt.made, None
    if made is not None:
        made.sidecar.close()
