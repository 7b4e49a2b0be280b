"""A login that was refused: the secrets are read again, and changed ones make a new adapter.

Whoever changes the ERP's password puts the new one where the configuration says.  Before a domain
is stopped for the old one, it is looked there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import msgspec

from sidecar.model.errors import SidecarError, UsageError, described
from sidecar.model.outcome import Booked, Misconfigured
from sidecar.ports import (
    AdapterSettings,
    Capabilities,
    Delivery,
    ErpAdapter,
    Listed,
    Narrator,
    Page,
    Ping,
    PushCall,
    Telling,
)

_T = TypeVar("_T")


class RenewingAdapter:
    """An adapter in whose place another one is put when its secrets have changed.

    `connect` reads the configuration's secrets as they are now, `build` makes an adapter of them;
    `adapter` is the one that was made of `settings`.  Whatever was refused is tried once more, by
    the new one: a refused login has booked nothing.
    """

    def __init__(
        self,
        adapter: ErpAdapter,
        settings: AdapterSettings,
        connect: Callable[[], AdapterSettings],
        build: Callable[[AdapterSettings], ErpAdapter],
        narrator: Narrator,
    ) -> None:
        self._adapter = adapter
        self._settings = settings
        self._connect = connect
        self._build = build
        self._narrator = narrator
        self._renewing = threading.Lock()
        self._made: list[ErpAdapter] = []

    def capabilities(self, domain: str) -> Capabilities:
        """What the file of calls can do, which does not change with a secret."""
        return self._adapter.capabilities(domain)

    def push(self, batch: Sequence[Delivery]) -> Sequence[PushCall]:
        """Send; what the login was refused for is sent again with a changed secret."""
        used = self._adapter
        calls = used.push(batch)
        refused = [
            result.delivery
            for call in calls
            for result in call.results
            if isinstance(result.outcome, Misconfigured)
        ]
        if not refused or (fresh := self._renewed(used)) is None:
            return calls
        return [*map(_without_refusals, calls), *fresh.push(refused)]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        """Ask by reference."""
        return self._asked(lambda adapter: adapter.probe(domain, refs))

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        """Ask for what has changed."""
        return self._asked(lambda adapter: adapter.list(domain, since, page))

    def changes(
        self, domain: str, since: datetime | None, page: str | int | None = None
    ) -> Page[msgspec.Struct]:
        """Ask what the ERP says by itself; only of an adapter that can tell (`capabilities`)."""

        def ask(adapter: ErpAdapter) -> Page[msgspec.Struct]:
            if not isinstance(adapter, Telling):
                raise UsageError(f"this adapter does not tell of {domain}")
            return adapter.changes(domain, since, page)

        return self._asked(ask)

    def ping(self) -> Ping:
        """Ask something harmless."""
        used = self._adapter
        ping = used.ping()
        fresh = None if ping.reachable and ping.authorised else self._renewed(used)
        return fresh.ping() if fresh else ping

    def close(self) -> None:
        """Give back the connections of the adapters that were made here."""
        for adapter in self._made:
            adapter.close()

    def _asked(self, ask: Callable[[ErpAdapter], _T]) -> _T:
        used = self._adapter
        try:
            return ask(used)
        except SidecarError:
            fresh = self._renewed(used)
            if fresh is None:
                raise
            return ask(fresh)

    def _renewed(self, used: ErpAdapter) -> ErpAdapter | None:
        """The adapter to try again with; None where nothing has changed.

        The former one is not closed: calls of other threads may be on their way in it.
        """
        with self._renewing:
            if self._adapter is not used:
                return self._adapter
            try:
                settings = self._connect()
                if settings == self._settings:
                    return None
                adapter = self._build(settings)
            except SidecarError as error:
                self._narrator.tell(
                    "adapter.not_renewed", message=described(error), remedy=error.remedy
                )
                return None
            self._made.append(adapter)
            self._adapter, self._settings = adapter, settings
        self._narrator.tell("adapter.renewed")
        return adapter


def _without_refusals(call: PushCall) -> PushCall:
    """The call was made; what it was refused for is decided by another one."""
    results = [one for one in call.results if not isinstance(one.outcome, Misconfigured)]
    return replace(call, results=results)
