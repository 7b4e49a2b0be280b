"""What an ERP tells by itself, over HTTP: what changed since a moment, in no order."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from tests.contract.scripted_server import Received, answer, scripted_server

_ASKS = """\
{domain}:
  changes:
    call:
      method: GET
      path: /{path}
      query: {{since: "=since | date('%Y-%m-%dT%H:%M:%SZ')", page: =page}}
    answer: {{ok: =response.status == 200, found: =response.body.items, next: =response.body.next}}
    each: {each}
"""
_LINES = "{$each: line in item.lines, $do: {sku: =line.sku, qty: =line.qty}}"
_EACH = {
    ("shipments", "deliveries"): f"{{number: =item.number, order: =item.order, items: {_LINES}, "
    "at: =item.at}",
    ("order_status", "states"): "{external: =item.order, status: =item.state, at: =item.at}",
    ("stock", "levels"): "{sku: =item.sku, source_code: default, quantity: =item.quantity, "
    "at: =item.at}",
}
CALLS = "".join(
    _ASKS.format(domain=domain, path=path, each=each) for (domain, path), each in _EACH.items()
)
_TO_A_PAGE = 5
#: How much older than what it told before a row may be: what its database committed late.
_LATEST = 4.0


@dataclass
class Warehouse:
    """`rows`: what it has to tell, by the last part of the path.

    Each question is answered with all that changed since, shuffled, five rows to a page.
    """

    rng: random.Random
    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    url: str = ""
    asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, what: str, **row: object) -> None:
        """From now on it is told; its moment may be before that of others that were told."""
        at = datetime.now(UTC) - timedelta(seconds=self.rng.uniform(0, _LATEST))
        with self._lock:
            self.rows.setdefault(what, []).append({**row, "at": at.isoformat()})

    def tell_in_order(self, what: str, rows: list[dict[str, object]]) -> None:
        """The states of one thing: their moments are in their order, what comes first is not."""
        begin = datetime.now(UTC) - timedelta(seconds=_LATEST)
        stamped = [
            {**row, "at": (begin + timedelta(seconds=place)).isoformat()}
            for place, row in enumerate(rows)
        ]
        self.rng.shuffle(stamped)
        with self._lock:
            self.rows.setdefault(what, []).extend(stamped)

    def answer(self, request: Received) -> list[bytes]:
        """See `scripted_server`."""
        asked = urlsplit(request.target)
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        since, begin = datetime.fromisoformat(query["since"]), int(query.get("page") or 0)
        with self._lock:
            self.asked += 1
            rows = self.rows.get(asked.path.rpartition("/")[2], [])
            found = [row for row in rows if datetime.fromisoformat(str(row["at"])) >= since]
            end = begin + _TO_A_PAGE
            page = found[begin:end]
            self.rng.shuffle(page)
        following = end if end < len(found) else None
        return answer(200, json.dumps({"items": page, "next": following}))


@contextmanager
def warehouse(seed: int) -> Iterator[Warehouse]:
    """One that listens."""
    made = Warehouse(random.Random(seed))
    with scripted_server(made.answer) as server:
        made.url = server.url
        yield made
