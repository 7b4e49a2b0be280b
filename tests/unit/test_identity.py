"""Which facts make a system the same, which make it a copy, and which make nobody sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sidecar.model.identity import (
    LOST,
    Beat,
    Circumstances,
    Identity,
    IdentityVerdict,
    Seen,
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
    erps={"main": "erp.example/api"},
    machine="machine-1",
)
RECORDED = Identity(
    servers=(DB1,),
    magento_schema="magento",
    ledger="erp_sidecar.*",
    base_urls=frozenset({"shop.example"}),
    erps={"main": "erp.example/api"},
    original_erps=frozenset(),
    doubt=None,
    recorded_at=datetime(2026, 11, 25, tzinfo=UTC),
    recorded_by="root",
    reason=None,
    beat=Beat("daemon-1", 1000, "machine-1", datetime(2026, 11, 25, tzinfo=UTC)),
    token="record-1",
)
LAST = Seen("record-1", 1000, "daemon-1", datetime(2026, 11, 25, tzinfo=UTC), DB1)
RENAMED = frozenset({"staging.example"})


@pytest.mark.parametrize(
    ("present", "standing"),
    [
        (HERE, Standing.SAME),
        (replace(HERE, machine="machine-2"), Standing.SAME),
        (replace(HERE, machine=None), Standing.SAME),
        (replace(HERE, erps={"main": "erp2.example"}), Standing.SAME),
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


def later(beats: int, seconds: float) -> Seen:
    """A beat that the ledger lacks."""
    return replace(LAST, beat=LAST.beat + beats, at=LAST.at + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("own", "standing"),
    [
        (LAST, Standing.MOVED),
        (later(1, LOST.total_seconds()), Standing.MOVED),
        (later(100, 5), Standing.MOVED),
        (later(1, LOST.total_seconds() + 1), Standing.UNSURE),
        (replace(LAST, owner="daemon-2"), Standing.UNSURE),
        (replace(LAST, token="record-2"), Standing.UNSURE),
    ],
)
def test_a_process_that_meets_its_own_last_beats_on_another_server_goes_on(
    own: Seen, standing: Standing
) -> None:
    assert judge(RECORDED, replace(HERE, server=DB2), own).standing is standing


KNOWN = pytest.mark.parametrize("known", ["by the process", "by the file"])


def judged(recorded: Identity, present: Circumstances, seen: Seen, known: str) -> IdentityVerdict:
    if known == "by the process":
        return judge(recorded, present, seen)
    return judge(recorded, present, None, seen)


@KNOWN
@pytest.mark.parametrize("beats", [1, 2, 1000])
def test_a_beat_that_went_back_on_its_server_by_however_little_was_restored(
    known: str, beats: int
) -> None:
    assert judged(RECORDED, HERE, LAST, known).may_send
    older = judged(RECORDED, HERE, later(beats, 0.5), known)

    assert older.standing is Standing.UNSURE
    assert older.is_restored
    assert "backup was restored" in older.why


@KNOWN
def test_it_is_the_same_server_where_only_the_host_name_of_its_container_is_another(
    known: str,
) -> None:
    restarted = replace(HERE, server=replace(DB1, host="4f1c22"))

    assert judged(RECORDED, restarted, later(1, 0.5), known).is_restored


@KNOWN
def test_the_way_back_to_a_known_server_may_lack_the_last_seconds(known: str) -> None:
    recorded = replace(RECORDED, servers=(DB1, DB2))
    back = replace(HERE, server=DB2)

    assert judged(recorded, back, later(3, 14), known).may_send
    assert judged(recorded, back, later(3, 16), known).is_restored


@KNOWN
def test_a_later_beat_of_whomever_is_no_backup(known: str) -> None:
    another = replace(RECORDED, beat=Beat("daemon-2", 1001, None, RECORDED.recorded_at))

    assert judged(another, HERE, LAST, known).may_send, "another daemon took over"


@KNOWN
def test_what_was_recorded_since_is_an_answer_and_what_was_recorded_before_a_backup(
    known: str,
) -> None:
    accepted = replace(RECORDED, token="record-2", beat=None)
    since = replace(accepted, recorded_at=LAST.at + timedelta(seconds=1))
    before = replace(accepted, recorded_at=LAST.at - timedelta(seconds=1))

    assert judged(since, HERE, LAST, known).may_send
    assert judged(before, HERE, LAST, known).is_restored


def test_not_even_its_own_beats_make_a_renamed_shop_the_same() -> None:
    present = replace(HERE, server=DB2, base_urls=RENAMED)

    assert judge(RECORDED, present, LAST).standing is Standing.COPY


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
    copy = replace(RECORDED, original_erps=frozenset({"erp.example/api"}))

    assert judge(copy, HERE, None).standing is Standing.COPY
    assert judge(copy, replace(HERE, erps={"main": "test-erp.example"}), None).may_send


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


def test_a_copy_that_names_one_erp_of_the_original_sends_to_none() -> None:
    copy = replace(RECORDED, original_erps=frozenset({"erp.example/api", "wms.example"}))
    half = replace(HERE, erps={"main": "test-erp.example", "wms": "wms.example"})

    judgement = judge(copy, half, None)

    assert judgement.standing is Standing.COPY
    assert judgement.why == "this is a copy, and wms.example (wms) is the ERP of the original"
    whole = replace(half, erps={"main": "test-erp.example", "wms": "test-wms.example"})
    assert judge(copy, whole, None).may_send


def test_an_account_that_came_and_one_that_moved_are_named() -> None:
    now = replace(HERE, erps={"main": "erp2.example", "wms": "wms.example"})

    assert [str(change) for change in judge(RECORDED, now, None).changes] == [
        "ERP main was erp.example/api, is erp2.example",
        "ERP wms was none, is wms.example",
    ]
