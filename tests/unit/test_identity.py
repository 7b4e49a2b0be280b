"""Which facts make a system the same, which make it a copy, and which make nobody sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sidecar.model.identity import (
    LOST_BEATS,
    Beat,
    Circumstances,
    Identity,
    OwnBeat,
    ServerMark,
    Standing,
    bare_url,
    judge,
)

DB1 = ServerMark("uuid-1", "db1", "3306", "/var/lib/mysql/")
DB2 = ServerMark("uuid-2", "db2", "3306", "/var/lib/mysql/")
HERE = Circumstances(
    server=DB1,
    magento_schema="magento",
    ledger="erp_sidecar.*",
    base_urls=frozenset({"shop.example"}),
    erp="erp.example/api",
    machine="machine-1",
)
RECORDED = Identity(
    servers=(DB1,),
    magento_schema="magento",
    ledger="erp_sidecar.*",
    base_urls=frozenset({"shop.example"}),
    erp="erp.example/api",
    original_erp=None,
    doubt=None,
    recorded_at=datetime(2026, 11, 25, tzinfo=UTC),
    recorded_by="root",
    reason=None,
    beat=Beat("daemon-1", 1000, "machine-1", datetime(2026, 11, 25, tzinfo=UTC)),
)
RENAMED = frozenset({"staging.example"})


@pytest.mark.parametrize(
    ("present", "standing"),
    [
        (HERE, Standing.SAME),
        (replace(HERE, machine="machine-2"), Standing.SAME),
        (replace(HERE, machine=None), Standing.SAME),
        (replace(HERE, erp="erp2.example"), Standing.SAME),
        (replace(HERE, base_urls=HERE.base_urls | {"b2b.example"}), Standing.SAME),
        (replace(HERE, base_urls=RENAMED), Standing.UNSURE),
        (replace(HERE, base_urls=frozenset()), Standing.UNSURE),
        (replace(HERE, server=DB2), Standing.UNSURE),
        (replace(HERE, magento_schema="staging"), Standing.UNSURE),
        (replace(HERE, ledger="magento.erp_sidecar_*"), Standing.UNSURE),
        (replace(HERE, server=DB2, base_urls=RENAMED), Standing.COPY),
        (replace(HERE, magento_schema="staging", base_urls=RENAMED), Standing.COPY),
    ],
)
def test_place_and_name_decide_for_a_process_that_begins(
    present: Circumstances, standing: Standing
) -> None:
    assert judge(RECORDED, present, None).standing is standing


@pytest.mark.parametrize(
    ("own", "standing"),
    [
        (OwnBeat("daemon-1", 1000), Standing.MOVED),
        (OwnBeat("daemon-1", 1000 + LOST_BEATS), Standing.MOVED),
        (OwnBeat("daemon-1", 1001 + LOST_BEATS), Standing.UNSURE),
        (OwnBeat("daemon-2", 1000), Standing.UNSURE),
    ],
)
def test_a_process_that_meets_its_own_last_beats_on_another_server_goes_on(
    own: OwnBeat, standing: Standing
) -> None:
    assert judge(RECORDED, replace(HERE, server=DB2), own).standing is standing


def test_a_process_whose_ledger_went_back_is_not_sure() -> None:
    assert judge(RECORDED, HERE, OwnBeat("daemon-1", 1000 + LOST_BEATS)).may_send
    older = judge(RECORDED, HERE, OwnBeat("daemon-1", 1001 + LOST_BEATS))

    assert older.standing is Standing.UNSURE
    assert "backup was restored" in older.why
    another = replace(RECORDED, beat=Beat("daemon-2", 7, None, RECORDED.recorded_at))
    assert judge(another, HERE, OwnBeat("daemon-1", 1000)).may_send, "another daemon took over"


def test_not_even_its_own_beats_make_a_renamed_shop_the_same() -> None:
    present = replace(HERE, server=DB2, base_urls=RENAMED)

    assert judge(RECORDED, present, OwnBeat("daemon-1", 1000)).standing is Standing.COPY


def test_the_host_name_of_a_container_may_change_for_a_daemon_on_its_old_machine_only() -> None:
    restarted = replace(HERE, server=replace(DB1, host="4f1c22"))

    assert judge(RECORDED, restarted, None).standing is Standing.SAME
    assert judge(RECORDED, replace(restarted, machine="machine-2"), None).standing is (
        Standing.UNSURE
    )


def test_a_server_without_a_uuid_is_known_by_its_host_name() -> None:
    old = replace(DB1, uuid="")
    recorded = replace(RECORDED, servers=(old,))

    assert judge(recorded, replace(HERE, server=old), None).standing is Standing.SAME
    elsewhere = replace(HERE, server=replace(old, host="db9"))
    assert judge(recorded, elsewhere, None).standing is Standing.UNSURE


def test_a_server_that_was_accepted_once_stays_known() -> None:
    recorded = replace(RECORDED, servers=(DB1, DB2))

    assert judge(recorded, replace(HERE, server=DB2), None).standing is Standing.SAME


def test_a_declared_copy_sends_to_any_erp_but_that_of_the_original() -> None:
    copy = replace(RECORDED, original_erp="erp.example/api")

    assert judge(copy, HERE, None).standing is Standing.COPY
    assert judge(copy, replace(HERE, erp="test-erp.example"), None).may_send


def test_what_was_doubted_at_install_stays_doubted() -> None:
    assert judge(replace(RECORDED, doubt="served before"), HERE, None).standing is Standing.UNSURE


def test_a_ledger_without_an_identity_sends_nothing() -> None:
    judgement = judge(None, HERE, None)

    assert not judgement.may_send
    assert "install" in judgement.remedy


def test_a_judgement_names_what_was_and_what_is() -> None:
    judgement = judge(RECORDED, replace(HERE, base_urls=RENAMED), None)

    assert judgement.why == "base URL was shop.example, is staging.example"
    assert "identity accept" in judgement.remedy


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://Shop.example/", "shop.example"),
        ("http://shop.example", "shop.example"),
        ("https://shop.example:8443/de/", "shop.example:8443/de"),
        ("https://user:secret@erp.example/api", "erp.example/api"),
        ("{{base_url}}", None),
        ("http://{{host}}/", None),
        ("", None),
    ],
)
def test_an_address_is_compared_without_scheme_and_login(url: str, bare: str | None) -> None:
    assert bare_url(url) == bare
