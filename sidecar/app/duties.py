"""The daemon's duties: which stations it has, how often each looks for work, who wakes whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import version

from sidecar.app.daemon import Daemon, Station, Supervision
from sidecar.app.inbound import InboundStations
from sidecar.app.sidecar import Sidecar
from sidecar.capture.outbox import Outbox
from sidecar.capture.watch import TriggerWatch
from sidecar.delivery.pump import Pump
from sidecar.host.liveness import Liveness
from sidecar.identity.clone_guard import EVERY as IDENTITY_EVERY
from sidecar.ledger.retention import Retention
from sidecar.monitor.heartbeat import Heartbeat
from sidecar.monitor.pauses import PauseWatch
from sidecar.monitor.status_line import StatusLine

_SECOND = 1.0
_MINUTE = 60.0
_HOUR = 3600.0
#: A stay in a state of the ERP's is limited in hours and days; the look reads all of that state.
_OVERDUE_EVERY = 10 * _MINUTE
_WRITE = "write back"
#: A duty of which nothing is heard for so long is silent: no heartbeat.  A delivery may wait for
#: the throttle and for a slow ERP.
_SILENT = {"intake": 2 * _MINUTE, _WRITE: 2 * _MINUTE}
_SILENT_DELIVERY = 10 * _MINUTE


def daemon_of(sidecar: Sidecar, *, once: bool = False) -> Daemon:
    """The daemon; `once`: with the stations of `run --once`, in their order."""
    sidecar.ledger.require_current()
    liveness = Liveness(
        sidecar.clock,
        _SILENT | {f"deliver {name}": _SILENT_DELIVERY for name in sidecar.domains},
        of_others=[f"hear {name}" for name in sidecar.settings.domains.told()],
    )
    capture = sidecar.settings.capture
    tallies = sidecar.tallies()
    sweeps, intake, pumps = sidecar.sweeps(), sidecar.intake(), sidecar.pumps(sidecar.name)
    write_back = sidecar.write_back()
    delivers = {pump.domain: f"deliver {pump.domain}" for pump in pumps}
    stations = [
        Station("identity", IDENTITY_EVERY, lambda: _none(sidecar.clone_guard.watch), last=True),
        Station("intake", capture.poll.total_seconds(), intake.run_once, tuple(delivers.values())),
        *(
            Station(
                f"sum {one.domain}",
                one.every,
                one.run_once,
                wakes=(delivers[one.domain],),
                # A window is never cut short because the one before had something to tell.
                pause=one.every,
            )
            for one in tallies
        ),
        *(_delivery(sidecar, pump) for pump in pumps),
        *(station for of_domain in sidecar.inbound.stations() for station in _inbound(of_domain)),
        Station(_WRITE, _SECOND, write_back.run_once),
    ]
    if once:
        sidecar.identification.require_same()
        first_sweep = _Once(lambda: sum(sweep.full().found for sweep in sweeps))
        stations.insert(0, Station("sweep", 0, first_sweep))
        stations += _monitoring(sidecar, liveness, once=True)
    else:
        watch = TriggerWatch(
            sidecar.triggers, Outbox(sidecar.names), sidecar.database, sidecar.narrator
        )
        alarms = {
            spec.name: sidecar.settings_of(spec).pause_alarm.total_seconds()
            for spec in sidecar.specs
        }
        pauses = PauseWatch(
            sidecar.database,
            sidecar.store,
            alarms,
            clock=sidecar.clock,
            narrator=sidecar.narrator,
        )
        retention = Retention(
            sidecar.database,
            sidecar.store,
            sidecar.settings.ledger.keep,
            levels=sidecar.level_domains,
        )
        stations += [
            Station(
                "sweep",
                capture.sweep_every.total_seconds(),
                lambda: _each(sweep.recent for sweep in sweeps),
            ),
            Station(
                "full sweep",
                capture.full_sweep_every.total_seconds(),
                lambda: _each(sweep.full for sweep in sweeps),
            ),
            Station("trigger watch", _HOUR, lambda: _none(watch.look)),
            Station("pause watch", min(_MINUTE, *alarms.values()), lambda: _none(pauses.look)),
            Station("retention", _HOUR, retention.run_once),
            *_monitoring(sidecar, liveness, once=False),
        ]
    return Daemon(
        sidecar.database,
        sidecar.store,
        stations,
        owner=sidecar.name,
        lease_seconds=sidecar.settings.ledger.work_lease.total_seconds(),
        stop=sidecar.stop,
        liveness=liveness,
        clock=sidecar.clock,
        narrator=sidecar.narrator,
        supervision=Supervision(
            sidecar.supervisor,
            sidecar.watchdog,
            StatusLine(
                sidecar.database,
                sidecar.store,
                sidecar.domains,
                list(sidecar.erps.limits),
                sidecar.clone_guard.may_send,
            ),
        ),
    )


def _delivery(sidecar: Sidecar, pump: Pump) -> Station:
    """A domain's delivery: those that come within its `every` go together."""
    spec = next(spec for spec in sidecar.specs if spec.name == pump.domain)
    pause = sidecar.settings_of(spec).every.total_seconds()
    name = f"deliver {pump.domain}"
    return Station(name, max(_SECOND, pause), pump.run_once, wakes=(_WRITE,), pause=pause)


def _inbound(of_domain: InboundStations) -> list[Station]:
    """What a domain hears of the ERP by itself, and what carries it into Magento."""
    name = of_domain.spec.name
    hears, applies = f"hear {name}", f"apply {name}"
    ask, every = of_domain.ask.run_once, of_domain.every
    if of_domain.apply is None:
        return [Station(hears, every, ask, pause=every)]
    stations = [
        Station(hears, every, ask, wakes=(applies,), pause=every),
        Station(applies, _SECOND, of_domain.apply.run_once, wakes=(_WRITE,)),
    ]
    if of_domain.overdue is not None:
        stations.append(Station(f"overdue {name}", _OVERDUE_EVERY, of_domain.overdue.run_once))
    return stations


def _monitoring(sidecar: Sidecar, liveness: Liveness, *, once: bool) -> list[Station]:
    """The stations that tell a monitoring system, as far as they are configured."""
    stations = []
    rules, heartbeat = sidecar.settings.metrics, sidecar.settings.heartbeat
    if rules.file is not None or rules.log_every is not None:
        stations.append(_metrics(sidecar, liveness))
    if heartbeat.url is not None and not once:
        beat = Heartbeat(heartbeat.url, liveness, sidecar.narrator).beat
        every = heartbeat.every.total_seconds()
        stations.append(Station("heartbeat", every, lambda: _none(beat), always=True))
    return stations


def _metrics(sidecar: Sidecar, liveness: Liveness) -> Station:
    # Only here: prometheus_client brings a web server along, which no other command needs.
    from sidecar.monitor.metrics import Monitoring
    from sidecar.observe.registry import Metrics

    shop, rules = sidecar.settings.shop.name, sidecar.settings.metrics
    domains = (*sidecar.domains, *sidecar.settings.domains.told())
    metrics = Metrics(shop, version("magento-erp-sidecar"), domains)
    sidecar.narrator.join(metrics)
    monitoring = Monitoring(
        sidecar.vitals(),
        metrics,
        liveness,
        file=rules.file,
        log_every=rules.log_every.total_seconds() if rules.log_every else None,
        clock=sidecar.clock,
        narrator=sidecar.narrator,
    )
    every = rules.every.total_seconds()
    return Station("metrics", every, lambda: _none(monitoring.look), always=True)


class _Once:
    """A duty that is done the first time only."""

    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._done = False

    def __call__(self) -> int:
        if self._done:
            return 0
        self._done = True
        return self._work()


def _each(works: Iterable[Callable[[], object]]) -> int:
    for work in works:
        work()
    return 0


def _none(work: Callable[[], object]) -> int:
    """A duty that never has more to do at once."""
    work()
    return 0
