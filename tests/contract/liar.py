"""An adapter that tells what one likes to hear: the kit must find it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sidecar.model.outcome import Accepted, Booked
from sidecar.ports import (
    AdapterSettings,
    Capabilities,
    Delivery,
    ErpAdapter,
    Exchange,
    Listed,
    Page,
    Ping,
    PushCall,
    Result,
)


class Liar:
    def capabilities(self, domain: str) -> Capabilities:
        return Capabilities(frozenset({"order.placed"}), probe=True)

    def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
        results = [Result(one, Accepted(booked=Booked(reference=one.ref))) for one in batch]
        return [PushCall(Exchange("POST /orders", 201, 0.0), results)]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        return {}

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        return Page(())

    def ping(self) -> Ping:
        return Ping(reachable=True, authorised=True)

    def close(self) -> None:
        pass


def create(_settings: AdapterSettings) -> ErpAdapter:
    return Liar()
