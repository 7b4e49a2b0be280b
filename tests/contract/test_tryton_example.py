"""The example for Tryton is read without a word, and keeps Tryton's session as its client does.

Against a real Tryton: tests/erps.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC
from pathlib import Path

from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, Advising, ShopContext
from tests.contract.scripted_server import Received, answer, scripted_server

CALLS = Path(__file__).parents[2] / "config" / "examples" / "tryton.yaml"
SESSION = "0be19544ac9cd2d66155"


def tryton(received: Received) -> Iterable[bytes]:
    """A session, and no order."""
    asked = json.loads(received.body)
    is_login = asked["method"] == "common.db.login"
    result = [7, SESSION, None] if is_login else []
    return answer(200, json.dumps({"id": asked["id"], "result": result}))


def test_the_session_is_known_by_user_number_and_token() -> None:
    secrets = {"user": Secret("magento"), "password": Secret("swordfish-of-tryton")}
    shop = ShopContext("main", UTC)
    with scripted_server(tryton) as server:
        settings = AdapterSettings(
            server.url, 5, 5, shop, calls=CALLS, secrets=secrets, domains=SPECS
        )
        with closing(generic.create(settings)) as adapter:
            assert isinstance(adapter, Advising)
            assert list(adapter.warnings()) == []
            assert adapter.probe("orders", ["000000042"]) == {"000000042": ()}

    login, question = server.requests
    assert login.header("Authorization") is None
    scheme, _, proof = (question.header("Authorization") or "").partition(" ")
    assert scheme == "Session"
    assert base64.b64decode(proof).decode() == f"magento:7:{SESSION}"
    assert question.target == "/api/rpc/"
