"""Orders in steps, while whatever can die dies: each once, complete, validated, each customer once.

The file of calls is the example with a login, ids that are looked up, a customer that is found or
made, a discount and a validation.  At each of these an answer is lost, the daemon or the ERP dies.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from sidecar.host.crash_point import PLACES, VARIABLE
from sidecar.testing.magento_db import Line, PlacedOrder, PrivateServer, Shop
from sidecar.testing.magento_db.catalogue import BERLIN, COLOGNE
from tests.stepped import SteppedRig

pytestmark = [pytest.mark.shared, pytest.mark.timeout(7200)]

#: `make crash` asks for 1,000.
ORDERS = int(os.environ.get("ERP_SIDECAR_STEPPED_ORDERS", "40"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261123"))
#: It asks for a product that nobody has bought yet: the daemon remembers the others.
ASKS_FOR_PRODUCTS = "first, find product"
NEW_PRODUCTS = ("DESK", "CHAIR-A", "CHAIR-B")
#: Each place of an order's way, as a rule of the simulator names it.
STEPS = {
    "login": {"method": "POST", "path": "/login"},
    ASKS_FOR_PRODUCTS: {"method": "GET", "path": "/products"},
    "first, find customer": {"method": "GET", "path": "/customers"},
    "first, else": {"method": "POST", "path": "/customers"},
    "first, find VAT id": {"method": "GET", "path": "/vat/*"},
    "call": {"method": "POST", "path": "/orders"},
    "then, discount": {"method": "PATCH", "path": "/orders/*"},
    "then, validate": {"method": "POST", "path": "/orders/*/validate"},
}
#: What an ERP does that has done its work, or has not, and does not say which.
SILENCES = ("accept_then_drop", "server_error_after_booking", "drop_before")


class Seller:
    """Sells to customers of whom each orders twice at once: as a business with a discount, and as
    a person without."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._customers = count(1)

    def sell(self, product: str = "MUG") -> list[PlacedOrder]:
        """Two orders of a new customer, one right after the other."""
        number = next(self._customers)
        return [
            self._shop.place(
                (Line(product, 1 + number % 4), Line("TEAPOT"), Line("LAMP")),
                coupon=coupon,
                email=f"Customer{number}@example.com",
                address=address,
            )
            for address, coupon in ((COLOGNE, "SAVE10"), (BERLIN, None))
        ]

    def release(self, order: int) -> None:
        """What a person does in Magento's admin with an order that the ERP refused, by its id."""
        self._shop.unhold(order)


@pytest.fixture
def calls(shared: Path) -> str:
    return (shared / "examples" / "steps-rest.yaml").read_text("utf-8")


@contextmanager
def stand(
    server: PrivateServer, folder: Path, name: str, calls: str, **settings: object
) -> Iterator[tuple[SteppedRig, Seller]]:
    with (
        SteppedRig(server, folder, name, calls, **settings) as rig,  # type: ignore[arg-type]
        Shop(rig.magento) as shop,
    ):
        yield rig, Seller(shop)


def struck(rig: SteppedRig) -> int:
    """How often the standing rules struck."""
    return sum(int(rule["struck"]) for rule in rig.erp.state().rules)


@pytest.mark.any_server
def test_an_answer_lost_at_any_step_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path, calls: str
) -> None:
    with stand(server, tmp_path, "steps_silence", calls) as (rig, seller):
        rig.start()
        for silence, new in zip(SILENCES, NEW_PRODUCTS, strict=True):
            for step, place in STEPS.items():
                rig.erp.expire_sessions()
                rig.erp.rule(silence, times=1, **place)
                seller.sell(new if step == ASKS_FOR_PRODUCTS else "MUG")
                rig.until(lambda: struck(rig) == 1)
                rig.erp.clear_rules()
                rig.until_made()
                print(f"{silence} at {step}: all is made")


@pytest.mark.any_server
@pytest.mark.parametrize("dies", ["daemon", "erp"])
def test_a_death_at_any_step_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path, calls: str, dies: str
) -> None:
    with stand(server, tmp_path, f"steps_{dies}", calls) as (rig, seller):
        daemon = rig.start()
        for step, place in STEPS.items():
            rig.erp.expire_sessions()
            # It has done its work when it falls silent; nobody will hear the answer.
            rig.erp.rule("answer_late", seconds=30, times=1, **place)
            seller.sell(NEW_PRODUCTS[0] if step == ASKS_FOR_PRODUCTS else "MUG")
            rig.until(lambda: struck(rig) == 1)
            if dies == "daemon":
                rig.kill(daemon)
                rig.erp.clear_rules()
                daemon = rig.start()
            else:
                rig.erp.kill()
                rig.erp.restart()
            rig.until_made()
            print(f"the {dies} died at {step}: all is made")


@pytest.mark.any_server
def test_a_death_at_any_named_place_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path, calls: str
) -> None:
    with stand(server, tmp_path, "steps_places", calls) as (rig, seller):
        for place in PLACES:
            seller.sell()
            daemon = rig.start(**{VARIABLE: f"{place}:1"})
            rig.until(lambda daemon=daemon: daemon.poll() is not None)  # type: ignore[misc]
        rig.start()
        rig.until_made()


@pytest.mark.any_server
def test_sessions_that_end_in_the_middle_lose_and_double_nothing(
    server: PrivateServer, tmp_path: Path, calls: str
) -> None:
    # An order needs more requests than a session lives.
    with stand(server, tmp_path, "steps_sessions", calls, session_requests=3) as (rig, seller):
        rig.start()
        for _ in range(3):
            seller.sell()
        rig.until_made()
        logins = rig.erp.state().requests["POST /api/v2/login"]["200"]
        assert logins > 3


@pytest.mark.any_server
def test_a_product_that_was_renumbered_is_asked_for_again(
    server: PrivateServer, tmp_path: Path, calls: str
) -> None:
    """The daemon remembers ids for an hour; the refusal of an order makes it forget them."""
    with stand(server, tmp_path, "steps_renumbered", calls) as (rig, seller):
        rig.start()
        seller.sell()
        rig.until_made()
        rig.erp.renumber("MUG")
        seller.sell()
        # Of two orders the second may go when the first was refused: with the new id by then.
        rig.until(lambda: rig.held() != [] and rig.unacknowledged() == 0)
        for order in rig.held():
            seller.release(order)
        rig.until_made()


def test_all_at_once_loses_and_doubles_nothing(
    server: PrivateServer, tmp_path: Path, calls: str
) -> None:
    """Kills of both sides, lost answers at every step, sessions that end, a search that lags."""
    rng = random.Random(SEED)
    rules = [
        f"{silence};probability=0.02;seed={seed};" + ";".join(f"{k}={v}" for k, v in place.items())
        for seed, (silence, place) in enumerate(
            (silence, place) for silence in SILENCES for place in STEPS.values()
        )
    ]
    with stand(
        server,
        tmp_path,
        "steps_storm",
        calls,
        search_lag=10,
        trust_absence_after="13s",
        session_requests=100,
        latency_ms=20,
        rules=rules,
    ) as (rig, seller):
        strikes = _storm(rig, seller, rng)
        # The deaths are over; answers are lost to the end.
        rig.start()
        rig.until_made(1800, requeue=True)
        told = rig.log_events()
        print(f"seed {SEED}: {rig.erp.count()} orders, {strikes}, {told}")
        in_doubt = told["delivery.unknown"] + told["delivery.lease_expired"]
        assert in_doubt > 0, "no death and no lost answer met a call on its way"


def _storm(rig: SteppedRig, seller: Seller, rng: random.Random) -> str:
    """Sell all of it, ten orders a life of the daemon; gives what happened."""
    pause, lives, deaths = threading.Event(), 0, 0
    sold = 0
    while sold < ORDERS:
        daemon = rig.start()
        lives += 1
        for _ in range(5):
            seller.sell()
            sold += 2
        enough = rig.erp.count() + rng.randint(1, 9)
        # A daemon that just began makes no customer before a search must show those of the last.
        rig.until(lambda enough=enough: rig.erp.count() >= enough, 180)  # type: ignore[misc]
        pause.wait(rng.uniform(0.0, 1.0))
        if rng.random() < 0.3:
            rig.erp.expire_sessions()
        if rng.random() < 0.3:
            deaths += 1
            rig.erp.kill()
            pause.wait(rng.uniform(0.0, 0.5))
            rig.erp.restart()
        rig.kill(daemon)
    return f"{lives} lives of the daemon, {deaths} deaths of the ERP"
