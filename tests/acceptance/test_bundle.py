"""A support bundle tells what a helper needs, nothing of a customer, an operator or a secret."""

from __future__ import annotations

import json
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from sidecar.cli.root import cli
from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.magento_db.catalogue import Address
from tests.acceptance.test_operator_commands import as_json, ok, refused_with
from tests.rig import Rig

CANARY = "Kanarienvogel"
CANARIES = [
    CANARY,
    "Zwitschergasse",
    "zwitscher@example.com",
    "0170-5550123",
    "t0ken-of-the-erp",
    "passw0rd-in-the-mapping",
    "words-of-a-comment",
    "203.0.113.77",
]
HOME = Address(
    CANARY, "Gelb", "Zwitschergasse 7", "Nestheim", "50667", "DE", "0170-5550123",
    company="Voliere GmbH", vat_id="DE999999999",
)  # fmt: skip
ALWAYS = {
    "README.txt", "versions.json", "configuration.json", "mapping.json", "server.json",
    "tables.json", "ledger.json", "triggers.json", "standing.json", "sidecar-log.jsonl",
    "missing.txt",
}  # fmt: skip


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "bundle") as installed:
        yield installed


@pytest.fixture
def spoilt(rig: Rig) -> Rig:
    """A sidecar with canaries wherever personal data and secrets may stand."""
    secret = rig.folder / "conf.d" / "token"
    secret.parent.mkdir()
    secret.touch(mode=0o600)
    secret.write_text("t0ken-of-the-erp", encoding="utf-8")
    (secret.parent / "10-erp.yaml").write_text(
        "erp: {auth: {bearer: {token: {file: token}}}}\n", encoding="utf-8"
    )
    with (rig.folder / "calls.yaml").open("a", encoding="utf-8") as calls:
        calls.write("# words-of-a-comment\n")
    with Shop(rig.magento) as shop:
        placed = shop.place(address=HOME, email="zwitscher@example.com")
        rig.erp.rule("credit_limit", times=1)
        rig.sidecar("run", "--once")
    echo = f"the customer {CANARY}, zwitscher@example.com, of Zwitschergasse 7 is blocked"
    with rig.server.connect() as connection, connection.cursor() as cursor:
        ledger = f"{rig.magento.name}_ledger"
        cursor.execute(f"UPDATE {ledger}.event SET reason = %s, error_code = %s", (echo, CANARY))
        cursor.execute(f"UPDATE {ledger}.attempt SET message = %s, answer = %s", (echo, echo))
        cursor.execute(
            f"INSERT INTO {ledger}.control (domain, stopped_at, stopped_reason) "
            "VALUES ('orders', UTC_TIMESTAMP(3), %s) "
            "ON DUPLICATE KEY UPDATE stopped_reason = VALUES(stopped_reason)",
            (echo,),
        )
    ok(rig, "domain", "pause", "orders", "--reason", f"{CANARY} from the ERP calls back")
    line = {"event": "delivery.rejected", "number": placed.increment_id, "message": echo}
    with (rig.folder / "sidecar.log").open("a", encoding="utf-8") as log:
        log.write(json.dumps({**line, "ip": "203.0.113.77"}) + "\n")
        log.write(f"a library wrote {CANARY} and 203.0.113.77\n")
        log.write(json.dumps({"event": "station.failed", "message": f"entry '{CANARY}'"}) + "\n")
    return rig


def bundled(rig: Rig, run: Callable[..., object] | None = None) -> dict[str, str]:
    """The parts of a new bundle."""
    file = rig.folder / f"bundle-{len(list(rig.folder.glob('bundle-*')))}.tar.gz"
    (run or rig.sidecar)("bundle", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as archive:
        parts = {}
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            parts[Path(member.name).name] = content.read().decode()
    return parts


def test_no_canary_of_an_order_a_person_or_a_secret_is_in_the_archive(spoilt: Rig) -> None:
    parts = bundled(spoilt)
    found = [(name, one) for name, text in parts.items() for one in CANARIES if one in text]
    assert found == []
    assert parts["missing.txt"] == ""
    assert parts.keys() - {"doctor.json"} == ALWAYS


def test_the_parts_tell_what_a_helper_asks_first(spoilt: Rig) -> None:
    parts: dict[str, Any] = {
        name: json.loads(text) for name, text in bundled(spoilt).items() if name.endswith(".json")
    }
    assert parts["versions.json"]["packages"].keys() >= {"pymysql", "zeep", "sqlalchemy"}
    values = parts["configuration.json"]["values"]
    assert values["erp.auth.bearer.token.file"]["value"].endswith("conf.d/token")
    assert values["domains.orders.batch"]["value"] == 10
    assert parts["server.json"]["variables"]["version"]
    assert parts["tables.json"][f"{spoilt.magento.name}.sales_order"]["engine"] == "InnoDB"
    assert parts["tables.json"].keys() >= {f"{spoilt.magento.name}_ledger.event"}
    assert parts["ledger.json"]["pending"] == []
    assert {one["state"] for one in parts["triggers.json"]["status"]} == {"ok"}
    orders = parts["standing.json"]["domains"]["orders"]
    assert orders["events"]["rejected"] == 1
    assert orders["working"] is False
    assert [one["status"] for one in orders["troubled"]] == ["rejected"]
    (mapping,) = parts["mapping.json"].values()
    assert "orders" in mapping


def test_the_log_keeps_its_lines_without_anybody_s_words(spoilt: Rig) -> None:
    lines = [json.loads(line) for line in bundled(spoilt)["sidecar-log.jsonl"].splitlines()]
    assert "delivery.claimed" in [line["event"] for line in lines]
    assert lines[-2]["event"] == "delivery.rejected"
    assert lines[-2].keys() == {"event", "number"}
    assert lines[-1] == {"event": "station.failed", "message": "entry '***'"}


def test_a_constant_of_the_mapping_that_is_called_a_password_is_struck_out(rig: Rig) -> None:
    calls = rig.folder / "calls.yaml"
    calls.write_text(f"{calls.read_text('utf-8')}\npassword: passw0rd-in-the-mapping\n", "utf-8")
    mapping = bundled(rig)["mapping.json"]
    (calls,) = json.loads(mapping).values()
    assert calls["password"] == "***"
    assert "passw0rd" not in mapping


def test_what_the_doctor_says_is_in_it_where_there_is_a_doctor(
    spoilt: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def doctor(*, as_json: bool) -> int:
        click.echo(f'{{"found": "stopped: the customer {CANARY}, zwitscher@example.com, of '
                   f'Zwitschergasse 7 is blocked", "json": {str(as_json).lower()}}}')  # fmt: skip
        return 2

    monkeypatch.setitem(cli.commands, "doctor", doctor)
    said = bundled(spoilt, lambda *words: ok(spoilt, *words))["doctor.json"]
    assert json.loads(said) == {"found": "stopped: ***", "json": True}


def test_a_broken_configuration_hinders_nothing_that_needs_none(rig: Rig) -> None:
    (rig.folder / "sidecar.yaml").write_text("version: 1\nshopp: {}\n", encoding="utf-8")
    parts = bundled(rig)
    assert json.loads(parts["versions.json"])["magento-erp-sidecar"]
    assert "configuration.json: " in parts["missing.txt"]
    assert "did you mean" in parts["missing.txt"]


def test_a_database_that_is_away_hinders_no_file(rig: Rig) -> None:
    settings = (rig.folder / "sidecar.yaml").read_text("utf-8")
    with Shop(rig.magento) as shop:
        shop.place()
    rig.sidecar("run", "--once")
    away = settings.replace(str(rig.server.socket), "/nowhere.sock")
    (rig.folder / "sidecar.yaml").write_text(away, encoding="utf-8")
    parts = bundled(rig)
    assert parts.keys() >= {"configuration.json", "mapping.json", "sidecar-log.jsonl"}
    assert "cannot be reached" in parts["missing.txt"]


def test_a_bundle_is_never_written_over_a_file(rig: Rig) -> None:
    file = rig.folder / "there"
    file.write_text("mine", encoding="utf-8")
    assert "exists already" in refused_with(rig, 64, "bundle", "--output", str(file))
    assert file.read_text("utf-8") == "mine"
    told = as_json(rig, "bundle", "--output", str(rig.folder / "new.tar.gz"))
    assert set(told["parts"]) - {"doctor.json"} == ALWAYS - {"sidecar-log.jsonl"}
    assert "sidecar-log.jsonl: " in told["missing"]
