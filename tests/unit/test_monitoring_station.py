from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.capture.outbox import Depth
from sidecar.host.liveness import Liveness
from sidecar.ledger.overview import Waiting
from sidecar.ledger.stations import Failing
from sidecar.model.errors import Unavailable
from sidecar.monitor.metrics import Monitoring
from sidecar.monitor.vitals import Vitals
from sidecar.observe.metrics import METRICS
from sidecar.observe.registry import Metrics
from tests.harness import HandClock, RecordingNarrator
from tests.metrics_text import samples
from tests.unit.test_nagios import HEARD, WELL, with_ledger, with_stock


class Reader:
    """Of a ledger that can be away."""

    def __init__(self) -> None:
        self.is_away = False
        self.vitals = WELL

    def read(self) -> Vitals:
        if self.is_away:
            raise Unavailable("the database cannot be reached", "start it")
        return self.vitals


def hints(count: int) -> Depth:
    return Depth(count, capped=False, oldest=timedelta(seconds=1))


class Bench:
    def __init__(self, file: Path | None, log_every: float | None = None) -> None:
        self.reader, self.told, self.clock = Reader(), RecordingNarrator(), HandClock()
        self.monitoring = Monitoring(
            self.reader,  # type: ignore[arg-type]
            Metrics("main", "1", ["orders"]),
            Liveness(self.clock, {}),
            file=file,
            log_every=log_every,
            clock=self.clock,
            narrator=self.told,
        )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sidecar.prom"


def test_a_database_that_is_away_leaves_a_fresh_file_that_says_so(file: Path) -> None:
    bench = Bench(file)
    bench.monitoring.look()
    assert samples(file.read_text())["erp_sidecar_database_up{}"] == 1
    bench.reader.is_away = True
    with pytest.raises(Unavailable, match="cannot be reached"):
        bench.monitoring.look()
    text = file.read_text()
    assert samples(text)["erp_sidecar_database_up{}"] == 0
    assert "erp_sidecar_events_pending{" not in text
    assert "erp_sidecar_trigger_faults_total{" in text


def test_who_reads_the_file_never_sees_half_of_it(file: Path) -> None:
    bench = Bench(file)
    bench.monitoring.look()
    whole = file.read_text()
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            bench.monitoring.look()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert {file.read_text() for _ in range(300)} == {whole}
    finally:
        enough.set()
        writer.join()


def test_the_gauges_that_are_written_are_all_that_there_are(file: Path) -> None:
    Bench(file).monitoring.look()
    text = file.read_text()
    missing = {
        name
        for name, metric in METRICS.items()
        if metric.kind == "gauge" and f"\n{name}{{" not in text
    }
    assert missing == {
        "erp_sidecar_last_success_timestamp_seconds",  # nothing was accepted yet
        "erp_sidecar_station_failing_seconds",  # nothing fails
        "erp_sidecar_incoming",  # the ERP owns nothing here
        "erp_sidecar_oldest_news_seconds",
        "erp_sidecar_heard_seconds",
        "erp_sidecar_news_stale",
    }


def test_the_figures_are_a_line_of_the_log_as_often_as_is_wished(file: Path) -> None:
    bench = Bench(None, log_every=60.0)
    for _ in range(13):
        bench.monitoring.look()
        bench.clock.seconds += 10
    assert set(bench.told.names()) == {"metrics"}
    lines = bench.told.of("metrics")
    of_orders = [line for line in lines if line.get("domain") == "orders"]
    assert len(of_orders) == 3
    assert of_orders[0]["oldest_pending_seconds"] == of_orders[0]["pushes_total"] == 0
    assert len([line for line in lines if line.get("account") == "erp"]) == 3
    assert len([line for line in lines if "working" in line]) == 3
    assert len(lines) == 9
    assert not file.exists()


def test_what_is_a_domains_and_what_is_an_accounts_says_whose_it_is(file: Path) -> None:
    bench = Bench(file)
    known, account = WELL.ledger.domains["orders"], WELL.ledger.accounts["erp"]
    orders = replace(known, hints=hints(3), write_backs=Waiting(2, 1.0), differences=1)
    refunds = replace(known, hints=hints(5))
    slow = replace(account, rate=0.25, breaker_open=True)
    bench.reader.vitals = with_ledger(
        domains={"orders": orders, "refunds": refunds},
        accounts={"erp": account, "warehouse": slow},
    )
    bench.monitoring.look()
    written = samples(file.read_text())
    assert written['erp_sidecar_hints{domain="orders"}'] == 3
    assert written['erp_sidecar_hints{domain="refunds"}'] == 5
    assert written['erp_sidecar_write_backs_waiting{domain="orders"}'] == 2
    assert written['erp_sidecar_differences_open{domain="orders"}'] == 1
    assert written['erp_sidecar_throttle_ratio{account="warehouse"}'] == 0.25
    assert written['erp_sidecar_breaker_open{account="erp"}'] == 0
    assert written['erp_sidecar_breaker_open{account="warehouse"}'] == 1


def test_what_an_address_asks_for_is_not_in_a_file_that_everybody_may_read(file: Path) -> None:
    bench = Bench(file)
    address = "https://erp.example.com/service?wsdl&key=s3cret"
    bench.reader.vitals = with_ledger(accounts={address: WELL.ledger.accounts["erp"]})
    bench.monitoring.look()
    account = 'account="https://erp.example.com/service"'
    assert samples(file.read_text())[f"erp_sidecar_slots{{{account}}}"] == 4
    assert "s3cret" not in file.read_text()


def test_a_duty_that_fails_is_named_for_as_long_as_it_fails(file: Path) -> None:
    bench = Bench(file)
    failing = Failing("intake", datetime.now(UTC), 61.0, 3, "gone", "")
    bench.reader.vitals = with_ledger(failing=(failing,))
    bench.monitoring.look()
    written = samples(file.read_text())
    assert written['erp_sidecar_station_failing_seconds{station="intake"}'] == 61
    assert written["erp_sidecar_stations_failing{}"] == 1
    bench.reader.vitals = WELL
    bench.monitoring.look()
    assert "erp_sidecar_station_failing_seconds{" not in file.read_text()


def test_a_folder_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"metrics\.file: .*No such file") as error:
        Bench(tmp_path / "none" / "sidecar.prom").monitoring.look()
    assert "docs/monitoring.md" in error.value.remedy


def test_what_the_erp_owns_has_its_news_by_status(file: Path) -> None:
    bench = Bench(file)
    bench.reader.vitals = with_stock(news={"parked": 3}, stale=True, differences=2)
    bench.monitoring.look()
    written = samples(file.read_text())
    assert written['erp_sidecar_incoming{domain="stock",status="parked"}'] == 3
    assert written['erp_sidecar_incoming{domain="stock",status="waiting"}'] == 0
    assert written['erp_sidecar_heard_seconds{domain="stock"}'] == 4
    assert written['erp_sidecar_news_stale{domain="stock"}'] == 1
    assert written['erp_sidecar_differences_open{domain="stock"}'] == 2


def test_an_erp_that_never_answered_has_no_time_since(file: Path) -> None:
    bench = Bench(file)
    bench.reader.vitals = with_stock(heard_ago=None, unheard=None)
    bench.monitoring.look()
    assert "erp_sidecar_heard_seconds{" not in file.read_text()


def test_what_the_erp_owns_is_one_line_of_the_log() -> None:
    bench = Bench(None, log_every=60.0)
    bench.reader.vitals = with_ledger(inbound={"stock": replace(HEARD, news={"parked": 1})})
    bench.monitoring.look()
    [line] = [one for one in bench.told.of("metrics") if one.get("domain") == "stock"]
    assert (line["incoming_parked"], line["heard_seconds"]) == (1, 4)
    assert "status" not in line
