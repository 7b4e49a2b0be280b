"""Whatever is sent, an answer comes, and it is one that Magento could give."""

from __future__ import annotations

import random
from typing import Any

import pytest
import requests

from sidecar.testing.magento_db import Line
from sidecar.testing.magento_rest.body import Kind, ListOf, Record
from sidecar.testing.magento_rest.gateway import ROUTES
from tests.contract.magento_rest_bench import PATIENCE, RestBench

REQUESTS = 300
ODD: list[Any] = [
    None, "", 0, -1, "abc", 1.5, [], {}, [None], [{}], {"a": 1}, True, "9" * 20, 10**30,
    "2026-13-45", "ALL GROUPS",
]  # fmt: skip
PLAIN: dict[str, list[Any]] = {
    "int": [0, 1, 2, 3, 99],
    "float": [0, 1, 2.5, -1],
    "string": ["MUG", "mug", "fixed", "default", ""],
    "bool": [True, False],
}
FILTER = "searchCriteria[filter_groups][0]"
QUERIES = [
    "",
    "searchCriteria=",
    f"{FILTER}[filters][0][field]=entity_id&{FILTER}[filters][0][value]=1",
    f"{FILTER}[filters][0][field]=entity_id&{FILTER}[filters][0][condition_type]=odd",
    f"{FILTER}=1&{FILTER}[filters][0][field]=x",
    f"{FILTER}[filters]=y&fields=items[a",
    "searchCriteria[pageSize]=0&searchCriteria[currentPage]=-1",
    "searchCriteria[sort_orders][0][field]=nope&fields=a]b",
]


def made_up(rng: random.Random, kind: Kind) -> Any:
    """A value of the kind, or, now and then, one of no kind."""
    if rng.random() < 0.15:
        return rng.choice(ODD)
    if isinstance(kind, Record):
        return {
            name: made_up(rng, inner) for name, inner in kind.keys.items() if rng.random() < 0.8
        }
    if isinstance(kind, ListOf):
        return [made_up(rng, kind.kind) for _ in range(rng.randint(0, 3))]
    return rng.choice(PLAIN.get(kind.name, [{}]))


@pytest.mark.parametrize("seed", range(3))
def test_no_request_is_left_without_an_answer(rest: RestBench, seed: int) -> None:
    rng = random.Random(seed)
    for apart in (True, False):
        order_id = rest.order(Line("MUG", 2), Line("TEASET", ship_separately=apart))
        rest.shop.invoice(order_id, 1)
    for _ in range(REQUESTS):
        route = rng.choice(ROUTES)
        path = "/".join(
            rng.choice(["1", "2", "MUG", "default", "99", "abc"]) if part.startswith(":") else part
            for part in route.path.split("/")
        )
        body = {name: made_up(rng, kind) for name, kind in route.body.items()}
        response = requests.request(
            route.method,
            f"{rest.served.url}/rest/V1/{path}?{rng.choice(QUERIES)}",
            json=body,
            headers={"Authorization": f"Bearer {rest.token}"},
            timeout=PATIENCE,
        )
        assert response.status_code in (200, 400, 404, 500), (route, body, response.text)
