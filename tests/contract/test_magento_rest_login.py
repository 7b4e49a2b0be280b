"""Speaking to the stand-in of Magento's REST API: addresses, logins, rights, bodies, limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import quote

import pytest
import requests

from sidecar.testing.magento_rest import ADMIN, PASSWORD, Integration
from tests.contract.magento_rest_bench import Answer, RestBench, answer_of, criteria

TOKEN = "integration/admin/token"
DENIED = "The consumer isn't authorized to access %resources."


def signed(
    rest: RestBench, integration: Integration, *, host: str, nonce: str, path: str = "modules"
) -> Answer:
    """A GET with OAuth 1.0a, signed as a client of one's own would do it, over `host`."""

    def encode(text: str) -> str:
        return quote(text, safe="-._~")

    parameters = {
        "oauth_consumer_key": integration.consumer_key,
        "oauth_token": integration.access_token,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": nonce,
        "oauth_version": "1.0",
    }
    target, _, query = path.partition("?")
    asked = [tuple(pair.split("=", 1)) for pair in query.split("&")] if query else []
    pairs = sorted((encode(name), encode(value)) for name, value in [*parameters.items(), *asked])
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    text = "&".join(("GET", encode(f"http://{host}/rest/V1/{target}"), encode(normal)))
    key = f"{encode(integration.consumer_secret)}&{encode(integration.access_token_secret)}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    parameters["oauth_signature"] = base64.b64encode(digest).decode()
    header = ", ".join(f'{name}="{encode(value)}"' for name, value in parameters.items())
    return rest.get(path, authorization=f"OAuth {header}")


def test_a_token_is_a_json_string_with_an_expiry(rest: RestBench) -> None:
    answer = rest.post(TOKEN, {"username": ADMIN, "password": PASSWORD}, authorization="")
    assert answer.status == 200
    claims = answer.body.split(".")[1]
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (read["utypid"], read["exp"] - read["iat"]) == (2, 3600)
    assert rest.get("modules", authorization=f"Bearer {answer.body}").status == 200


def test_the_lifetime_is_the_shops_setting(rest: RestBench) -> None:
    with rest.configured(webapi__jwtauth__admin_expiration="0"):
        answer = rest.post(TOKEN, {"username": ADMIN, "password": PASSWORD}, authorization="")
    denied = rest.get("modules", authorization=f"Bearer {answer.body}")
    assert (denied.status, denied.message) == (401, DENIED)


def test_a_wrong_login_is_401(rest: RestBench) -> None:
    answer = rest.post(TOKEN, {"username": ADMIN, "password": "no"}, authorization="")
    assert answer.status == 401
    assert answer.message.startswith("The account sign-in was incorrect")


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer ", "Basic ZTpw"])
def test_without_a_good_token_every_call_is_the_same_401(
    rest: RestBench, authorization: str
) -> None:
    answer = rest.post("order/1/ship", authorization=authorization)
    assert (answer.status, answer.message) == (401, DENIED)
    assert answer.parameters == {"resources": "Magento_Sales::ship"}


def test_an_expired_or_a_customers_token_is_none(rest: RestBench) -> None:
    expired = rest.served.token(minutes=-1)
    customers = rest.served.logins.customer_token(1)
    for token in (expired, customers):
        assert rest.get("modules", authorization=f"Bearer {token}").status == 401


def test_a_right_that_is_missing_is_401_and_names_the_resource(rest: RestBench) -> None:
    rest.served.logins.add_admin("clerk", "clerk-password", frozenset({"Magento_Sales::ship"}))
    token = rest.served.logins.admin_token("clerk", "clerk-password", 60)
    order_id = rest.order()
    assert rest.post(f"order/{order_id}/ship", {}, authorization=f"Bearer {token}").status == 200
    answer = rest.post(f"order/{order_id}/invoice", {}, authorization=f"Bearer {token}")
    assert (answer.status, answer.message) == (401, DENIED)
    assert answer.parameters == {"resources": "Magento_Sales::invoice"}


def test_an_integrations_token_is_a_bearers_only_where_the_shop_says_so(rest: RestBench) -> None:
    bearer = f"Bearer {rest.served.integration().access_token}"
    refused = rest.get("modules", authorization=bearer)
    assert (refused.status, refused.message) == (401, DENIED)
    with rest.configured(oauth__consumer__enable_integration_as_bearer="1"):
        assert rest.get("modules", authorization=bearer).status == 200


def test_oauth_is_signed_over_the_address_without_its_port(rest: RestBench) -> None:
    integration = rest.served.integration()
    good = signed(rest, integration, host="127.0.0.1", nonce="n1")
    with_port = signed(rest, integration, host=f"127.0.0.1:{rest.served.port}", nonce="n2")
    assert good.status == 200
    assert (with_port.status, with_port.message) == (
        401,
        "The signature is invalid. Verify and try again.",
    )


def test_oauth_signs_the_query_too(rest: RestBench) -> None:
    integration = rest.served.integration()
    path = "orders?searchCriteria[pageSize]=1&fields=total_count"
    assert signed(rest, integration, host="127.0.0.1", nonce="q1", path=path).status == 200


def test_a_nonce_may_be_used_once(rest: RestBench) -> None:
    integration = rest.served.integration()
    assert signed(rest, integration, host="127.0.0.1", nonce="once").status == 200
    again = signed(rest, integration, host="127.0.0.1", nonce="once")
    assert again.status == 401
    assert again.message == "The nonce is already being used by the consumer with ID %1"
    assert again.parameters == [integration.integration_id]


def test_an_integration_has_the_rights_that_it_was_given(rest: RestBench) -> None:
    integration = rest.served.integration("stock", frozenset({"Magento_InventoryApi::source"}))
    assert signed(rest, integration, host="127.0.0.1", nonce="r1").status == 401


@pytest.mark.parametrize(
    ("base", "status"),
    [("/rest/V1/", 200), ("/rest/default/V1/", 200), ("/rest/all/V1/", 200),
     ("/rest/us/V1/", 200), ("/rest/nowhere/V1/", 404), ("/rest/V2/", 404)],
)  # fmt: skip
def test_the_address_names_a_store_or_all_of_them(rest: RestBench, base: str, status: int) -> None:
    assert rest.get("modules", base=base).status == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nothing/here"), ("DELETE", "orders/1"), ("PUT", "order/1/ship"), ("POST", "modules")],
)
def test_a_wrong_route_and_a_wrong_method_are_the_same_404(
    rest: RestBench, method: str, path: str
) -> None:
    answer = rest.call(method, path)
    assert (answer.status, answer.message) == (404, "Request does not match any route.")


def test_what_is_not_below_rest_is_a_page(rest: RestBench) -> None:
    answer = rest.get("catalog", base="/")
    assert (answer.status, answer.body) == (404, None)


def raw(rest: RestBench, body: bytes, **headers: str) -> Answer:
    sent = {"Authorization": f"Bearer {rest.token}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return answer_of(
        requests.post(
            f"{rest.served.url}/rest/V1/inventory/source-items", body, headers=sent, timeout=20
        )
    )


ITEM = {"sku": "MUG", "source_code": "default", "quantity": 1000, "status": 1}


def test_a_body_is_json_and_says_so(rest: RestBench) -> None:
    answer = raw(rest, b"{}", Content_Type="text/plain")
    assert answer.status == 400
    assert answer.message.startswith("Server cannot understand Content-Type HTTP header media type")


@pytest.mark.parametrize(
    ("body", "message", "parameters"),
    [
        (b'{"sourceItems": [', "Decoding error.", None),
        (b"{}", '"%fieldName" is required. Enter and try again.', {"fieldName": "sourceItems"}),
        (
            json.dumps({"sourceItems": [{**ITEM, "foo": 1}]}).encode(),
            '"%fieldName" is not supported. Correct the field name and try again.',
            {"fieldName": "Foo"},
        ),
        (
            json.dumps({"sourceItems": [{**ITEM, "quantity": "abc"}]}).encode(),
            'Error occurred during "quantity" processing. The "abc" value\'s type is invalid. '
            'The "float" type was expected. Verify and try again.',
            None,
        ),
    ],
    ids=["no JSON", "missing top key", "unknown key inside", "wrong type"],
)
def test_a_body_that_is_not_understood_is_400(
    rest: RestBench, body: bytes, message: str, parameters: object
) -> None:
    answer = raw(rest, body)
    assert (answer.status, answer.message, answer.parameters) == (400, message, parameters)


def test_an_unknown_top_key_is_ignored(rest: RestBench) -> None:
    assert raw(rest, json.dumps({"sourceItems": [ITEM], "more": {"x": 1}}).encode()).status == 200


def test_xml_is_answered_to_who_accepts_it_and_html_alone_is_a_crash(rest: RestBench) -> None:
    xml = rest.get("modules", Accept="application/xml")
    assert xml.content_type.startswith("application/xml")
    assert "<item>Magento_Sales</item>" in xml.text
    html = rest.get("modules", Accept="text/html")
    assert (html.status, html.content_type.partition(";")[0]) == (500, "text/html")
    assert rest.get("modules", Accept="*/*").status == 200


def test_an_unknown_id_is_404(rest: RestBench) -> None:
    message = "The entity that was requested doesn't exist. Verify the entity and try again."
    for answer in (rest.get("orders/99999"), rest.post("order/99999/ship", {})):
        assert (answer.status, answer.message) == (404, message)
    customer = rest.get("customers/99999")
    assert (customer.status, customer.message) == (
        404,
        "No such entity with %fieldName = %fieldValue",
    )
    assert customer.parameters == {"fieldName": "customerId", "fieldValue": 99999}
    product = rest.get("products/NOPE")
    assert product.status == 404
    assert product.message.startswith("The product that was requested doesn't exist.")


def test_an_unknown_field_of_a_search_is_an_internal_error(rest: RestBench) -> None:
    answer = rest.get(f"orders?{criteria('foo', 1)}")
    assert answer.status == 500
    assert "Report ID: webapi-" in answer.message


def test_a_crash_may_be_a_text_that_is_no_json(rest: RestBench) -> None:
    answer = rest.get("inventory/get-product-salable-quantity/NOPE/1")
    assert (answer.status, answer.body) == (500, None)
    assert answer.text.startswith("An error has happened during application run.")


def test_maintenance_is_a_page_of_html_without_retry_after(rest: RestBench) -> None:
    rest.served.maintenance = True
    try:
        response = requests.get(f"{rest.served.url}/rest/V1/modules", timeout=20)
    finally:
        rest.served.maintenance = False
    assert response.status_code == 503
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Retry-After" not in response.headers


def test_messages_are_in_the_shops_language(rest: RestBench) -> None:
    path = f"order/{rest.order()}/ship"
    english = rest.post(path, {"tracks": [{"track_number": "", "carrier_code": "custom"}]})
    with rest.configured(general__locale__code="de_DE"):
        other = rest.post(path, {"tracks": [{"track_number": "", "carrier_code": "custom"}]})
        failed = rest.post("products/base-prices", {"prices": [{"sku": "NOPE", "price": 1}]})
        missing = rest.get("orders")
    assert "Please enter a tracking number." in english.message
    assert other.status == 400
    assert not set(english.message.split()) & set(other.message.split())
    assert failed.body[0]["parameters"] == ["SKU", "NOPE"]
    assert "%fieldName" in failed.body[0]["message"]
    assert missing.parameters == {"fieldName": "searchCriteria"}


# --- limits


def test_without_limits_a_call_may_be_of_any_size(rest: RestBench) -> None:
    items = [{**ITEM, "sku": f"BULK-{n}"} for n in range(60)]
    assert rest.post("inventory/source-items", {"sourceItems": items}).status == 200
    assert rest.get("orders?searchCriteria[pageSize]=100000&fields=total_count").status == 200


def test_with_limits_twenty_records_go_and_the_message_says_how_many(rest: RestBench) -> None:
    items = [{**ITEM, "sku": f"BULK-{n}"} for n in range(21)]
    with rest.configured(webapi__validation__input_limit_enabled="1"):
        refused = rest.post("inventory/source-items", {"sourceItems": items})
        taken = rest.post("inventory/source-items", {"sourceItems": items[:20]})
        large = rest.get("orders?searchCriteria[pageSize]=301")
    assert (refused.status, refused.message) == (400, 'Maximum items of type "%type" is %max')
    assert refused.parameters == {
        "type": "\\Magento\\InventoryApi\\Api\\Data\\SourceItemInterface",
        "max": 20,
    }
    assert taken.status == 200
    assert (large.status, large.message) == (400, "Maximum SearchCriteria pageSize is %max")
    assert large.parameters == {"max": 300}


def test_the_limits_are_the_shops_settings(rest: RestBench) -> None:
    with rest.configured(
        webapi__validation__input_limit_enabled="1",
        webapi__validation__complex_array_limit="2",
        webapi__validation__maximum_page_size="50",
    ):
        refused = rest.post("inventory/source-items", {"sourceItems": [ITEM] * 3})
        large = rest.get("orders?searchCriteria[pageSize]=51")
    assert refused.parameters["max"] == 2
    assert large.parameters == {"max": 50}


# --- searching


def test_a_search_needs_its_criteria(rest: RestBench) -> None:
    assert rest.get("orders").status == 400
    assert rest.get("orders?searchCriteria=").status == 200


def test_a_page_past_the_end_is_empty_and_null_where_fields_cut_it(rest: RestBench) -> None:
    rest.order()
    page = "orders?searchCriteria[pageSize]=10&searchCriteria[currentPage]=999"
    whole = rest.get(page).body
    cut = rest.get(f"{page}&fields=items[entity_id],total_count").body
    assert whole["items"] == []
    assert cut == {"items": None, "total_count": whole["total_count"]}


def test_fields_cut_the_answer_at_every_depth(rest: RestBench) -> None:
    order_id = rest.order()
    fields = "entity_id,items[sku,qty_ordered],billing_address[city]"
    assert rest.get(f"orders/{order_id}?fields={fields}").body == {
        "entity_id": order_id,
        "items": [{"sku": "MUG", "qty_ordered": 2}, {"sku": "TEAPOT", "qty_ordered": 1}],
        "billing_address": {"city": "Berlin"},
    }


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [("eq", "{0}", [0]), ("gt", "{0}", [1, 2]), ("gteq", "{1}", [1, 2]), ("lt", "{1}", [0]),
     ("in", "{0},{2}", [0, 2]), ("nin", "{0},{1}", [2]), ("neq", "{1}", [0, 2])],
)  # fmt: skip
def test_conditions_of_a_search(
    rest: RestBench, condition: str, value: str, expected: list[int]
) -> None:
    ids = [rest.order() for _ in range(3)]
    since = "searchCriteria[filter_groups][1][filters][0]"
    path = (
        f"orders?{criteria('entity_id', value.format(*ids), condition)}"
        f"&{since}[field]=entity_id&{since}[value]={ids[0]}&{since}[condition_type]=gteq"
        "&searchCriteria[sortOrders][0][field]=entity_id&fields=items[entity_id]"
    )
    found = [item["entity_id"] for item in rest.get(path).body["items"]]
    assert found == [ids[n] for n in expected]


def test_pages_follow_one_another(rest: RestBench) -> None:
    ids = [rest.order() for _ in range(3)]
    path = f"orders?{criteria('entity_id', ids[0], 'gteq', pageSize=2)}&fields=items[entity_id]"
    pages = [rest.get(f"{path}&searchCriteria[currentPage]={n}").body["items"] for n in (1, 2)]
    assert [row["entity_id"] for page in pages for row in page] == ids


def test_the_shop_tells_its_stores_and_modules(rest: RestBench) -> None:
    configs = rest.get("store/storeConfigs").body
    assert [(config["code"], config["default_display_currency_code"]) for config in configs] == [
        ("default", "EUR"),
        ("us", "USD"),
    ]
    assert "Magento_InventoryApi" in rest.get("modules").body
