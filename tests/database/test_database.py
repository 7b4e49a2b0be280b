"""What goes through the connection arrives as it was, in as few statements as possible."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.database.connection import Database, insert_rows
from sidecar.model.errors import Unavailable
from tests.harness import LedgerBench

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        "'",
        "''",
        "\\",
        "\\'",
        "'; DROP TABLE audit; -- ",
        '{"a": "\\u00e9\\n"}',
        "%s %(x)s",
        "\0\x1a",
    ]
)


def insert(ledger: LedgerBench, rows: Sequence[tuple[object, ...]]) -> int:
    """Write acts into the audit; gives how many statements that took."""
    with ledger.database.transaction() as connection:
        count = "SHOW SESSION STATUS LIKE 'Com_insert'"
        before = int(connection.exec_driver_sql(count).one()[1])
        insert_rows(
            connection,
            f"{ledger.store.names('audit')} (at, who, command, subject, reason)",
            "(UTC_TIMESTAMP(3), %s, 'test', %s, %s)",
            rows,
        )
        return int(connection.exec_driver_sql(count).one()[1]) - before


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_every_text_arrives_as_it_was_sent(ledger: LedgerBench, texts: list[str]) -> None:
    ledger.wipe()

    insert(ledger, [(str(number), "", text) for number, text in enumerate(texts)])

    rows = ledger.sql("SELECT reason FROM {audit} ORDER BY id")
    assert [row.reason for row in rows] == texts
    for text in texts:
        ((same,),) = ledger.sql("SELECT %s", text)
        assert same == text


def test_many_rows_take_one_statement_although_the_server_reckons_a_column(
    ledger: LedgerBench,
) -> None:
    assert insert(ledger, [(str(number), "many", None) for number in range(500)]) == 1

    assert ledger.sql("SELECT COUNT(*) FROM {audit}") == [(500,)]


def test_rows_that_are_long_together_are_cut_into_statements_that_a_server_takes(
    ledger: LedgerBench,
) -> None:
    assert insert(ledger, [(str(number), "long", "x" * 60_000) for number in range(40)]) == 3

    assert ledger.sql("SELECT COUNT(*), MIN(LENGTH(reason)) FROM {audit}") == [(40, 60_000)]


def test_the_server_ends_a_transaction_of_ours_that_was_left_open(
    ledger: LedgerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that is frozen inside a write-back must not hold the order for ever."""
    monkeypatch.setattr("sidecar.database.connection._IDLE_WRITING_SECONDS", 1)
    monkeypatch.setattr("sidecar.database.connection._IDLE_SECONDS", 1)
    frozen, other = Database(ledger.database.login), Database(ledger.database.login)
    ledger.sql("INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('order', 1, 'test')")
    table = ledger.store.names("outbox")

    with pytest.raises(Unavailable), frozen.transaction() as holding:  # noqa: PT012
        holding.exec_driver_sql(f"UPDATE {table} SET pointed = 'frozen'")
        with other.transaction() as waiting:
            waiting.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 60")
            # Returns when the server has let the row go.
            waiting.exec_driver_sql(f"UPDATE {table} SET pointed = 'free'")
        holding.exec_driver_sql("SELECT 1")

    assert [row.pointed for row in ledger.sql("SELECT pointed FROM {outbox}")] == ["free"]
    frozen.close()
    other.close()


def test_no_tls_is_spoken_on_a_socket(ledger: LedgerBench) -> None:
    assert ledger.sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'") == [("Ssl_cipher", "")]


def test_no_rows_take_no_statement(ledger: LedgerBench) -> None:
    assert insert(ledger, []) == 0


@pytest.mark.parametrize("value", ["'", "\\", '"'])
def test_a_quote_in_a_value_never_ends_the_statement(ledger: LedgerBench, value: str) -> None:
    assert ledger.sql("SELECT COUNT(*) FROM {audit} WHERE subject = %s", f"{value} OR 1=1 -- ") == [
        (0,)
    ]
