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
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from sidecar.model.reference import NUMBER
from sidecar.settings.erp import Erp
from sidecar.settings.fields import (
    Comment,
    Factor,
    FilePath,
    Identifier,
    Label,
    OrderStatus,
    PaymentRule,
    Port,
    ReferenceTemplate,
    SecretRef,
    Section,
    Slug,
    StateRule,
    Switch,
    TablePrefix,
    Text,
    Timezone,
    Tolerance,
    contradiction,
)
from sidecar.settings.monitoring import Heartbeat, Metrics
from sidecar.settings.quantities import Duration, Kind, format_duration

# Domains that the design names and this version does not carry yet: refused with that sentence
# instead of "unknown key", so that nobody searches for a spelling mistake.
DOMAINS_TO_COME = (
    "refunds", "invoices", "shipments", "customers", "inventory", "prices", "products",
)  # fmt: skip


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
            "life: a restored backup is told from what was there by it. null: in systemd's state "
            "directory (/var/lib/erp-sidecar); where there is none, in ~/.local/state/erp-sidecar.",
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


class Gate(Section):
    """What an order must have before it may go."""

    payment: Mapping[str, PaymentRule] = Field(
        default={"default": "authorized"},
        description="Payment method → when its orders may go: always · authorized (or paid) · paid "
        "· never. `default` is for every method that is not named. A method whose money comes "
        "later (checkmo, banktransfer) waits by default until it is there.",
        examples=["{checkmo: always, banktransfer: paid, default: authorized}"],
    )
    states: Mapping[str, StateRule] = Field(
        default={"pending_payment": "wait", "payment_review": "wait", "fraud": "wait"},
        description="Magento state or status → what its orders do whatever their payment: wait · "
        "go. By default those wait whose customer is still paying, or that somebody must look at.",
        examples=["{fraud: go, to_be_checked: wait}"],
    )

    @field_validator("payment")
    @classmethod
    def _default_is_there(cls, rules: Mapping[str, PaymentRule]) -> Mapping[str, PaymentRule]:
        return {"default": "authorized", **rules}

    @field_validator("states")
    @classmethod
    def _known_states_wait(cls, rules: Mapping[str, StateRule]) -> Mapping[str, StateRule]:
        known: Mapping[str, StateRule] = cls.model_fields["states"].default
        return {**known, **rules}

    @property
    def waiting_states(self) -> frozenset[str]:
        """States and statuses in which orders wait."""
        return frozenset(name for name, rule in self.states.items() if rule == "wait")

    def payment_rule(self, method: str) -> PaymentRule:
        """The rule for Magento's payment method code `method`."""
        return self.payment.get(method, self.payment["default"])


class Retry(Section):
    """When a failed attempt is made again."""

    first: Duration = Field(
        default=timedelta(seconds=5), description="Wait after the first failure."
    )
    factor: Factor = Field(default=2.0, description="How much longer each further wait is.")
    most: Duration = Field(default=timedelta(minutes=30), description="The longest wait.")
    give_up_after: Duration = Field(
        default=timedelta(hours=48), description="When an event is parked for a human instead."
    )

    @model_validator(mode="after")
    def _waits_grow(self) -> Retry:
        if self.most < self.first:
            raise contradiction("is shorter than the first wait", "most")
        if self.give_up_after < self.most:
            raise contradiction("is shorter than the longest wait (most)", "give_up_after")
        return self


class InDoubt(Section):
    """What happens after a call whose answer did not come or cannot be trusted."""

    probe_after: Duration = Field(
        default=timedelta(seconds=2),
        description="When the ERP is first asked whether it has booked the order.",
    )
    trust_absence_after: Duration = Field(
        default=timedelta(seconds=60),
        description="How long after the call the ERP's 'I do not have it' is believed and the "
        "order sent again. It may still be working on a request whose answer timed out: longer "
        "than it ever takes to book.",
    )

    @model_validator(mode="after")
    def _asks_before_it_believes(self) -> InDoubt:
        if self.trust_absence_after < self.probe_after:
            raise contradiction("is shorter than probe_after", "trust_absence_after")
        return self


class StatusMapping(Section):
    """What an order becomes in Magento. Its state stays what it is."""

    status: OrderStatus = Field(description="Magento order status.", examples=["erp_posted"])
    label: Label = Field(description="Its name in the admin.", examples=["Posted in ERP"])
    comment: Comment | None = Field(
        default=None,
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
        examples=['"ERP status {status}"'],
    )


class Accepted(StatusMapping):
    """What an order becomes when the ERP has taken it."""

    status: OrderStatus = Field(default="erp_received", description="Magento order status.")
    label: Label = Field(default="Received by ERP", description="Its name in the admin.")
    comment: Comment | None = Field(
        default="ERP order {reference}",
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
    )


class Rejected(StatusMapping):
    """What an order becomes when the ERP has refused it."""

    hold: Switch = Field(
        default=True, description="Hold the order the way Magento does, so that Unhold releases it."
    )
    status: OrderStatus = Field(default="erp_rejected", description="Magento order status.")
    label: Label = Field(default="Rejected by ERP", description="Its name in the admin.")
    released: OrderStatus | None = Field(
        default="erp_released",
        description="Magento order status that Unhold gives the order, until the ERP has answered "
        "again. It tells a person's Unhold from a save of Magento that took our hold away unseen; "
        "null: Unhold gives back the status from before, and every hold that is gone counts as a "
        "person's Unhold.",
    )
    released_label: Label = Field(default="Goes to ERP again", description="Its name in the admin.")
    comment: Comment | None = Field(
        default="ERP refused: {message}",
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
    )


class Acknowledge(Section):
    """How the ERP's answer comes back into the Magento order."""

    number: Literal["ext_order_id", "none"] = Field(
        default="ext_order_id",
        description="Column of Magento's order that takes the ERP's number: ext_order_id; or none, "
        "where it belongs to another module (a payment module keeps its charge there). One that "
        "holds something else is never overwritten, and what does not fit is never cut: the number "
        "then stands in the comment only.",
    )
    accepted: Accepted = Field(default=Accepted(), description="The ERP has taken the order.")
    rejected: Rejected = Field(default=Rejected(), description="The ERP has refused the order.")
    statuses: Mapping[str, StatusMapping] = Field(
        default={},
        description="ERP status, as the adapter gives it → what the order becomes in Magento.",
        examples=['{POSTED: {status: erp_posted, label: "Posted in ERP"}}'],
    )

    @model_validator(mode="after")
    def _one_label_per_status(self) -> Acknowledge:
        labels = {self.accepted.status: self.accepted.label}
        rejected = self.rejected
        named: list[tuple[str, str, tuple[str, ...]]] = [
            (rejected.status, rejected.label, ("rejected", "label"))
        ]
        if rejected.released is not None:
            where = ("rejected", "released_label")
            named.append((rejected.released, rejected.released_label, where))
        named += [
            (mapping.status, mapping.label, ("statuses", code, "label"))
            for code, mapping in self.statuses.items()
        ]
        for status, label, at in named:
            if labels.setdefault(status, label) != label:
                raise contradiction(
                    f'status {status} is called "{labels[status]}" elsewhere; '
                    "one status has one label",
                    *at,
                )
        return self


class Compare(Section):
    """What the ERP answered against what was sent."""

    total: Tolerance = Field(
        default=Decimal("0.01"), description="Difference of the total that still counts as equal."
    )
    tax: Tolerance = Field(
        default=Decimal("0.01"), description="Difference of the tax that still counts as equal."
    )
    line: Tolerance = Field(
        default=Decimal("0.01"),
        description="Difference of a line's price, total, discount or tax that still counts as "
        "equal, where the ERP tells its lines. Quantities are compared exactly.",
    )
    lines: Literal["exact", "ignore"] = Field(
        default="exact",
        description="Number of lines: exact; or ignore, for an ERP that tells none.",
    )


class Total(Section):
    """An amount of an order that Magento does not have of itself."""

    counts: Literal["plus", "minus", "no"] = Field(
        default="plus",
        description="Whether the grand total has it: plus (a fee), minus (a discount), or no (it "
        "is in another amount already, and only to be read).",
    )
    base: Identifier | None = Field(
        default=None,
        description="The column of the same amount in the base currency (default: base_ and the "
        "column, where the shop has it).",
        examples=["gw_base_price"],
    )
    of: Literal["order", "items"] = Field(
        default="order", description="Its table: sales_order, or sales_order_item (a line's own)."
    )


class Orders(Section):
    """Orders, from Magento to the ERP."""

    enabled: Switch = Field(default=True, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        default="magento", description="Which side's word counts where they differ."
    )
    ref: ReferenceTemplate = Field(
        default=NUMBER,
        description="The external reference: what the ERP calls an order of ours, and is asked "
        "for. {increment_id}, {store_id} and {entity_id} may stand in it. Where stores share "
        "numbers, '{store_id}-{increment_id}' keeps their orders apart (doctor says so). An order "
        "keeps the one it was booked under. Expressions have it as ref.",
    )
    every: Duration = Field(
        default=timedelta(milliseconds=250),
        description="The shortest time between two sendings. An order that comes alone is sent at "
        "once; those that come within this time after it go together.",
    )
    batch: Annotated[int, Field(strict=True, ge=1, le=1000), Kind("whole number")] = Field(
        default=50,
        description="Orders claimed at a time, and sent in one call where the ERP takes several.",
    )
    lease: Duration = Field(
        default=timedelta(seconds=60),
        description="How long a claim holds. What is not settled by then counts as unknown. Must "
        "be longer than a call may take.",
    )
    pause_alarm: Duration = Field(
        default=timedelta(hours=4),
        description="A pause that lasts longer, or has no end, is told every hour by the daemon, "
        "and by status.",
    )
    gate: Gate = Field(default=Gate(), description="What an order must have before it may go.")
    totals: Mapping[Identifier, Total] = Field(
        default={},
        description="Further columns of amounts, by name: payment fees, surcharges of modules. "
        "They come into the arithmetic, and into the mapping as order.extra.NAME, item.extra.NAME "
        "and order.charges. Adobe Commerce's own are known without being named.",
        examples=["{mollie_payment_fee: {}, line_surcharge: {of: items}}"],
    )
    tolerance: Tolerance = Field(
        default=Decimal("0.01"),
        description="How far an order's amounts may be off its total. Magento's own roundings and "
        "its modules' leave a cent now and then; what is within it is sent, and logged.",
    )
    retry: Retry = Field(default=Retry(), description="When a failed attempt is made again.")
    unknown: InDoubt = Field(
        default=InDoubt(), description="What happens after a call whose answer did not come."
    )
    acknowledge: Acknowledge = Field(
        default=Acknowledge(), description="How the ERP's answer comes back into the Magento order."
    )
    compare: Compare = Field(
        default=Compare(),
        description="What the ERP answered against what was sent; more is a difference at once.",
    )


class Domains(Section):
    """What is carried. Each domain has its own owner, pace and rules."""

    orders: Orders = Field(default=Orders(), description="Orders, from Magento to the ERP.")


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
    erp: Erp = Field(description="The ERP and how to talk to it.")
    capture: Capture = Field(default=Capture(), description="How changes in Magento are learnt of.")
    domains: Domains = Field(default=Domains(), description="What is carried.")
    logging: Logging = Field(default=Logging(), description="Where the log goes.")
    metrics: Metrics = Field(default=Metrics(), description="Figures for a monitoring system.")
    heartbeat: Heartbeat = Field(
        default=Heartbeat(), description="A dead man's switch: it is asked for while all is well."
    )

    @model_validator(mode="after")
    def _lease_outlives_a_call(self) -> Settings:
        # A claim that expires while the ERP is still answering turns a success into an unknown.
        longest_call = self.erp.timeout.connect + self.erp.timeout.read
        if self.domains.orders.lease <= longest_call:
            raise contradiction(
                f"is no longer than a call may take ({format_duration(longest_call)}: erp.timeout)",
                "domains", "orders", "lease",
            )  # fmt: skip
        return self
