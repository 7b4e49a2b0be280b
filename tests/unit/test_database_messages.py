"""The server's words reach the operator with the cause in them and without what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from sidecar.database.connection import Login, explain
from sidecar.model.errors import SidecarError
from sidecar.model.secret import Secret

LOGIN = Login("erp_sidecar", Secret("hunter2"), "magento")


def explained(code: int, text: str) -> SidecarError:
    return explain(DBAPIError("UPDATE x", {}, Exception(code, text)), LOGIN, "testing")


@pytest.mark.parametrize(
    ("code", "text", "kept"),
    [
        (1449, "The user specified as a definer ('magento'@'10.0.0.9') does not exist", "10.0.0.9"),
        (1406, "Data too long for column 'ext_order_id' at row 1", "'ext_order_id' at row 1"),
        (1048, "Column 'message' cannot be null", "'message'"),
        (1524, "Plugin 'caching_sha2_password' is not loaded", "caching_sha2_password"),
        (1114, "The table 'event' is full", "'event'"),
        (1062, "Duplicate entry 'ada@example.com' for key 'EVENT_ID'", "'…' for key 'EVENT_ID'"),
        (1062, "Duplicate entry 'O'Hara' for key 'X'", "'…' for key 'X'"),
        (
            1366,
            r"Incorrect string value: '\xF0\x9F' for column `m`.`sales_order`.`x` at row 1",
            "for column `m`.`sales_order`.`x` at row 1",
        ),
        (1292, "Incorrect datetime value: 'Ada' for column 'at' at row 2", "column 'at' at row 2"),
        (1045, "Access denied for user 'erp_sidecar'@'127.0.0.1' (using password: YES)", "127.0.0"),
        (1044, "Access denied for user 'a'@'b' to database 'magneto'", "'magneto'"),
    ],
)
def test_the_cause_is_not_struck_out(code: int, text: str, kept: str) -> None:
    assert kept in explained(code, text).message


@given(st.text(st.characters(categories=["L", "N"]) | st.sampled_from("' @\n"), min_size=1))
def test_what_was_written_is_struck_out_whatever_quotes_it_has(written: str) -> None:
    value = f"Lovelace{written}Lovelace"
    for text in (
        f"Duplicate entry '{value}' for key 'X'",
        f"Incorrect string value: '{value}' for column 'c' at row 1",
        f"You have an error in your SQL syntax near '{value}' at line 1",
        f"Something new says '{value}' and more",
    ):
        assert "Lovelace" not in explained(9999, text).message


def test_a_login_by_address_is_told_that_an_account_is_for_one_host() -> None:
    error = explained(1045, "Access denied for user 'erp_sidecar'@'127.0.0.1' (using password)")
    assert "skip-name-resolve" in error.remedy
    known = explained(1045, "Access denied for user 'erp_sidecar'@'localhost' (using password)")
    assert "skip-name-resolve" not in known.remedy


def test_a_schema_that_the_account_has_no_right_on_may_be_a_wrong_name() -> None:
    error = explained(1044, "Access denied for user 'a'@'b' to database 'magneto'")
    assert "shop.database.name" in error.remedy
