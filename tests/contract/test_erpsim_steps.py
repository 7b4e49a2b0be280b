"""The ERP simulator that takes an order in steps, over a real socket: sessions, ids, drafts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sidecar.testing.erpsim import ErpSim, ErpSimClient, serve_in_thread

NUMBER = "000000042"
LOGIN = {"user": "shop", "password": "secret"}
EMAIL = "anna@example.com"


class Clock:
    """The simulator's clock, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Client:
    """What a shop says to it; a lost answer is the status 0."""

    def __init__(self, erp: ErpSimClient) -> None:
        self.erp = erp
        self.token = ""

    def call(self, method: str, path: str, json: Any = None, **query: str) -> tuple[int, Any]:
        headers = {"X-Session": self.token} if self.token else {}
        try:
            answer = requests.request(
                method, self.erp.url + path, json=json, params=query, headers=headers, timeout=10
            )
        except requests.ConnectionError:
            return 0, None
        return answer.status_code, answer.json()

    def login(self) -> None:
        status, body = self.call("POST", "/login", LOGIN)
        assert status == 200
        self.token = body["token"]

    def product(self, sku: str) -> int:
        status, body = self.call("GET", "/products", sku=sku)
        [found] = body["items"]
        assert (status, found["sku"], type(found["id"])) == (200, sku, int)
        return int(found["id"])

    def customer(self) -> int:
        status, body = self.call("POST", "/customers", {"email": EMAIL, "name": "Anna"})
        assert status == 201
        return int(body["id"])

    def order(self, external: str = NUMBER, **fields: Any) -> dict[str, Any]:
        """Two mugs of 9.99 and the shipping, 28.98 with tax."""
        return {
            "externalNumber": external,
            "customerId": self.customer(),
            "orderedAt": 1_764_547_200,
            "currency": "EUR",
            "lines": [
                {"position": 0, "productId": self.product("MUG"), "quantity": "2.000",
                 "price": "9.9900", "tax": 3.80},
                {"position": 9000, "productId": "SHIPPING", "quantity": "1.000",
                 "price": "5.0000", "tax": 0.20},
            ],
            **fields,
        }  # fmt: skip

    def book(self, external: str = NUMBER) -> int:
        status, body = self.call("POST", "/orders", self.order(external))
        assert (status, body["state"]) == (201, "DRAFT")
        return int(body["id"])

    def find(self, external: str = NUMBER) -> list[Any]:
        status, body = self.call("GET", "/orders", externalNumber=external)
        assert status == 200
        return list(body["items"])

    def customers(self) -> list[int]:
        status, body = self.call("GET", "/customers", email=EMAIL.upper())
        assert status == 200
        return [item["id"] for item in body["items"]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[Client]:
    with serve_in_thread(
        interface="steps",
        user=LOGIN["user"],
        password=LOGIN["password"],
        items_unknown=["GONE"],
        vat_ids_invalid=["DE999"],
        clock=clock,
    ) as erp:
        client = Client(erp)
        client.login()
        yield client


# --- sessions


def test_a_wrong_login_opens_no_session(client: Client) -> None:
    status, body = client.call("POST", "/login", {**LOGIN, "password": "wrong"})

    assert (status, body) == (401, {"error": "user or password is wrong", "code": "unauthorised"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/products?sku=MUG"),
        ("GET", "/customers?email=a@b"),
        ("POST", "/customers"),
        ("GET", "/vat/DE123"),
        ("POST", "/orders"),
        ("GET", "/orders?externalNumber=1"),
        ("PATCH", "/orders/100001"),
        ("POST", "/orders/100001/validate"),
        ("POST", "/orders/100001/cancel"),
    ],
)
def test_every_call_needs_a_session(client: Client, method: str, path: str) -> None:
    client.token = "nobody's"

    assert client.call(method, path, {})[0] == 401


def test_a_session_ends_after_so_many_requests(client: Client) -> None:
    client.erp.limit_sessions(requests=2)
    client.login()

    assert [client.call("GET", "/vat/DE123")[0] for _ in range(4)] == [200, 200, 401, 401]
    client.login()
    assert client.call("GET", "/vat/DE123")[0] == 200


def test_a_session_ends_after_so_many_seconds(client: Client, clock: Clock) -> None:
    client.erp.limit_sessions(seconds=60)

    clock.seconds += 59
    assert client.call("GET", "/vat/DE123")[0] == 200
    clock.seconds += 1
    assert client.call("GET", "/vat/DE123")[0] == 401


def test_all_sessions_end_when_the_test_says_so(client: Client) -> None:
    client.erp.expire_sessions()

    assert client.call("GET", "/vat/DE123")[0] == 401


def test_a_session_does_not_outlive_the_process_and_the_books_do() -> None:
    with ErpSim.start(interface="steps", search_lag=0) as erp:
        client = Client(erp)
        client.login()
        order, mug = client.book(), client.product("MUG")
        client.call("POST", f"/orders/{order}/validate")
        before = erp.history(NUMBER)

        erp.kill()
        erp.restart()

        assert client.call("GET", "/products", sku="MUG")[0] == 401
        client.login()
        assert client.product("MUG") == mug
        assert len(client.customers()) == 1
        assert erp.history(NUMBER) == before
        assert client.product("POT") != mug


# --- ids


def test_a_product_is_an_id_that_is_no_sku(client: Client) -> None:
    assert client.product("MUG") == client.product("MUG") != client.product("POT")
    assert client.call("GET", "/products", sku="GONE") == (200, {"items": []})


def test_an_old_id_of_a_product_is_refused(client: Client) -> None:
    order = client.order()
    new = client.erp.renumber("MUG")

    status, body = client.call("POST", "/orders", order)
    assert (status, body["code"]) == (422, "unknown_product")
    assert client.product("MUG") == new
    assert client.call("POST", "/orders", client.order())[0] == 201


def test_a_new_customer_is_found_only_after_a_while(client: Client, clock: Clock) -> None:
    made = client.customer()

    assert client.customers() == []
    clock.seconds += 9
    assert client.customers() == []
    clock.seconds += 1
    assert client.customers() == [made]


def test_a_second_customer_of_the_same_address_is_made_without_a_word(
    client: Client, clock: Clock
) -> None:
    made = [client.customer(), client.customer()]
    client.erp.set_search_lag(0)

    assert client.customers() == made
    assert [customer.email for customer in client.erp.customers()] == [EMAIL, EMAIL]


@pytest.mark.parametrize(
    "sent", [{"email": EMAIL}, {"email": "anna", "name": "A"}, {"email": EMAIL, "name": None}, []]
)
def test_a_customer_without_an_address_or_a_name_is_refused(client: Client, sent: Any) -> None:
    status, body = client.call("POST", "/customers", sent)

    assert status == 422
    assert body["error"]
    assert client.erp.customers() == []


def test_a_vat_id_is_valid_or_not_or_none_at_all(client: Client) -> None:
    assert client.call("GET", "/vat/DE123456789")[1]["valid"] is True
    assert client.call("GET", "/vat/DE999")[1]["valid"] is False
    assert client.call("GET", "/vat/12")[0] == 404


# --- drafts


def test_an_order_becomes_one_in_steps(client: Client) -> None:
    order = client.book()

    assert client.call("PATCH", f"/orders/{order}", {"discount": 1.98})[1] == {
        "id": order, "number": "SO-100001", "state": "DRAFT", "discount": 1.98,
    }  # fmt: skip
    assert client.call("POST", f"/orders/{order}/validate") == (
        200,
        {"id": order, "number": "SO-100001", "state": "VALIDATED",
         "total": 27.00, "tax": 4.00, "currency": "EUR"},
    )  # fmt: skip
    [found] = client.find()
    assert found["lines"][0] == {
        "position": 0, "productId": client.product("MUG"), "sku": "MUG",
        "quantity": "2.000", "price": "9.9900", "tax": 3.8,
    }  # fmt: skip
    assert (found["discount"], found["total"], found["state"]) == (1.98, 27.00, "VALIDATED")
    versions = client.erp.history(NUMBER)
    assert [(one.state, one.discount) for one in versions] == [
        ("DRAFT", 0), ("DRAFT", Decimal("1.98")), ("VALIDATED", Decimal("1.98")),
    ]  # fmt: skip


def test_the_same_discount_again_changes_nothing(client: Client) -> None:
    order = client.book()

    for _ in range(2):
        assert client.call("PATCH", f"/orders/{order}", {"discount": 1})[0] == 200
    assert [document.version for document in client.erp.bookings(NUMBER)] == [2]


@pytest.mark.parametrize("discount", [-1, 24.99, "1", None])
def test_what_is_no_discount_is_refused(client: Client, discount: Any) -> None:
    order = client.book()

    assert client.call("PATCH", f"/orders/{order}", {"discount": discount})[0] == 422
    assert client.find()[0]["discount"] == 0


def test_what_is_validated_is_neither_amended_nor_validated_again(client: Client) -> None:
    order = client.book()
    client.call("POST", f"/orders/{order}/validate")

    assert client.call("POST", f"/orders/{order}/validate")[0] == 422
    status, body = client.call("PATCH", f"/orders/{order}", {"discount": 1})
    assert (status, body["code"]) == (422, "not_a_draft")
    assert client.call("POST", f"/orders/{order}/cancel")[1]["state"] == "CANCELED"


def test_an_order_that_lost_its_lines_is_not_validated(client: Client) -> None:
    client.erp.rule("drop_line", times=1)
    order = client.order()
    order["lines"] = order["lines"][:1]
    drafted = client.call("POST", "/orders", order)[1]["id"]

    for method, path, sent in (("PATCH", "", {"discount": 0}), ("POST", "/validate", None)):
        status, body = client.call(method, f"/orders/{drafted}{path}", sent)
        assert (status, body["error"]) == (422, "lines: SO-100001 has no lines")


def test_a_number_is_taken_a_second_time(client: Client) -> None:
    assert client.book() != client.book()
    assert [item["number"] for item in client.find()] == ["SO-100001", "SO-100002"]


def test_an_order_that_is_not_there_is_404(client: Client) -> None:
    for method, path in (("PATCH", ""), ("POST", "/validate"), ("POST", "/cancel")):
        assert client.call(method, f"/orders/7{path}", {"discount": 0})[0] == 404


def test_what_was_delivered_is_not_canceled(client: Client) -> None:
    order = client.book()
    client.erp.set_state("SO-100001", "POSTED")

    assert client.call("POST", f"/orders/{order}/cancel")[0] == 409


def _line(**fields: Any) -> dict[str, Any]:
    return {"position": 0, "productId": "SHIPPING", "quantity": "1.000", "price": "5.0000"} | fields


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"customerId": 1}, "customerId: there is no customer 1"),
        ({"customerId": "100001"}, "customerId"),
        ({"orderedAt": "2026-11-30"}, "orderedAt"),
        ({"orderedAt": 1.5}, "orderedAt"),
        ({"currency": "euro"}, "currency"),
        ({"reverseCharge": "yes"}, "reverseCharge"),
        ({"total": 28.98}, "total"),
        ({"externalNumber": 42}, "externalNumber"),
        ({"lines": []}, "without lines"),
        ({"lines": [_line(productId=1)]}, "lines[0].productId: there is no product 1"),
        ({"lines": [_line(productId="MUG")]}, "productId"),
        ({"lines": [_line(quantity=1)]}, "quantity"),
        ({"lines": [_line(quantity="1")]}, "quantity"),
        ({"lines": [_line(quantity="1.0000")]}, "quantity"),
        ({"lines": [_line(price=5)]}, "price"),
        ({"lines": [_line(price="5.00")]}, "price"),
        ({"lines": [_line(tax="1")]}, "tax"),
        ({"lines": [_line(sku="MUG")]}, "sku"),
    ],
)
def test_what_the_erp_does_not_know_is_refused_with_its_place(
    client: Client, wrong: dict[str, Any], said: str
) -> None:
    status, body = client.call("POST", "/orders", client.order(**wrong))

    assert status == 422
    assert said in body["error"]
    assert client.erp.documents() == []


# --- misbehaviours, at every endpoint

LOST = ("accept_then_drop", 0)
FAILED = ("server_error_after_booking", 500)
#: Endpoint, what a rule calls it, and whether the books hold more afterwards.
WRITES = [
    ("POST", "/customers", "/customers"),
    ("POST", "/orders", "/orders"),
    ("PATCH", "/orders/{order}", "/orders/*"),
    ("POST", "/orders/{order}/validate", "/orders/*/validate"),
    ("POST", "/orders/{order}/cancel", "/orders/*/cancel"),
]
QUESTIONS = [
    ("POST", "/login", "/login"),
    ("GET", "/products?sku=NEW", "/products"),
    ("GET", "/customers?email=a@b", "/customers"),
    ("GET", "/vat/DE123", "/vat/*"),
    ("GET", f"/orders?externalNumber={NUMBER}", "/orders"),
]


def _body(client: Client, path: str) -> Any:
    match path.rpartition("/")[2]:
        case "login":
            return LOGIN
        case "customers":
            return {"email": "new@example.com", "name": "New"}
        case "orders":
            return client.order("000000043")
        case "validate" | "cancel":
            return None
    return {"discount": 1}


def _books(erp: ErpSimClient) -> Any:
    return (
        [(one.external, one.version, one.state) for one in erp.documents()],
        [one.email for one in erp.customers() if one.email != EMAIL],
    )


@pytest.mark.parametrize(("method", "path", "place"), WRITES)
@pytest.mark.parametrize(("misbehaviour", "status"), [LOST, FAILED])
def test_what_was_done_stays_done_when_the_answer_is_lost(
    client: Client, method: str, path: str, place: str, misbehaviour: str, status: int
) -> None:
    target = path.format(order=client.book())
    sent, before = _body(client, target), _books(client.erp)
    client.erp.rule(misbehaviour, method=method, path=place, times=1)

    assert client.call(method, target, sent)[0] == status
    assert _books(client.erp) != before


@pytest.mark.parametrize(("method", "path", "place"), [*WRITES, *QUESTIONS])
@pytest.mark.parametrize(
    ("misbehaviour", "status"),
    [("drop_before", 0), ("throttle", 429), ("busy", 503), ("unauthorised", 401)],
)
def test_what_is_refused_is_not_done(
    client: Client, method: str, path: str, place: str, misbehaviour: str, status: int
) -> None:
    target = path.format(order=client.book())
    sent, before = _body(client, target), _books(client.erp)
    client.erp.rule(misbehaviour, method=method, path=place, times=1)

    assert client.call(method, target, sent)[0] == status
    assert _books(client.erp) == before
    assert client.call(method, target, sent)[0] < 300


@pytest.mark.parametrize(("method", "path", "place"), QUESTIONS[:4])
@pytest.mark.parametrize(("misbehaviour", "status"), [LOST, FAILED])
def test_an_answer_to_a_question_is_lost_too(
    client: Client, method: str, path: str, place: str, misbehaviour: str, status: int
) -> None:
    sent = _body(client, path)
    client.erp.rule(misbehaviour, method=method, path=place, times=1)

    assert client.call(method, path, sent)[0] == status
    assert client.call(method, path, sent)[0] == 200


def test_a_rule_loses_the_answer_to_the_third_customer_alone(client: Client) -> None:
    client.erp.rule("accept_then_drop", method="POST", path="/customers", nth=3)
    sent = {"email": EMAIL, "name": "Anna"}

    assert [client.call("POST", "/customers", sent)[0] for _ in range(4)] == [201, 201, 0, 201]
    assert len(client.erp.customers()) == 4


def test_an_order_that_was_just_changed_is_read_as_it_was(client: Client) -> None:
    order = client.book()
    client.call("POST", f"/orders/{order}/validate")
    client.erp.rule("stale_read", times=1)

    assert [item["state"] for item in client.find()] == ["DRAFT"]
    assert [item["state"] for item in client.find()] == ["VALIDATED"]


@pytest.mark.parametrize(
    ("form", "token"), [("renamed", ["sessionToken"]), ("nested", ["document", "token"])]
)
def test_an_upgrade_renames_what_things_are_known_by(
    client: Client, form: str, token: list[str]
) -> None:
    client.erp.rule("schema_change", form=form)

    shown: Any = client.call("POST", "/login", LOGIN)[1]
    for name in token:
        shown = shown[name]
    assert isinstance(shown, str)
    [product] = client.call("GET", "/products", sku="MUG")[1]["items"]
    assert "id" not in product
