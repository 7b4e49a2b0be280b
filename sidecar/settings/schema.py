"""The whole configuration file as typed, immutable values.

Attribute names are the keys of the file.  Every `description` is what `erp-sidecar config
generate` writes above the key and what docs/configuration.md says about it, so it is written for
the operator who sets it.  Rules that span several keys are validators here; where the offending
key lies deeper than the model that found it, the error carries its path (`contradiction`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sidecar.model.duration import format_duration
from sidecar.model.secret import is_of_this_machine
from sidecar.settings.api import Api
from sidecar.settings.domain import Carried
from sidecar.settings.domains import Domains
from sidecar.settings.erp import Erp
from sidecar.settings.fields import (
    FilePath,
    Identifier,
    Port,
    SecretRef,
    Section,
    Slug,
    Switch,
    TablePrefix,
    Text,
    Timezone,
    closest,
    contradiction,
)
from sidecar.settings.monitoring import Heartbeat, Metrics
from sidecar.settings.ownership import Owner, SpecialCase
from sidecar.settings.quantities import Duration, Kind

#: The ERP account of a domain that names none, and of `erp`.
MAIN = "main"


class Database(Section):
    """Magento's database: either `magento_root` or the login itself."""

    magento_root: FilePath | None = Field(
        default=None,
        description="Magento's folder. The login is then read from its app/etc/env.php, without "
        "running PHP, and no other key of this table may be written.",
        examples=["/var/www/magento"],
    )
    host: Text = Field(default="127.0.0.1", description="Server of the database.")
    port: Port = Field(default=3306, description="Its TCP port.")
    socket: FilePath | None = Field(
        default=None, description="Unix socket, instead of host and port.",
        examples=["/run/mysqld/mysqld.sock"],
    )  # fmt: skip
    name: Identifier = Field(default="magento", description="Magento's schema.")
    user: Text = Field(
        default="erp_sidecar",
        description="Account of the sidecar; sql/grants.sql lists the rights it needs.",
    )
    password: SecretRef | None = Field(
        default=None,
        description="Its password, by reference: {credential: NAME}, {file: PATH} or {env: NAME}.",
        examples=["{file: /etc/erp-sidecar/shop.password}"],
    )
    table_prefix: TablePrefix = Field(default="", description="Prefix of Magento's tables.")

    @model_validator(mode="after")
    def _one_login(self) -> Database:
        written = self.model_fields_set - {"magento_root"}
        if self.magento_root is not None and written:
            raise contradiction(
                f"stands beside {', '.join(sorted(written))}; "
                "keep either magento_root or the login itself",
                "magento_root",
            )
        if self.magento_root is None and self.password is None:
            raise ValueError("has no login; write password: {file: PATH}, or magento_root: PATH")
        if self.socket is not None and (both := {"host", "port"} & written):
            raise contradiction(f"stands beside {', '.join(sorted(both))}; keep one", "socket")
        return self


class Shop(Section):
    """The Magento shop."""

    name: Slug = Field(
        default="main", description="Names this shop in events, metrics and logs. Never change it."
    )
    timezone: Timezone = Field(
        # Required: a wrong zone books the orders of the night on the wrong day, unseen.
        description="Time zone of posting dates in the ERP. Everything stored is UTC.",
        examples=["Europe/Berlin"],
    )
    database: Database = Field(description="Magento's database.")
    api: Api | None = Field(
        default=None,
        description="Magento's own REST API, for what needs its business logic: shipments, "
        "invoices, credit memos, prices.",
        examples=[
            "{url: https://shop.example.com, integration: "
            "{consumer_key: {credential: magento-consumer-key}, "
            "consumer_secret: {credential: magento-consumer-secret}, "
            "access_token: {credential: magento-access-token}, "
            "access_token_secret: {credential: magento-access-token-secret}}}"
        ],
    )


with warnings.catch_warnings():
    # pydantic warns that the field `schema` hides its long deprecated classmethod of that name.
    # The key is what a DBA calls the thing, and nothing here calls the classmethod.
    warnings.filterwarnings("ignore", message='Field name "schema"', category=UserWarning)

    class Ledger(Section):
        """The sidecar's own tables."""

        schema: Identifier | None = Field(  # type: ignore[assignment]
            default="erp_sidecar",
            description="Schema of the sidecar's tables, on Magento's server. null: in Magento's "
            "own schema, with names that begin with erp_sidecar_, where one schema must do.",
        )
        keep: Duration = Field(
            default=timedelta(days=400),
            description="How long finished events stay in the ledger before they are archived.",
        )
        witness: FilePath | None = Field(
            default=None,
            description="File outside the database in which the daemon keeps its last sign of "
            "life: it distinguishes a restored backup from what was there. null: in systemd's "
            "state directory (/var/lib/erp-sidecar); where there is none, in "
            "~/.local/state/erp-sidecar.",
            examples=["/var/lib/erp-sidecar/witness.json"],
        )
        work_lease: Duration = Field(
            default=timedelta(seconds=15),
            description="One daemon works on a ledger, others stand by. So long after one was last "
            "heard of the next takes over; at once where it is found dead on the same machine.",
        )


class Capture(Section):
    """How the sidecar learns of changes in Magento."""

    triggers: Switch = Field(
        default=True,
        description="Let triggers point at changes. false: the sweep alone finds them, for servers "
        "where no trigger may be created.",
    )
    poll: Duration = Field(
        default=timedelta(milliseconds=250), description="How often the triggers' outbox is read."
    )
    sweep_every: Duration = Field(
        default=timedelta(seconds=60),
        description="How often recent changes are searched for without triggers "
        "(default without triggers: 5s).",
    )
    full_sweep_every: Duration = Field(
        default=timedelta(hours=1), description="How often all of Magento's orders are compared."
    )

    @model_validator(mode="before")
    @classmethod
    def _sweep_often_without_triggers(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("triggers") is False:
            return {"sweep_every": "5s", **given}
        return given

    @model_validator(mode="after")
    def _full_sweep_is_rarer(self) -> Capture:
        if self.full_sweep_every < self.sweep_every:
            raise contradiction("is shorter than sweep_every", "full_sweep_every")
        return self


class Logging(Section):
    """Where the log goes."""

    file: FilePath | None = Field(
        default=None, description="Log file; null: standard error, for systemd's journal.",
        examples=["/var/log/erp-sidecar/sidecar.log"],
    )  # fmt: skip
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are written."
    )
    format: Literal["json", "text", "auto"] = Field(
        default="auto", description="json: an object a line; text: for people; auto: by terminal."
    )


class Settings(Section):
    """The whole file."""

    version: Annotated[Literal[1], Kind("1")] = Field(
        description="Version of this file's layout.", examples=[1]
    )
    shop: Shop = Field(description="The Magento shop.")
    ledger: Ledger = Field(default=Ledger(), description="The sidecar's own tables.")
    erp: Erp | None = Field(
        default=None,
        description="The ERP and how to talk to it: the short form of erps with one account, whose "
        "name is main.",
    )
    erps: Mapping[Slug, Erp] = Field(
        default={},
        description="The systems on the other side, by a name of yours, where there are several "
        "(an ERP, a warehouse, a second company): each has its own login, pace and breaker. A "
        "domain goes to the one that domains.NAME.erp names, or to main. The keys of each are "
        "those of erp.",
        examples=[
            "{main: {adapter: rest.generic, url: https://erp.example.com/api, calls: erp.yaml}}"
        ],
    )
    capture: Capture = Field(default=Capture(), description="How changes in Magento are learnt of.")
    owners: Mapping[Slug, Owner] = Field(
        default={},
        description="Who answers for something, by a name of yours that domains.NAME.answers and "
        "exceptions use.",
        examples=["{finance: {name: Finance, contact: finance@example.com}}"],
    )
    domains: Domains = Field(default=Domains(), description="What is carried.")
    exceptions: tuple[SpecialCase, ...] = Field(
        default=(),
        description="Special cases, which stand apart from the rule: each with a reason, somebody "
        "who answers for it, and an end (docs/blueprint.md).",
        examples=[
            "[{domain: orders, when: \"order.customer_group_code == 'EXPORT'\", "
            "calls: export.yaml, owner: finance, reason: Customs number, expires: 2027-06-30}]"
        ],
    )
    logging: Logging = Field(default=Logging(), description="Where the log goes.")
    metrics: Metrics = Field(default=Metrics(), description="Figures for a monitoring system.")
    heartbeat: Heartbeat = Field(
        default=Heartbeat(), description="A dead man's switch: it is asked for while all is well."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Settings:
        if self.erp is None and not self.erps:
            raise contradiction(
                "is missing. The ERP and how to talk to it; or erps, where there are several", "erp"
            )
        if self.erp is not None and self.erps:
            raise contradiction("stands beside erps; write it there, as main", "erp")
        return self

    @model_validator(mode="after")
    def _every_domain_has_an_account(self) -> Settings:
        for name, domain in self.domains.enabled().items():
            if self._account_of(domain) not in self.accounts:
                named = domain.erp is not None
                says = f"there is no ERP account {domain.erp}" if named else "is missing"
                raise contradiction(
                    f"{says}; there are {', '.join(sorted(self.accounts))}",
                    *self.domains.path(name), "erp",
                )  # fmt: skip
        return self

    @model_validator(mode="after")
    def _lease_outlives_a_call(self) -> Settings:
        # A claim that expires while the ERP is still answering turns a success into an unknown.
        for name, domain in self.domains.carried().items():
            account = self.account_of(name)
            timeout = self.accounts[account].timeout
            longest_call = timeout.connect + timeout.read
            if domain.lease <= longest_call:
                raise contradiction(
                    "is no longer than a call may take "
                    f"({format_duration(longest_call)}: {self.key_of(account)}.timeout)",
                    *self.domains.path(name), "lease",
                )  # fmt: skip
        return self

    @model_validator(mode="after")
    def _who_answers_is_named(self) -> Settings:
        for name, domain in self.domains.enabled().items():
            for role, owner in domain.answers:
                if owner is not None:
                    self._require_owner(owner, *self.domains.path(name), "answers", role)
        for number, one in enumerate(self.exceptions):
            self._require_owner(one.owner, "exceptions", str(number), "owner")
        return self

    def _require_owner(self, owner: str, *at: str) -> None:
        if owner not in self.owners:
            hint = closest(owner, self.owners) or (
                f"; there are {', '.join(sorted(self.owners))}"
                if self.owners
                else "; write owners: at the top of the file"
            )
            raise contradiction(f'there is no owner "{owner}"{hint}', *at)

    @model_validator(mode="after")
    def _exceptions_are_of_what_is_carried(self) -> Settings:
        for number, one in enumerate(self.exceptions):
            at = ("exceptions", str(number), "domain")
            if one.domain in self.domains.carried():
                continue
            if one.domain in self.domains.enabled():
                raise contradiction(
                    f"{one.domain} is owned by the ERP: nothing of it is sent there", *at
                )
            hint = closest(one.domain, self.domains.carried())
            raise contradiction(f'no domain "{one.domain}" goes to the ERP here{hint}', *at)
        return self

    @property
    def accounts(self) -> Mapping[str, Erp]:
        """The ERP accounts by name, those of `erps` or the one of `erp`."""
        return self.erps if self.erp is None else {MAIN: self.erp}

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each ERP account is."""
        return {name: erp.address for name, erp in self.accounts.items()}

    @property
    def guarded_addresses(self) -> Mapping[str, str]:
        """What a copy of the shop must never speak to where it is the original's.

        The ERP accounts, and Magento's own API: a copy that calls the live shop's makes shipments
        there.  An address of the machine itself says nothing: each machine has it.
        """
        api = self.shop.api
        if api is None or is_of_this_machine(api.url):
            return self.addresses
        return {**self.addresses, "shop.api": api.url}

    @property
    def files_of_calls(self) -> tuple[Path, ...]:
        """Of all ERP accounts, each once."""
        named = [erp.calls for erp in self.accounts.values() if erp.calls is not None]
        named += [one.calls for one in self.exceptions]
        return tuple(dict.fromkeys(named))

    def key_of(self, account: str) -> str:
        """Under which key of the file an ERP account stands."""
        return f"erps.{account}" if self.erp is None else "erp"

    def account_of(self, domain: str) -> str:
        """The name of the ERP account of an enabled domain."""
        return self._account_of(self.domains.enabled()[domain])

    def _account_of(self, domain: Carried) -> str:
        only = next(iter(self.accounts)) if len(self.accounts) == 1 else MAIN
        return domain.erp or only

    def exceptions_of(self, account: str) -> Mapping[int, SpecialCase]:
        """Those whose domain goes to an ERP account, by their number in the file."""
        return {
            number: one
            for number, one in enumerate(self.exceptions)
            if self.account_of(one.domain) == account
        }

    def domains_of(self, account: str) -> tuple[str, ...]:
        """The names of the enabled domains of an ERP account."""
        return tuple(name for name in self.domains.enabled() if self.account_of(name) == account)
