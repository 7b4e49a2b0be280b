"""The doctor looks at what the ERP says by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.clinic import Clinic

pytestmark = pytest.mark.any_server

#: Each is made by a test below.
FINDINGS = (
    "news-parked", "news-differ", "news-unheard", "news-in-doubt", "lifecycle-unregistered",
    "lifecycle-odd",
)  # fmt: skip
LIFECYCLE = """\
states:
  OPEN:   {meaning: final, status: erp_received, label: Received by ERP}
  POSTED: {meaning: posted, status: erp_posted, label: Posted in ERP}
  CLOSED: {meaning: closed}
transitions: {OPEN: [POSTED], POSTED: [CLOSED]}
"""
CALLS = """
order_status:
  changes:
    call: {method: GET, path: /sales-orders}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {external: =item.number, status: =item.state}
"""


@pytest.fixture(scope="module")
def installed(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("inbound")
    clinic = Clinic(server, folder, "clinic_inbound", install=False)
    (folder / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    with (folder / "calls.yaml").open("a", encoding="utf-8") as calls:
        calls.write(CALLS)
    with clinic.config.open("a", encoding="utf-8") as config:
        config.write("domains: {order_status: {lifecycle: lifecycle.yaml}}\n")
    clinic.install()
    yield clinic
    clinic.close()


@pytest.fixture
def clinic(installed: Clinic) -> Clinic:
    """The ERP was heard a moment ago and has said nothing."""
    names = installed.names
    installed.sql(f"DELETE FROM {names('incoming')}")
    installed.sql(
        f"REPLACE INTO {names('cursor')} (domain, account, updated_at) "
        "VALUES ('order_status', 'main', UTC_TIMESTAMP(3))"
    )
    (installed.folder / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    return installed


def found(clinic: Clinic, check: str) -> list[str]:
    return [one.found for one in clinic.examined(check).findings]


def keep(clinic: Clinic, status: str, minutes: int = 0) -> None:
    """One news that has stood so for so many minutes."""
    clinic.sql(
        f"INSERT INTO {clinic.names('incoming')} (domain, account, number, version, payload, "
        "status, waiting_since, created_at) VALUES ('order_status', 'main', 'SO-1', 'a', '{}', "
        f"'{status}', UTC_TIMESTAMP(3) - INTERVAL {minutes} MINUTE, UTC_TIMESTAMP(3))"
    )


@pytest.mark.parametrize("check", FINDINGS)
def test_nothing_is_found_where_nothing_is_wrong(clinic: Clinic, check: str) -> None:
    report = clinic.examined(check)
    assert (report.findings, report.unseen) == ((), ())


@pytest.mark.parametrize(
    ("check", "status", "said"),
    [
        ("news-parked", "parked", "order_status: 1 news of the ERP are parked"),
        ("news-differ", "differs", "order_status: 1 news of the ERP were not carried out"),
    ],
)
def test_what_needs_a_person_is_told_with_the_command_that_lists_it(
    clinic: Clinic, check: str, status: str, said: str
) -> None:
    keep(clinic, status)
    [finding] = clinic.examined(check).findings
    assert finding.found == said
    assert finding.remedy == f"erp-sidecar incoming list --domain order_status --status {status}"


def test_an_erp_that_is_not_heard_is_told(clinic: Clinic) -> None:
    clinic.sql(f"UPDATE {clinic.names('cursor')} SET updated_at = updated_at - INTERVAL 2 HOUR")
    assert found(clinic, "news-unheard") == [
        "order_status: the ERP account main last answered 2 h ago"
    ]
    clinic.sql(f"DELETE FROM {clinic.names('cursor')}")
    assert found(clinic, "news-unheard") == [
        "order_status: the ERP account main has never answered"
    ]


def test_what_magento_did_not_answer_is_told_once_it_is_late(clinic: Clinic) -> None:
    keep(clinic, "asked", minutes=1)
    assert found(clinic, "news-in-doubt") == []
    clinic.sql(f"DELETE FROM {clinic.names('incoming')}")
    keep(clinic, "asked", minutes=120)
    [said] = found(clinic, "news-in-doubt")
    assert "Magento did not answer about 1 of the ERP's news" in said


def test_a_status_that_the_file_got_after_the_installation_is_told(clinic: Clinic) -> None:
    picked = "  PICKED: {meaning: picked, status: erp_picked, label: Picked}\n"
    file = clinic.folder / "lifecycle.yaml"
    file.write_text(LIFECYCLE.replace("  CLOSED", f"{picked}  CLOSED"), "utf-8")
    assert found(clinic, "lifecycle-unregistered") == [
        "Magento does not know the order status erp_picked of the lifecycle file"
    ]
    odd = found(clinic, "lifecycle-odd")
    assert [one.partition(":")[0] for one in odd] == ["unreachable", "dead-end"]
