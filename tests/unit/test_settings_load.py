from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import indent

import pytest

from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.settings.load import find_path, load
from sidecar.settings.quantities import Rate

EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "sidecar.yaml"

# Line 1 is `version`; tests add what they are about below, from line 8 on.
COMPLETE = """\
version: 1
shop:
  timezone: Europe/Berlin
  database: {password: {credential: shop}}
erp:
  adapter: rest.generic
  url: https://erp.example.com
"""


@pytest.fixture
def main(tmp_path: Path) -> Path:
    path = tmp_path / "sidecar.yaml"
    path.write_text(COMPLETE)
    return path


@pytest.fixture
def drop_ins(tmp_path: Path) -> Path:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    return folder


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(path)
    assert "config validate" in raised.value.remedy
    return raised.value.message.splitlines()


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs ../shared, which users do not have")
def test_the_example_of_the_design_loads_as_written() -> None:
    loaded = load(EXAMPLE)
    settings = loaded.settings
    assert settings.shop.database.table_prefix == ""
    assert settings.ledger.schema == "erp_sidecar"
    assert settings.ledger.keep == timedelta(days=400)
    assert settings.accounts["main"].calls == EXAMPLE.with_name("legacy-rest.yaml")
    assert settings.accounts["main"].throttle.requests == Rate(120, timedelta(minutes=1))
    assert settings.accounts["main"].throttle.reserve == Decimal("0.2")
    assert settings.accounts["main"].auth.basic is not None
    assert settings.accounts["main"].auth.basic.password.credential == "erp-password"
    orders = settings.domains.orders
    assert orders.retry.give_up_after == timedelta(hours=48)
    assert orders.gate.payment_rule("banktransfer") == "paid"
    assert orders.gate.payment_rule("paypal") == "authorized"
    assert orders.acknowledge.statuses["POSTED"].label == "Posted in ERP"
    assert orders.compare.total == Decimal("0.01")
    assert loaded.origin["domains.orders.compare.lines"] == f"{EXAMPLE}:42"


def test_a_short_file_is_complete(main: Path) -> None:
    settings = load(main).settings
    assert settings.shop.name == "main"
    assert settings.capture.sweep_every == timedelta(seconds=60)
    assert settings.domains.orders.acknowledge.rejected.hold is True
    assert settings.logging.file is None


def test_without_triggers_the_sweep_runs_often_unless_told_otherwise(main: Path) -> None:
    main.write_text(COMPLETE + "capture: {triggers: false}\n")
    assert load(main).settings.capture.sweep_every == timedelta(seconds=5)
    main.write_text(COMPLETE + "capture: {triggers: false, sweep_every: 20s}\n")
    assert load(main).settings.capture.sweep_every == timedelta(seconds=20)


def test_a_table_whose_keys_are_all_commented_out_has_its_defaults(main: Path) -> None:
    main.write_text(COMPLETE + "capture:\n  # triggers: false\nlogging:\n")
    assert load(main).settings.capture.triggers is True


def test_a_gate_without_a_default_keeps_the_safe_one(main: Path) -> None:
    main.write_text(COMPLETE + "domains: {orders: {gate: {payment: {checkmo: always}}}}\n")
    gate = load(main).settings.domains.orders.gate
    assert (gate.payment_rule("checkmo"), gate.payment_rule("other")) == ("always", "authorized")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("capture: {pol: 1s}", 'capture.pol: unknown key; did you mean "poll"?'),
        ("timezone: UTC", 'timezone: unknown key here; did you mean "shop.timezone"?'),
        (
            "logging: {level: inof}",
            '"inof" is none of debug, info, warning, error; did you mean',
        ),
        ("capture: {triggers: yes}", "capture.triggers: needs true or false"),
        ("capture: {poll: 5}", "capture.poll: is no duration; write a whole number and a unit"),
        ("logging: 5", "logging: needs a table"),
        ("ledger: {schema: 'a b'}", "ledger.schema: may have letters"),
        ("domains: {orders: {owner: erp}}", "is none of magento"),
        ("domains: {order_status: {}}", "domains.order_status.lifecycle: is missing"),
        ("domains: {order: {}}", 'domains.order: unknown key; did you mean "orders"?'),
        ("domains: {orders: {batch: 0}}", "domains.orders.batch: must be at least 1"),
        ("domains: {orders: {lease: 35s}}", "lease: is no longer than a call may take (35s"),
        (
            "domains: {orders: {gate: {payment: {checkmo: payed}}}}",
            'checkmo: "payed" is none of always, authorized, paid, never; did you mean "paid"?',
        ),
        (
            "domains: {orders: {acknowledge: {accepted: {comment: 'No {referense}'}}}}",
            "names {referense}; it may name {reference}, {status}, {code}, {message}; "
            'did you mean "reference"?',
        ),
        (
            "domains: {orders: {acknowledge: {statuses: {P: {status: erp_received, label: L}}}}}",
            'statuses.P.label: status erp_received is called "Received by ERP" elsewhere',
        ),
        ("domains: {orders: {retry: {most: 1s}}}", "retry.most: is shorter than the first wait"),
        ("domains: {orders: {share: 51%}}", "share: is more than half; write 0% … 50%"),
        ("domains: {refunds: {priority: 0}}", "domains.refunds.priority: "),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(
    main: Path, written: str, said: str
) -> None:
    main.write_text(f"{COMPLETE}{written}\n")
    (problem,) = problems(main)
    assert problem.startswith(f"{main}:8: ")
    assert said in problem


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(main: Path) -> None:
    main.write_text(
        "version: 2\nshop:\n  timezone: Europe/Berln\n  database:\n    pasword: {env: X}\n"
        "erp: {adapter: x}\n"
    )
    told = problems(main)
    assert [problem.split(": ")[0] for problem in told] == [
        f"{main}:1",
        f"{main}:3",
        f"{main}:5",
        f"{main}:6",
    ]
    assert 'did you mean "Europe/Berlin"?' in told[1]
    assert 'did you mean "password"?' in told[2]
    assert "erp.url: is missing; write url (REST) or wsdl (SOAP)" in told[3]


@pytest.mark.parametrize(
    "written",
    [
        "erp: {auth: hunter2}",
        "erp: {auth: {bearer: hunter2}}",
        "erp: {auth: {bearer: {token: hunter2}}}",
        "erp: {auth: {bearer: {token: {hunter2}}}}",
        "erp: {auth: {bearer: {token: {secret: hunter2}}}}",
        "erp: {auth: {bearer: {token: {env: hunter-2 hunter2}}}}",
        "erp: {auth: {header: {name: X, value: [hunter2]}}}",
        "erp: {url: 'https://u:hunter2@erp.example.com'}",
        "erp: {url: 'hunter2'}",
        "shop: {database: {password: hunter2}}",
        "shop: {database: {passwort: hunter2}}",
    ],
)
def test_a_secret_in_clear_is_refused_and_never_repeated(
    main: Path, drop_ins: Path, written: str
) -> None:
    (drop_ins / "login.yaml").write_text(f"\n{written}\n")
    with pytest.raises(ConfigurationError) as raised:
        load(main)
    assert "hunter2" not in str(raised.value)
    assert f"{drop_ins / 'login.yaml'}:2: " in raised.value.message
    assert raised.value.__cause__ is None


def test_the_login_is_either_magento_root_or_written_out(main: Path) -> None:
    for login, said in [
        ("{}", "shop.database: has no login"),
        (
            "{magento_root: /m, user: u}",
            "shop.database.magento_root: stands beside user; keep either",
        ),
        (
            "{socket: /s, port: 1, password: {env: P}}",
            "shop.database.socket: stands beside port; keep one",
        ),
    ]:
        main.write_text(COMPLETE.replace("{password: {credential: shop}}", login))
        (problem,) = problems(main)
        assert problem.startswith(f"{main}:4: {said}")


def test_later_files_win_tables_merge_and_origins_are_kept(main: Path, drop_ins: Path) -> None:
    (drop_ins / "20-slow.yaml").write_text("erp:\n  throttle:\n    requests: 10/min\n")
    (drop_ins / "10-fast.yaml").write_text("erp: {throttle: {requests: 900/min, concurrency: 9}}\n")
    loaded = load(main)
    assert loaded.settings.accounts["main"].throttle.requests == Rate.parse("10/min")
    assert loaded.settings.accounts["main"].throttle.concurrency == 9
    assert loaded.origin["erp.throttle.requests"] == f"{drop_ins / '20-slow.yaml'}:3"
    assert loaded.origin["erp.throttle.concurrency"] == f"{drop_ins / '10-fast.yaml'}:1"
    assert loaded.origin["erp.url"] == f"{main}:7"
    assert "erp.breaker.after" not in loaded.origin
    assert [file.name for file in loaded.files] == ["sidecar.yaml", "10-fast.yaml", "20-slow.yaml"]


def test_a_secret_or_login_given_in_another_way_replaces_the_first(
    main: Path, drop_ins: Path
) -> None:
    main.write_text(COMPLETE + "  auth: {bearer: {token: {env: T}}}\n")
    (drop_ins / "staging.yaml").write_text(
        "shop: {database: {password: {file: /staging}}}\n"
        "erp: {auth: {basic: {user: u, password: {env: P}}}}\n"
    )
    loaded = load(main)
    assert loaded.settings.shop.database.password is not None
    assert loaded.settings.shop.database.password.credential is None
    assert loaded.settings.accounts["main"].auth.bearer is None
    assert loaded.settings.accounts["main"].auth.basic is not None
    assert "erp.auth.bearer.token.env" not in loaded.origin


def test_paths_are_relative_to_the_file_they_are_written_in(main: Path, drop_ins: Path) -> None:
    main.write_text(COMPLETE + "  calls: calls.yaml\n")
    (drop_ins / "a.yaml").write_text("erp: {tls: {ca_file: ca.pem}}\nlogging: {file: /var/log/x}\n")
    settings = load(main).settings
    assert settings.accounts["main"].calls == main.parent / "calls.yaml"
    assert settings.accounts["main"].tls.ca_file == drop_ins / "ca.pem"
    assert settings.logging.file == Path("/var/log/x")


def test_every_broken_file_is_named_and_holes_are_not_reported(main: Path, drop_ins: Path) -> None:
    main.write_text("version: 1\nversion: 2\n")
    (drop_ins / "a.yaml").write_text("shop: [\n")
    (drop_ins / "b.yml").write_text("")
    told = problems(main)
    assert sorted(problem.split(": ")[0] for problem in told) == [
        f"{drop_ins}/a.yaml:2",
        f"{drop_ins}/b.yml",
        f"{main}:2",
    ]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as raised:
        load(tmp_path / "sidecar.yaml")
    assert f"erp-sidecar config generate > {tmp_path / 'sidecar.yaml'}" in raised.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_a_matter_of_permission(main: Path) -> None:
    main.chmod(0o000)
    with pytest.raises(PermissionDenied, match="may not be read"):
        load(main)


def test_the_option_wins_over_the_environment_over_the_default() -> None:
    environ = {"ERP_SIDECAR_CONFIG": "/env.yaml"}
    assert find_path("/option.yaml", environ) == Path("/option.yaml")
    assert find_path(None, environ) == Path("/env.yaml")
    assert find_path(None, {}) == Path("/etc/erp-sidecar/sidecar.yaml")


def with_erp(main: Path, erp: str) -> Path:
    main.write_text(COMPLETE.partition("erp:")[0] + "erp:\n" + indent(erp, "  "))
    return main


def test_a_wsdl_is_a_file_beside_the_configuration_or_an_address(main: Path) -> None:
    file = load(with_erp(main, "adapter: soap.generic\nwsdl: legacy.wsdl\n")).settings
    assert file.accounts["main"].wsdl == main.with_name("legacy.wsdl")

    url = "http://erp/orders?wsdl"
    address = load(with_erp(main, f"adapter: soap.generic\nwsdl: {url}\n")).settings
    assert address.accounts["main"].wsdl == url


@pytest.mark.parametrize(
    ("erp", "told"),
    [
        ("adapter: a\n", "erp.url: is missing; write url (REST) or wsdl (SOAP)"),
        ("adapter: a\nurl: http://erp\nwsdl: a.wsdl\n", "erp.url: stands beside wsdl"),
        ("adapter: a\nurl: http://erp\nendpoint: http://erp\n", "erp.endpoint: has no wsdl"),
        (
            "adapter: a\nwsdl: http://me:secret@erp/?wsdl\n",
            "erp.wsdl: is no address without a login",
        ),
    ],
)
def test_an_erp_has_one_address(main: Path, erp: str, told: str) -> None:
    [problem] = problems(with_erp(main, erp))

    assert told in problem
    assert "secret" not in problem


def test_a_secret_of_the_calls_is_a_file_beside_the_configuration(main: Path) -> None:
    path = with_erp(main, "adapter: a\nurl: https://erp\nsecrets: {key: {file: key}}\n")

    assert load(path).settings.accounts["main"].secrets["key"].file == main.with_name("key")
