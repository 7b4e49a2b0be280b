"""What a real Magento 2.4.7-p6 answered, word for word, and a shop that answers so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sidecar.magento.rest.client import Address, Credentials, MagentoRest
from sidecar.magento.rest.oauth import Keys
from sidecar.model.secret import Secret
from tests.contract.scripted_server import Script, ScriptedServer, answer, scripted_server

TOKEN = "t0ken-of-the-integration"
PASSWORD = "pa55word-of-the-admin"
KEYS = Keys(
    Secret("consumer-key-1"), Secret("c0nsumer/secret+="), Secret("access-token-1"),
    Secret("acce55&token secret"),
)  # fmt: skip
BEARER = Credentials(token=Secret(TOKEN))
ADMIN = Credentials(user="sidecar", password=Secret(PASSWORD))
INTEGRATION = Credentials(keys=KEYS)

NO_RIGHT = {
    "message": "The consumer isn't authorized to access %resources.",
    "parameters": {"resources": "Magento_Sales::ship"},
}
NO_ROUTE = {"message": "Request does not match any route."}
NO_ENTITY = {
    "message": "The entity that was requested doesn't exist. Verify the entity and try again."
}
TOO_MANY_ITEMS = {
    "message": 'Maximum items of type "%type" is %max',
    "parameters": {
        "type": "\\Magento\\InventoryApi\\Api\\Data\\SourceItemInterface",
        "max": 20,
    },
}
PAGE_TOO_LARGE = {
    "message": "Maximum SearchCriteria pageSize is %max",
    "parameters": {"max": 50},
}
MAINTENANCE = "<!DOCTYPE html><html><body><h1>Service Temporarily Unavailable</h1></body></html>"


def says(status: int, body: Any) -> list[bytes]:
    """An answer of JSON."""
    return answer(status, json.dumps(body))


def page(status: int, body: str = MAINTENANCE) -> list[bytes]:
    """An answer of HTML."""
    return answer(status, body, Content_Type="text/html; charset=UTF-8")


@contextmanager
def shop(
    script: Script, credentials: Credentials = BEARER, *, read: float = 5.0, path: str = ""
) -> Iterator[tuple[MagentoRest, ScriptedServer]]:
    """A client, and a shop that answers as the script has it."""
    with scripted_server(script) as server:
        url = server.url.removesuffix("/api") + path
        yield MagentoRest(Address(url, connect=2.0, read=read), credentials), server
