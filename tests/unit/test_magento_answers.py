"""Whatever stands in an answer of Magento, or of something in its place, it has a meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.magento.rest.answer import Complaint, complaint_of, failure_of, reasons_of
from sidecar.magento.rest.errors import LimitExceeded, MagentoRefused, MagentoUnknown
from sidecar.magento.rest.wire import Answer
from sidecar.model.errors import SidecarError

_WORDS = st.sampled_from(["message", "parameters", "errors", "max", "type", "resources", "%1", "a"])
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


def failure(status: int, content: bytes) -> SidecarError:
    return failure_of(Answer(status, {}, content), "GET x", lambda text: text, lambda _: False)


@given(st.integers(201, 599), _JSON.map(lambda tree: json.dumps(tree).encode()) | st.binary())
def test_no_answer_is_without_a_meaning(status: int, content: bytes) -> None:
    error = failure(status, content)
    assert str(status) in error.message or "Magento refuses" in error.message or status == 404
    assert error.message.isprintable()


@given(_JSON)
def test_a_refusal_of_magento_s_own_is_always_final(parameters: Any) -> None:
    body = {"message": "No %1 %fieldName", "parameters": parameters}
    error = failure(400, json.dumps(body).encode())
    if isinstance(parameters, list | dict | None):
        assert isinstance(error, MagentoRefused)
    else:
        assert isinstance(error, MagentoUnknown)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"message": "%1 of %10", "parameters": list("abcdefghij")}, "a of j"),
        ({"message": "%a and %ab", "parameters": {"a": 1, "ab": 2}}, "1 and 2"),
        ({"message": "100% of %1 is %2", "parameters": ["all"]}, "100% of all is %2"),
        (
            {"message": "%name = %value, %name", "parameters": ["SKU", "%name"]},
            "SKU = %name, SKU",
        ),
    ],
)
def test_parameters_are_filled_in(body: Any, told: str) -> None:
    complaint = complaint_of(json.dumps(body).encode())
    assert complaint is not None
    assert str(complaint) == told


@pytest.mark.parametrize(
    ("parameters", "most"),
    [
        ({"type": "X", "max": 20}, 20),
        ({"max": "50"}, 50),
        ({"max": 0}, None),
        ({"max": 10**40}, None),
        ({"max": 5, "min": 1}, None),
        ({}, None),
        ([20], None),
    ],
)
def test_only_the_input_limits_have_a_figure(parameters: Any, most: int | None) -> None:
    error = failure(400, json.dumps({"message": "m", "parameters": parameters}).encode())
    assert (error.most if isinstance(error, LimitExceeded) else None) == most


def test_reasons_are_of_one_line_bounded_and_each_told_once() -> None:
    complaint = Complaint("a\n\n  b \u202e\na\n" + "x" * 10_000)
    reasons = reasons_of(complaint, lambda text: text)
    assert reasons[:2] == ("a", "b \\u202e")
    assert [len(reason) for reason in reasons] == [1, 8, 500]
