from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sidecar.host.liveness import Pulse
from sidecar.model.errors import Unavailable
from sidecar.monitor.metrics import Monitoring
from sidecar.monitor.vitals import Vitals
from sidecar.observe.metrics import METRICS, Metrics
from tests.harness import HandClock, Told
from tests.unit.test_nagios import WELL


class Reader:
    """Of a ledger that can be away."""

    def __init__(self) -> None:
        self.is_away = False

    def read(self) -> Vitals:
        if self.is_away:
            raise Unavailable("the database cannot be reached", "start it")
        return WELL


class Bench:
    def __init__(self, file: Path | None, log_every: float | None = None) -> None:
        self.reader, self.told, self.clock = Reader(), Told(), HandClock()
        self.monitoring = Monitoring(
            self.reader,  # type: ignore[arg-type]
            Metrics("main", "1"),
            Pulse(self.clock, {}),
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
    assert 'erp_sidecar_database_up{shop="main"} 1' in file.read_text()
    bench.reader.is_away = True
    with pytest.raises(Unavailable, match="cannot be reached"):
        bench.monitoring.look()
    text = file.read_text()
    assert 'erp_sidecar_database_up{shop="main"} 0' in text
    assert "erp_sidecar_pending{" not in text
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
    }


def test_the_figures_are_a_line_of_the_log_as_often_as_is_wished(file: Path) -> None:
    bench = Bench(None, log_every=60.0)
    for _ in range(13):
        bench.monitoring.look()
        bench.clock.seconds += 10
    assert bench.told.names() == ["metrics"] * 3
    assert bench.told.of("metrics")[0]["oldest_pending_seconds"] == 0
    assert not file.exists()


def test_a_folder_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"metrics\.file: .*No such file") as error:
        Bench(tmp_path / "none" / "sidecar.prom").monitoring.look()
    assert "docs/monitoring.md" in error.value.remedy
