"""The parts of a support bundle, each made by itself: what is broken must not hide the rest."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from importlib import metadata
from typing import Any

import msgspec

from sidecar.app.erp_adapters import installed
from sidecar.app.sidecar import Sidecar, shop_database
from sidecar.bundle import redact
from sidecar.bundle.log_tail import log_tail
from sidecar.documents import read_document
from sidecar.ledger.tables import TABLES
from sidecar.model.errors import SidecarError
from sidecar.monitor.inbound_vitals import InboundVitals
from sidecar.monitor.top.watch import DomainRow, Look
from sidecar.settings.fields import SecretRef, Section
from sidecar.settings.load import Loaded
from sidecar.settings.secrets import resolve
from sidecar.settings.show import as_json as values_of

_DISTRIBUTION = "magento-erp-sidecar"
_MAGENTO_TABLES = (
    "sales_order", "sales_order_item", "sales_order_address", "sales_order_payment",
    "sales_order_grid", "sales_order_status_history", "sales_order_status",
)  # fmt: skip
_VARIABLES = (
    "version", "version_comment", "binlog_format", "log_bin", "log_bin_trust_function_creators",
    "read_only", "super_read_only", "transaction_isolation", "tx_isolation", "sql_mode",
    "time_zone", "system_time_zone", "character_set_server", "collation_server",
    "lower_case_table_names", "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit",
    "innodb_lock_wait_timeout", "innodb_file_per_table", "lock_wait_timeout", "sync_binlog",
    "max_allowed_packet", "max_connections", "wait_timeout", "interactive_timeout",
    "net_read_timeout", "wsrep_on", "gtid_mode", "default_storage_engine",
)  # fmt: skip
_ABOUT = """\
A support bundle of erp-sidecar.  Left out on purpose: secrets, payloads, amounts, names, addresses,
the ERP's and the operators' own words.  Order numbers and numbers of ERP documents are in it.
Read it before you pass it on: each part is plain text.
"""


class Collector:
    """Makes the parts; `load` gives the configuration, `more` are parts that others make."""

    def __init__(
        self, load: Callable[[], Loaded], more: Mapping[str, Callable[[], str]] | None = None
    ) -> None:
        self._load = load
        self._makers: dict[str, Callable[[], str]] = {
            "versions.json": lambda: _json(_versions()),
            "configuration.json": lambda: _json(values_of(self._load())),
            "mapping.json": self._mapping,
            "server.json": self._server,
            "tables.json": self._tables,
            "ledger.json": self._ledger,
            "triggers.json": self._triggers,
            "standing.json": lambda: _json(_standing(self._look)),
            "sidecar-log.jsonl": self._log,
            **(more or {}),
        }

    def parts(self) -> dict[str, str]:
        """File name → content; `missing.txt` says what could not be had, and why."""
        made: dict[str, str] = {"README.txt": _ABOUT}
        missing = []
        for name, make in self._makers.items():
            try:
                made[name] = make()
            except SidecarError as error:
                missing.append(f"{name}: {error}\n")
        made["missing.txt"] = "".join(missing)
        strike = redact.Redactor(self._secrets(), self._words())
        return {name: strike(text) for name, text in made.items()}

    def close(self) -> None:
        """Give the connections back."""
        if "_sidecar" in self.__dict__:
            self._sidecar.close()

    @cached_property
    def _sidecar(self) -> Sidecar:
        return Sidecar(self._load().settings)

    @cached_property
    def _look(self) -> Look:
        self._sidecar.ledger.require_current()
        return self._sidecar.watch().look()

    def _mapping(self) -> str:
        files = self._load().settings.files_of_calls
        if not files:
            raise SidecarError("the configuration names no file of calls")
        return _json({str(file): redact.mapping(read_document(file).data) for file in files})

    def _server(self) -> str:
        server = self._sidecar.database.server()
        variables = {
            name: server.variables[name] for name in _VARIABLES if name in server.variables
        }
        return _json(
            {"flavour": server.flavour, "version": server.version_text, "variables": variables}
        )

    def _tables(self) -> str:
        names, prefix = self._sidecar.names, self._sidecar.shop_database.prefix
        schema = self._sidecar.shop_database.login.database
        wanted = [(names.schema, names.prefix + table) for table in TABLES]
        wanted += [(schema, prefix + table) for table in _MAGENTO_TABLES]
        sizes = self._sidecar.database.sizes(wanted)
        return _json({".".join(table): asdict(size) for table, size in sizes.items()})

    def _ledger(self) -> str:
        ledger = self._sidecar.ledger
        pending = [f"{step.version:04d}_{step.name}" for step in ledger.pending()]
        return _json({"applied": sorted(ledger.applied()), "pending": pending})

    def _triggers(self) -> str:
        triggers = self._sidecar.triggers
        plan, suspension = triggers.plan(), triggers.suspension()
        return _json(
            {
                "definer": plan.definer,
                "planned": [trigger.name for trigger in plan.planned],
                "avoided": plan.avoided,
                "lost": plan.lost,
                "status": triggers.status(),
                "suspended_since": suspension.since if suspension else None,
            }
        )

    def _log(self) -> str:
        lines = [redact.log_line(line) for line in log_tail(self._load().settings.logging.file)]
        kept = [line for line in lines if line is not None]
        if lines and not kept:
            raise SidecarError(
                "the log is not in JSON, so it is not known what of it may leave the company",
                "logging.format: json",
            )
        return "".join(f"{line}\n" for line in kept)

    def _secrets(self) -> set[str]:
        secrets: set[str] = set()
        with suppress(SidecarError):
            settings = self._load().settings
            for reference in _references(settings):
                with suppress(SidecarError):
                    secrets.add(resolve(reference).secret.reveal())
            secrets.add(shop_database(settings).login.password.reveal())
        return secrets

    def _words(self) -> set[str]:
        """What operators and the ERP said, as far as it may be repeated by a part."""
        with suppress(SidecarError):
            controls = [domain.control for domain in self._look.domains]
            controls += [domain.control for domain in self._look.inbound.values()]
            said = [one for each in controls for one in (each.stopped_reason, each.paused_reason)]
            said += [row.reason for domain in self._look.domains for row in domain.troubled]
            return {one for one in (*said, self._look.capture.triggers.suspended) if one}
        return set()


def _versions() -> dict[str, Any]:
    required = [
        name.split(";")[0].strip()
        for name in metadata.requires(_DISTRIBUTION) or ()
        if "extra ==" not in name
    ]
    packages = {_name(requirement) for requirement in required}
    return {
        _DISTRIBUTION: metadata.version(_DISTRIBUTION),
        "python": sys.version,
        "system": _system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "packages": {name: metadata.version(name) for name in sorted(packages)},
        "adapters": installed(),
    }


def _name(requirement: str) -> str:
    return requirement.replace("[", "<").replace(">", "<").replace("=", "<").split("<")[0].strip()


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"


def _standing(look: Look) -> dict[str, Any]:
    """A look without amounts and without anybody's words."""
    return {
        "at": look.at,
        "daemon": look.daemon,
        "capture": {
            "hints": look.capture.hints,
            "oldest": look.capture.oldest,
            "faults": look.capture.faults,
            "triggers": look.capture.triggers.states,
            "suspended": look.capture.triggers.suspended is not None,
        },
        "accounts": {name: asdict(account) for name, account in look.accounts.items()},
        "traffic": asdict(look.traffic),
        "unwritten": look.unwritten,
        "domains": {domain.name: _queue(domain) for domain in look.domains},
        "inbound": {name: _news(domain) for name, domain in look.inbound.items()},
        "differing_documents": look.differing_documents,
        "differences": look.differences,
        "differing": {document.number: list(document.classes) for document in look.differing},
    }


def _queue(domain: DomainRow) -> dict[str, Any]:
    control = domain.control
    return {
        "working": control.may_work,
        "paused_seconds": control.paused_for,
        "paused_until": control.paused_until,
        "stopped_at": control.stopped_at,
        "events": domain.events,
        "oldest_seconds": domain.oldest,
        "troubled": [
            {name: getattr(row, name) for name in ("kind", "number", "type", "status", "age")}
            for row in domain.troubled
        ],
    }


def _news(domain: InboundVitals) -> dict[str, Any]:
    """Counts: what the ERP said is its own words, and may name a customer."""
    control = domain.control
    return {
        "account": domain.account,
        "working": control.may_work,
        "paused_seconds": control.paused_for,
        "paused_until": control.paused_until,
        "stopped_at": control.stopped_at,
        "news": domain.news,
        "oldest": domain.oldest,
        "heard_seconds": domain.heard_ago,
        "stale": domain.stale,
        "differences": domain.differences,
    }


def _references(section: Section) -> Iterator[SecretRef]:
    for value in (getattr(section, key) for key in type(section).model_fields):
        held = value.values() if isinstance(value, Mapping) else [value]
        for part in held:
            if isinstance(part, SecretRef):
                yield part
            elif isinstance(part, Section):
                yield from _references(part)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
