"""What the ERP tells by itself, mutated on its way: a row is read right, or not at all.

MUTATIONS and FUZZ_SEED as in test_mutated_answers.  What cannot be told apart from an ERP that says
so is let pass: a line or a row that is there twice, at another place or cleanly gone; letters of
another case.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import requests

from adapters.rest import generic as rest
from adapters.soap import generic as soap
from sidecar.domains import SPECS
from sidecar.model.errors import Unavailable
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext, Telling
from sidecar.testing.contract_news import TOLD_DOMAINS
from sidecar.testing.erpsim import WSDL, serve_in_thread
from tests.contract.scripted_server import Received, answer, scripted_server
from tests.fuzz import json_mutations, xml_mutations

MUTATIONS = int(os.environ.get("MUTATIONS", "1000")) // 4
SEED = int(os.environ.get("FUZZ_SEED", "0"))
MAPPINGS = Path(__file__).parents[1] / "contract" / "mappings"
SINCE = datetime(2000, 1, 1, tzinfo=UTC)
[SHIPMENTS] = [told for told in TOLD_DOMAINS if told.name == "shipments"]

#: The simulator's path, at the server in between, too.
BASE = "/api/v2"

Make = Callable[[str], ErpAdapter]


def origin(url: str) -> str:
    """Without its path."""
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def rest_adapter(url: str) -> ErpAdapter:
    return rest.create(settings(url, calls=MAPPINGS / "single.yaml"))


def soap_adapter(url: str) -> ErpAdapter:
    return soap.create(
        settings(f"{url}/soap/Document11", calls=MAPPINGS / "soap-single.yaml", wsdl=str(WSDL))
    )


def settings(url: str, **further: Any) -> AdapterSettings:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return AdapterSettings(
        url=url, connect_timeout=5, read_timeout=20, shop=shop, domains=SPECS, **further
    )


def told(adapter: ErpAdapter) -> tuple[list[Any], int]:
    """The rows of the first page, and how many could not be read."""
    assert isinstance(adapter, Telling)
    page = adapter.changes("shipments", SINCE)
    return list(page.rows), len(page.unreadable)


@contextmanager
def between(mutate: Callable[[bytes], bytes], make: Make) -> Iterator[tuple[ErpAdapter, list[Any]]]:
    """An adapter, and what the simulator that it asks has to tell; answers are mutated."""
    with serve_in_thread() as erp:
        said = [SHIPMENTS.say(erp, None, SHIPMENTS.row(count)) for count in range(3)]  # type: ignore[arg-type]

        def passed_on(received: Received) -> list[bytes]:
            method, target = received.head.split(" ")[:2]
            root = erp.url.removesuffix(BASE)
            headers = {
                name: value
                for name in ("Content-Type", "SOAPAction")
                if (value := received.header(name)) is not None
            }
            reply = requests.request(
                method, f"{root}{target}", data=received.body, headers=headers, timeout=20
            )
            content_type = reply.headers["Content-Type"]
            return answer(200, mutate(reply.content), Content_Type=content_type)

        with (
            scripted_server(passed_on) as server,
            closing(make(f"{origin(server.url)}{BASE}")) as adapter,
        ):
            yield adapter, said


def lies(rows: list[Any], said: list[Any]) -> list[Any]:
    """Rows that say something else than the ERP did."""
    pooled = {name: sum((getattr(row, name) for row in said), ()) for name in ("items", "tracks")}
    true = {row.number.casefold(): msgspec.structs.replace(row, **pooled) for row in said}
    return [row for row in rows if not _agrees(row, true.get(row.number.casefold()))]


def _agrees(row: Any, true: Any) -> bool:
    """Field by field; what is none, and an entry of a list that is gone, was not told."""
    match row:
        case None:
            return True
        case msgspec.Struct():
            names = type(row).__struct_fields__
            return true is not None and all(
                _agrees(getattr(row, name), getattr(true, name)) for name in names
            )
        case tuple():
            return all(any(_agrees(one, other) for other in true) for one in row)
        case str():
            return row.casefold() == str(true).casefold()
    return bool(row == true)


def judge(mutated: Callable[[bytes, Random, str], bytes], make: Make) -> None:
    random, answers, read = Random(), list[bytes](), 0

    def mutate(content: bytes) -> bytes:
        answers[:] = [mutated(content, random, "")]
        return answers[0]

    with between(mutate, make) as (adapter, said):
        for seed in range(SEED, SEED + MUTATIONS):
            random.seed(seed)
            try:
                rows, unreadable = told(adapter)
            except Unavailable:
                continue
            wrong = lies(rows, said)
            assert not wrong, f"FUZZ_SEED={seed}: {wrong}\n{answers[0].decode('utf-8', 'replace')}"
            assert rows or unreadable, f"FUZZ_SEED={seed}: nothing\n{answers[0]!r}"
            read += bool(rows)
        assert read, "no mutation left anything that could be read"


def test_mutated_json_tells_no_other_delivery_and_never_none() -> None:
    judge(json_mutations.mutated, rest_adapter)


def test_a_mutated_envelope_tells_no_other_delivery_and_never_none() -> None:
    judge(xml_mutations.mutated, soap_adapter)
