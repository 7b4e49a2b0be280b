"""The whole configuration file as typed, immutable values.

Attribute names are the keys of the file.  Every `description` is what `erp-sidecar config
generate` writes above the key and what docs/configuration.md says about it, so it is written for
the operator who sets it.  Rules that span several keys are validators here; where the offending
key lies deeper than the model that found it, the error carries its path (`_contradiction`).
"""

from __future__ import annotations

import difflib
import re
import string
import warnings
import zoneinfo
from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sidecar.settings.quantities import Duration, Kind, Percent, Rate, RequestRate

# Domains that the design names and this version does not carry yet: refused with that sentence
# instead of "unknown key", so that nobody searches for a spelling mistake.
DOMAINS_TO_COME = (
    "refunds", "invoices", "shipments", "customers", "inventory", "prices", "products",
)  # fmt: skip

# What a comment written into a Magento order may name.
COMMENT_FIELDS = ("reference", "status", "code", "message")


def closest(word: object, known: Collection[str]) -> str:
    """`; did you mean "x"?` for the nearest of `known`, else nothing."""
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def _contradiction(message: str, *at: str) -> PydanticCustomError:
    """An error that belongs to the key `at` below the model whose validator raises it."""
    return PydanticCustomError("contradiction", "{text}", {"text": message, "at": at})


def _slug(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text):
        raise ValueError("may have lower-case letters, digits, - and _ only, at most 63 of them")
    return text


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_$-]{1,64}", text):
        raise ValueError("may have letters, digits, _, $ and - only, at most 64 of them")
    return text


def _table_prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{0,32}", text):
        raise ValueError("may have letters, digits and _ only, at most 32 of them")
    return text


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = closest(name, zoneinfo.available_timezones())
        raise ValueError(
            f'"{name}" is no time zone{hint or "; write one such as Europe/Berlin"}'
        ) from None
    return name


def _http_url(url: str) -> str:
    # The message never repeats the address: people put passwords into it.
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError("is no address; write https://host/path")
    if parts.username or parts.password:
        raise ValueError("holds a login; write it under erp.auth instead")
    if parts.query or parts.fragment:
        raise ValueError("may have no ? or # part")
    return url


def _order_status(code: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", code):
        raise ValueError("is no order status code; lower-case letters, digits and _, at most 32")
    return code


def _comment(text: str) -> str:
    try:
        named = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:
        raise ValueError("has an unpaired brace; write {{ and }} for braces of your own") from None
    for name in named:
        if name not in COMMENT_FIELDS:
            may = ", ".join(f"{{{field}}}" for field in COMMENT_FIELDS)
            raise ValueError(f"names {{{name}}}; it may name {may}{closest(name, COMMENT_FIELDS)}")
    return text


Slug = Annotated[str, AfterValidator(_slug), Kind("name")]
Identifier = Annotated[str, AfterValidator(_identifier), Kind("name")]
TablePrefix = Annotated[str, AfterValidator(_table_prefix), Kind("text")]
Timezone = Annotated[str, AfterValidator(_timezone), Kind("time zone")]
HttpUrl = Annotated[str, AfterValidator(_http_url), Kind("address")]
OrderStatus = Annotated[str, AfterValidator(_order_status), Kind("order status code")]
Label = Annotated[str, Field(min_length=1, max_length=128), Kind("text")]
Comment = Annotated[str, AfterValidator(_comment), Kind("text")]
Text = Annotated[str, Field(min_length=1), Kind("text")]
FilePath = Annotated[Path, Kind("path")]
Switch = Annotated[bool, Field(strict=True), Kind("true or false")]
Count = Annotated[int, Field(strict=True, ge=1), Kind("whole number")]
Port = Annotated[int, Field(strict=True, ge=1, le=65535), Kind("port")]
Factor = Annotated[float, Field(ge=1, le=100), Kind("number")]
Tolerance = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=4), Kind("amount")]
PaymentRule = Literal["always", "authorized", "paid", "never"]


class Section(BaseModel):
    """A table of the file. Unknown keys are errors, and no error repeats a value it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    # A table of which exactly one key (of a given set) is written: merging replaces it whole.
    one_of: ClassVar[bool] = False


class SecretRef(Section):
    """Where a secret is kept. The secret itself never stands in this file."""

    one_of = True

    credential: Text | None = Field(
        None, description="Name of a systemd credential (LoadCredential= in the unit).",
        examples=["erp-password"],
    )  # fmt: skip
    file: FilePath | None = Field(
        None, description="File that only its owner can read (chmod 600).",
        examples=["/etc/erp-sidecar/erp.password"],
    )  # fmt: skip
    env: Text | None = Field(
        None, description="Environment variable. Other processes of the user can read it: warned of.",
        examples=["ERP_PASSWORD"],
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _by_reference_only(cls, given: Any) -> Any:
        # Everything that was written here may be the secret itself, keys too, so nothing is quoted.
        if isinstance(given, cls):
            return given
        kinds = tuple(cls.model_fields)
        if not isinstance(given, Mapping):
            raise ValueError(
                "a secret is never written in clear; "
                "write {credential: NAME}, {file: PATH} or {env: NAME}"
            )
        if len(given) != 1 or not set(given) <= set(kinds):
            hint = "".join(closest(key, kinds) for key in given if key not in kinds)
            raise ValueError(f"needs exactly one of credential, file and env{hint}")
        ((kind, name),) = given.items()
        allowed = {
            "credential": r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}",
            "env": r"[A-Za-z_][A-Za-z0-9_]*",
        }
        if not isinstance(name, str | Path) or not re.fullmatch(
            allowed.get(kind, "(?s).+"), str(name)
        ):
            raise ValueError(f"{kind} needs {'a path' if kind == 'file' else 'a name'} as text")
        return given


class Database(Section):
    """Magento's database: either `magento_root` or the login itself."""

    magento_root: FilePath | None = Field(
        None,
        description="Magento's folder. The login is then read from its app/etc/env.php, without "
        "running PHP, and no other key of this table may be written.",
        examples=["/var/www/magento"],
    )
    host: Text = Field("127.0.0.1", description="Server of the database.")
    port: Port = Field(3306, description="Its TCP port.")
    socket: FilePath | None = Field(
        None, description="Unix socket, instead of host and port.",
        examples=["/run/mysqld/mysqld.sock"],
    )  # fmt: skip
    name: Identifier = Field("magento", description="Magento's schema.")
    user: Text = Field(
        "erp_sidecar",
        description="Account of the sidecar; sql/grants.sql lists the rights it needs.",
    )
    password: SecretRef | None = Field(
        None,
        description="Its password, by reference: {credential: NAME}, {file: PATH} or {env: NAME}.",
        examples=["{file: /etc/erp-sidecar/shop.password}"],
    )
    table_prefix: TablePrefix = Field("", description="Prefix of Magento's tables, if it has one.")

    @model_validator(mode="after")
    def _one_login(self) -> Database:
        written = self.model_fields_set - {"magento_root"}
        if self.magento_root is not None and written:
            raise _contradiction(
                f"stands beside {', '.join(sorted(written))}; "
                "keep either magento_root or the login itself",
                "magento_root",
            )
        if self.magento_root is None and self.password is None:
            raise ValueError("has no login; write password: {file: PATH}, or magento_root: PATH")
        if self.socket is not None and (both := {"host", "port"} & written):
            raise _contradiction(f"stands beside {', '.join(sorted(both))}; keep one", "socket")
        return self


class Shop(Section):
    """The Magento shop."""

    name: Slug = Field(
        "main", description="Name of this shop in event sources, metrics and logs. Never change it."
    )
    timezone: Timezone = Field(
        # Required: a wrong zone books orders of the night on the wrong day, and nobody would see.
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
            "erp_sidecar",
            description="Schema of the sidecar's tables, on Magento's server. null: inside Magento's "
            "schema, with names that begin with erp_sidecar_, for hosts that allow one schema only.",
        )
        keep: Duration = Field(
            timedelta(days=400),
            description="How long finished events stay in the ledger before they are archived.",
        )


class Timeout(Section):
    """How long a call to the ERP may take."""

    connect: Duration = Field(timedelta(seconds=5), description="Until the connection stands.")
    read: Duration = Field(
        timedelta(seconds=30),
        description="Until the answer comes. An answer that comes later is unknown, and is asked for.",
    )


class BasicAuth(Section):
    """HTTP basic authentication."""

    user: Text = Field(description="User name.", examples=["magento"])
    password: SecretRef = Field(
        description="Password, by reference.", examples=["{credential: erp-password}"]
    )


class BearerAuth(Section):
    """A fixed token in the Authorization header."""

    token: SecretRef = Field(
        description="Token, by reference.", examples=["{credential: erp-token}"]
    )


class HeaderAuth(Section):
    """A secret in a header of its own."""

    name: Text = Field(description="Name of the header.", examples=["X-Api-Key"])
    value: SecretRef = Field(
        description="Its value, by reference.", examples=["{credential: erp-key}"]
    )


class ClientCredentialsAuth(Section):
    """OAuth 2.0 client credentials: a token is fetched and renewed."""

    token_url: HttpUrl = Field(
        description="Where the token is fetched.", examples=["https://login.example.com/token"]
    )
    client_id: Text = Field(description="Client id.", examples=["magento"])
    client_secret: SecretRef = Field(
        description="Client secret, by reference.", examples=["{credential: erp-client-secret}"]
    )
    scope: Text | None = Field(
        None, description="Scope to ask for.", examples=["https://erp.example.com/.default"]
    )


class Auth(Section):
    """How the ERP knows us: `none`, or one of these tables. A new way is a new key here."""

    one_of = True

    basic: BasicAuth | None = Field(None, description="HTTP basic authentication.")
    bearer: BearerAuth | None = Field(None, description="A fixed bearer token.")
    header: HeaderAuth | None = Field(None, description="A secret in a header of its own.")
    oauth2_client_credentials: ClientCredentialsAuth | None = Field(
        None, description="OAuth 2.0 client credentials."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_way(cls, given: Any) -> Any:
        if given == "none":
            return {}
        ways = ", ".join(cls.model_fields)
        if not isinstance(given, Mapping | cls):  # may be a secret: not quoted
            raise ValueError(f"is none, or a table with one of {ways}")
        if isinstance(given, Mapping) and len(given) > 1 and set(given) <= set(cls.model_fields):
            raise ValueError(f"has {', '.join(given)}; keep one of them")
        return given


class Tls(Section):
    """TLS towards the ERP. It is always verified."""

    ca_file: FilePath | None = Field(
        None, description="Certificates to trust instead of the system's.",
        examples=["/etc/erp-sidecar/erp-ca.pem"],
    )  # fmt: skip
    client_certificate: FilePath | None = Field(
        None, description="Client certificate (PEM).", examples=["/etc/erp-sidecar/client.pem"]
    )
    client_key: FilePath | None = Field(
        None, description="Its private key (PEM), where it is not in the same file.",
        examples=["/etc/erp-sidecar/client.key"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> Tls:
        if self.client_key is not None and self.client_certificate is None:
            raise _contradiction("has no client_certificate beside it", "client_key")
        return self


class Throttle(Section):
    """What the ERP can bear, over all domains together."""

    concurrency: Count = Field(4, description="Calls at the same time.")
    requests: RequestRate = Field(Rate(120, timedelta(minutes=1)), description="Calls per window.")
    reserve: Percent = Field(
        Decimal("0.2"),
        description="Share of that rate that is left to the people who work in the ERP.",
    )

    @model_validator(mode="after")
    def _something_is_left(self) -> Throttle:
        if self.reserve >= 1:
            raise _contradiction("leaves nothing to send with; write less than 100%", "reserve")
        return self


class Breaker(Section):
    """When the ERP is down: stop calling, ask now and then."""

    after: Count = Field(5, description="Transport failures in a row that open the breaker.")
    probe_every: Duration = Field(
        timedelta(seconds=60), description="How often the ERP is then asked whether it is back."
    )


class Erp(Section):
    """The ERP and how to talk to it."""

    adapter: Text = Field(
        description="Adapter, by its entry-point name.", examples=["rest.generic"]
    )
    url: HttpUrl = Field(
        description="Address that the paths of the calls are added to.",
        examples=["https://erp.example.com/api/v2"],
    )
    timeout: Timeout = Field(Timeout(), description="How long a call may take.")
    auth: Auth = Field(
        Auth(), description="How the ERP knows us: none, or one way to log in.", examples=["none"]
    )
    tls: Tls = Field(Tls(), description="TLS towards the ERP. It is always verified.")
    calls: FilePath | None = Field(
        None,
        description="The generic adapters' file of calls, relative to the file this is written in.",
        examples=["mappings/legacy-rest.yaml"],
    )
    throttle: Throttle = Field(
        Throttle(), description="What the ERP can bear, over all domains together."
    )
    breaker: Breaker = Field(Breaker(), description="What happens while the ERP is down.")


class Capture(Section):
    """How the sidecar learns of changes in Magento."""

    triggers: Switch = Field(
        True,
        description="Let triggers point at changes. false: the sweep alone finds them, for servers "
        "where no trigger may be created.",
    )
    poll: Duration = Field(
        timedelta(milliseconds=250), description="How often the triggers' outbox is read."
    )
    sweep_every: Duration = Field(
        timedelta(seconds=60),
        description="How often recent changes are searched for without triggers "
        "(default without triggers: 5s).",
    )
    full_sweep_every: Duration = Field(
        timedelta(hours=1), description="How often all of Magento's orders are compared."
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
            raise _contradiction("is shorter than sweep_every", "full_sweep_every")
        return self


class Gate(Section):
    """What an order must have before it may go."""

    payment: Mapping[str, PaymentRule] = Field(
        {"default": "authorized"},
        description="Payment method → when its orders may go: always · authorized (or paid) · paid · "
        "never. `default` is for every method that is not named.",
        examples=["{checkmo: always, banktransfer: paid, default: authorized}"],
    )

    def payment_rule(self, method: str) -> PaymentRule:
        """The rule for Magento's payment method code `method`."""
        return self.payment.get(method, self.payment.get("default", "authorized"))


class Retry(Section):
    """When a failed attempt is made again."""

    first: Duration = Field(timedelta(seconds=5), description="Wait after the first failure.")
    factor: Factor = Field(2.0, description="How much longer each further wait is.")
    most: Duration = Field(timedelta(minutes=30), description="The longest wait.")
    give_up_after: Duration = Field(
        timedelta(hours=48), description="When an event is parked for a human instead."
    )

    @model_validator(mode="after")
    def _waits_grow(self) -> Retry:
        if self.most < self.first:
            raise _contradiction("is shorter than the first wait", "most")
        if self.give_up_after < self.most:
            raise _contradiction("is shorter than the longest wait (most)", "give_up_after")
        return self


class StatusMapping(Section):
    """What an order becomes in Magento. Its state stays what it is."""

    status: OrderStatus = Field(description="Magento order status.", examples=["erp_posted"])
    label: Label = Field(description="Its name in the admin.", examples=["Posted in ERP"])
    comment: Comment | None = Field(
        None,
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
        examples=['"ERP status {status}"'],
    )


class Accepted(StatusMapping):
    """What an order becomes when the ERP has taken it."""

    status: OrderStatus = Field("erp_received", description="Magento order status.")
    label: Label = Field("Received by ERP", description="Its name in the admin.")
    comment: Comment | None = Field(
        "ERP order {reference}",
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
    )


class Rejected(StatusMapping):
    """What an order becomes when the ERP has refused it."""

    hold: Switch = Field(
        True, description="Hold the order the way Magento does, so that Unhold releases it."
    )
    status: OrderStatus = Field("erp_rejected", description="Magento order status.")
    label: Label = Field("Rejected by ERP", description="Its name in the admin.")
    comment: Comment | None = Field(
        "ERP refused: {message}",
        description="Comment in the order's history; may name {reference}, {status}, {code} and "
        "{message}.",
    )


class Acknowledge(Section):
    """How the ERP's answer comes back into the Magento order."""

    accepted: Accepted = Field(Accepted(), description="The ERP has taken the order.")
    rejected: Rejected = Field(Rejected(), description="The ERP has refused the order.")
    statuses: Mapping[str, StatusMapping] = Field(
        {},
        description="ERP status, as the adapter gives it → what the order becomes in Magento.",
        examples=['{POSTED: {status: erp_posted, label: "Posted in ERP"}}'],
    )

    @model_validator(mode="after")
    def _one_label_per_status(self) -> Acknowledge:
        labels = {self.accepted.status: self.accepted.label}
        named = {("rejected",): self.rejected} | {
            ("statuses", code): mapping for code, mapping in self.statuses.items()
        }
        for at, mapping in named.items():
            if labels.setdefault(mapping.status, mapping.label) != mapping.label:
                raise _contradiction(
                    f'status {mapping.status} is called "{labels[mapping.status]}" elsewhere; '
                    "one status has one label",
                    *at,
                    "label",
                )
        return self


class Compare(Section):
    """What the ERP answered against what was sent."""

    total: Tolerance = Field(
        Decimal("0.00"), description="Difference of the total that still counts as equal."
    )
    tax: Tolerance = Field(
        Decimal("0.00"), description="Difference of the tax that still counts as equal."
    )
    lines: Literal["exact", "ignore"] = Field(
        "exact", description="Number of lines: exact, or ignore for an ERP that does not tell it."
    )


class Orders(Section):
    """Orders, from Magento to the ERP."""

    enabled: Switch = Field(True, description="Whether this domain runs.")
    owner: Literal["magento", "erp"] = Field(
        "magento", description="Which side's word counts where they differ."
    )
    every: Duration = Field(
        timedelta(seconds=1), description="How often orders that are due are sent."
    )
    batch: Annotated[int, Field(strict=True, ge=1, le=1000), Kind("whole number")] = Field(
        50,
        description="Orders claimed at a time, and sent in one call where the ERP takes several.",
    )
    lease: Duration = Field(
        timedelta(seconds=60),
        description="How long a claim holds. What is not settled by then counts as unknown; must be "
        "longer than a call may take.",
    )
    gate: Gate = Field(Gate(), description="What an order must have before it may go.")
    retry: Retry = Field(Retry(), description="When a failed attempt is made again.")
    acknowledge: Acknowledge = Field(
        Acknowledge(), description="How the ERP's answer comes back into the Magento order."
    )
    compare: Compare = Field(
        Compare(),
        description="What the ERP answered against what was sent; more is a difference at once.",
    )


class Domains(Section):
    """What is carried. Each domain has its own owner, pace and rules."""

    orders: Orders = Field(Orders(), description="Orders, from Magento to the ERP.")


class Logging(Section):
    """Where the log goes."""

    file: FilePath | None = Field(
        None, description="Log file; null: standard error, which systemd keeps in its journal.",
        examples=["/var/log/erp-sidecar/sidecar.log"],
    )  # fmt: skip
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines that are written."
    )
    format: Literal["json", "text", "auto"] = Field(
        "auto", description="json: one object a line; text: for people; auto: text on a terminal."
    )


class Settings(Section):
    """The whole file."""

    version: Annotated[Literal[1], Kind("1")] = Field(
        description="Version of this file's layout.", examples=[1]
    )
    shop: Shop = Field(description="The Magento shop.")
    ledger: Ledger = Field(Ledger(), description="The sidecar's own tables.")
    erp: Erp = Field(description="The ERP and how to talk to it.")
    capture: Capture = Field(Capture(), description="How the sidecar learns of changes in Magento.")
    domains: Domains = Field(Domains(), description="What is carried.")
    logging: Logging = Field(Logging(), description="Where the log goes.")

    @model_validator(mode="after")
    def _lease_outlives_a_call(self) -> Settings:
        # A claim that expires while the ERP is still answering turns a success into an unknown.
        longest_call = self.erp.timeout.connect + self.erp.timeout.read
        if self.domains.orders.lease <= longest_call:
            raise _contradiction(
                f"is no longer than a call may take (erp.timeout: {longest_call.total_seconds():g}s "
                "in all)",
                "domains", "orders", "lease",
            )  # fmt: skip
        return self
