"""The signature of a call to Magento: OAuth 1.0a, but for the port."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from sidecar.magento.rest.oauth import authorization, base_string
from tests.contract.magento_answers import KEYS

_QUERY = (
    "searchCriteria%5Bfilter_groups%5D%5B0%5D%5Bfilters%5D%5B0%5D%5Bfield%5D=order_id"
    "&searchCriteria%5Bfilter_groups%5D%5B0%5D%5Bfilters%5D%5B0%5D%5Bvalue%5D=42"
    "&searchCriteria%5BpageSize%5D=100&fields=items%5Bentity_id%5D%2Ctotal_count"
    "&note=a%20%2B%20b~%C3%A4&empty="
)


def signature(method: str, url: str) -> str:
    header = authorization(KEYS, method, url, nonce="7d8f3e4a", timestamp=1764500000)
    told = re.search(r'oauth_signature="([^"]+)"', header)
    assert told is not None
    return unquote(told[1])


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        (
            "GET",
            f"http://127.0.0.1/rest/all/V1/shipments?{_QUERY}",
            "HfUkHhBOn83N6YjY/Uwnc9KvxuTFKqJ0nl1nouMVn20=",
        ),
        (
            "POST",
            "https://shop.example.com/rest/all/V1/order/42/ship",
            "8ke8iOai9ZZWVRUhiaf05siiwAyfr8mONKEVLphIL+U=",
        ),
        (
            "PUT",
            "https://SHOP.example.com/m2/rest/all/V1/products/tier-prices",
            "Gogb27SWOf/3ZP14OG1Jywfpt4dttjNuE6m6S7x2qFU=",
        ),
    ],
)
def test_it_is_the_one_that_oauthlib_4_0_1_makes(method: str, url: str, expected: str) -> None:
    assert signature(method, url) == expected


def test_the_port_of_an_address_is_not_signed_as_magento_does_not_see_it() -> None:
    without = "http://127.0.0.1/rest/all/V1/modules"
    assert signature("GET", "http://127.0.0.1:18080/rest/all/V1/modules") == signature(
        "GET", without
    )
    assert base_string("GET", "http://[::1]:18080/rest", ()) == (
        "GET&http%3A%2F%2F%5B%3A%3A1%5D%2Frest&"
    )


def test_what_is_signed_is_the_example_of_rfc_5849() -> None:
    """Section 3.4.1.1; its form fields stand in the query here, Magento's calls have none."""
    url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2&a3=2%20q"
    parameters = (
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    )
    assert base_string("post", url, parameters) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253"
        "D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8"
        "f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3"
        "Dkkk9d7dh3k39sjv7"
    )


def test_no_secret_stands_in_the_header() -> None:
    header = authorization(KEYS, "GET", "https://x.example/rest", nonce="n", timestamp=1)
    for secret in (KEYS.consumer_secret, KEYS.access_token_secret):
        assert secret.reveal() not in unquote(header)
    assert "Secret(***)" in repr(KEYS)
