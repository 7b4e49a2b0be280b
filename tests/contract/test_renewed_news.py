"""A changed secret is taken up by a question for the ERP's news, as by every other call."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.rest import generic
from sidecar.app.renewing import RenewingAdapter
from sidecar.domains import SPECS
from sidecar.model.errors import NotReached
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, Page, ShopContext, Telling
from tests.contract.scripted_server import Received, answer, scripted_server
from tests.harness import RecordingNarrator

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
CALLS = """
stock:
  changes:
    call: {method: GET, path: /stock}
    answer: {ok: =response.status == 200, found: =response.body}
    each: {sku: =item.sku, source_code: main, quantity: =item.qty}
"""


def test_a_login_that_was_refused_is_tried_again_with_the_new_secret(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(CALLS)

    def erp(request: Received) -> list[bytes]:
        if request.header("Authorization") != "Bearer new":
            return answer(401)
        return answer(200, "[]")

    with scripted_server(erp) as server:
        shop = ShopContext("main", UTC)
        old = AdapterSettings(
            server.url, 5, 20, shop, calls=calls, domains=SPECS, auth=bearer("old"), insecure=True
        )
        present = [old]
        with (
            closing(generic.create(old)) as first,
            closing(
                RenewingAdapter(first, old, lambda: present[0], generic.create, RecordingNarrator())
            ) as adapter,
        ):
            assert isinstance(adapter, Telling)
            with pytest.raises(NotReached):
                adapter.changes("stock", SINCE)
            present[0] = replace(old, auth=bearer("new"))

            assert adapter.changes("stock", SINCE) == Page(())


def bearer(token: str) -> dict[str, object]:
    return {"bearer": {"token": Secret(token)}}
