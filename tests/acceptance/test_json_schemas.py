"""What `--json` prints is what docs/cli-schemas says, key by key, in quiet and in trouble."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.magento_db.cart import Line
from tests.crash.warehouse import calls_of, warehouse
from tests.rig import Rig, Telling

LIFECYCLE = """\
states:
  OPEN:   {meaning: final, status: erp_received, label: Received by ERP}
  POSTED: {meaning: posted, do: [comment], comment: posted, alarm_after: 2d}
transitions: {OPEN: [POSTED]}
"""

SCHEMAS = Path(__file__).parents[2] / "docs" / "cli-schemas"


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "schemas") as installed:
        yield installed


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return found


def closed(part: Any) -> Any:
    """The schema without room for keys that it does not name."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    inner = {key: closed(value) for key, value in part.items()}
    if "properties" in part and part.get("additionalProperties") is None:
        inner["additionalProperties"] = False
    return inner


def check(rig: Rig, name: str, *arguments: str) -> Any:
    """What a command prints, after it was held against its schema; `closed` finds new keys too."""
    done = subprocess.run(
        rig.command(*arguments, "--json"), capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2), done.stderr
    return read_as_the_schema_says(name, done.stdout)


def read_as_the_schema_says(name: str, printed: str) -> Any:
    """What was printed, after it was held against its schema."""
    document = json.loads(printed)
    Draft202012Validator(closed(schema(name))).validate(document)
    return document


@pytest.mark.parametrize("name", sorted(file.stem for file in SCHEMAS.glob("*.json")))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert closed(deepcopy(schema(name))) != schema(name)


def test_quiet_and_trouble_are_printed_as_the_schemas_say(rig: Rig) -> None:
    [only] = check(rig, "status", "status")["attention"]
    assert "no daemon works" in only
    assert check(rig, "queue-list", "queue", "list") == []
    numbers = []
    with Shop(rig.magento) as shop:
        for rule in ("credit_limit", "draft_on_201", "drop_tax", None):
            if rule:
                rig.erp.rule(rule, times=1)
            numbers.append(shop.place([Line("MUG", 2)]).increment_id)
            rig.sidecar("run", "--once")
        rig.sidecar("domain", "pause", "orders", "--until", "2h", "--reason", "a test")
        shop.place()
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {rig.magento.name}_ledger.link (kind, entity_id, reference, booked_at, "
            "updated_at) SELECT kind, entity_id, 'LS-1', booked_at, updated_at "
            f"FROM {rig.magento.name}_ledger.link WHERE is_main = 1"
        )
    rig.sidecar("queue", "park", numbers[0], "--reason", "a test")
    assert len(check(rig, "status", "status")["attention"]) >= 2
    assert len(check(rig, "queue-list", "queue", "list", "--all")) >= 4
    for number in numbers:
        (story,) = check(rig, "order-show", "order", "show", number)
        assert story["events"]


def test_a_stopped_domain_and_lost_triggers_are_printed_as_the_schema_says(rig: Rig) -> None:
    rig.erp.rule("unauthorised", times=1)
    with Shop(rig.magento) as shop:
        number = shop.place().increment_id
    rig.sidecar("run", "--once", code=78)
    assert check(rig, "status", "status")["domains"]["orders"]["stopped"]
    rig.sidecar("domain", "resume", "orders")
    rig.erp.stop()
    rig.sidecar("triggers", "remove")
    assert "missing" in check(rig, "status", "status")["capture"]["triggers"].values()
    (story,) = check(rig, "order-show", "order", "show", number)
    assert isinstance(story["erp"], str)


def test_a_signature_is_printed_as_the_schema_says(rig: Rig) -> None:
    file = rig.folder / "sidecar.yaml"
    owners = "owners: {finance: {name: Finance, contact: finance@example.com}}\n"
    file.write_text(owners + file.read_text("utf-8"), "utf-8")
    assert check(rig, "blueprint-diff", "blueprint", "diff") == []
    rig.sidecar("blueprint", "sign", "--as", "finance")
    file.write_text(file.read_text("utf-8").replace("timezone: UTC", "timezone: Europe/Berlin"))
    (signed,) = check(rig, "blueprint-diff", "blueprint", "diff")
    assert signed["parts"] == ["shop"]
    assert check(rig, "blueprint", "blueprint", "--signed")["signatures"][0]["current"] is False


def test_what_the_erp_said_is_printed_as_the_schemas_say(
    server: PrivateServer, tmp_path: Path
) -> None:
    """One that was applied, one that cannot be, and one of an order that nobody knows."""
    (tmp_path / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    states = f"order_status{calls_of('rest').partition('order_status')[2].partition('stock:')[0]}"
    (tmp_path / "wms.yaml").write_text(states, "utf-8")
    with warehouse(1) as told:
        telling = Telling(
            accounts=f"  wms: {{adapter: rest.generic, url: '{told.url}', calls: wms.yaml}}\n",
            domains="  order_status: {erp: wms, every: 1s, lifecycle: lifecycle.yaml}\n",
        )
        with Rig(server, tmp_path, "schemas_told", telling=telling) as rig:
            with Shop(rig.magento) as shop:
                number = shop.place().increment_id
            rig.sidecar("run", "--once")
            for order, state in ((number, "POSTED"), (number, "WEIRD"), ("none", "OPEN")):
                told.tell("states", order=order, state=state)
            rig.sidecar("run", "--once")
            listed = check(rig, "incoming-list", "incoming", "list", "--all")
            assert {one["status"] for one in listed} == {"applied", "differs", "waiting"}
            assert len(check(rig, "incoming-show", "incoming", "show", number)) == 2
            (doubtful,) = [str(one["id"]) for one in listed if one["status"] == "differs"]
            for command in ("apply", "drop"):
                done = check(rig, f"incoming-{command}", "incoming", command, doubtful, "--dry-run")
                assert [str(one["id"]) for one in done["news"]] == [doubtful]
            inbound = check(rig, "status", "status")["inbound"]["order_status"]
            assert (inbound["news"], inbound["differences"]) == ({"differs": 1, "waiting": 1}, 1)
            (story,) = check(rig, "order-show", "order", "show", number)
            assert len(story["news"]) == 2
            blueprint = check(rig, "blueprint", "blueprint")
            assert blueprint["lifecycle"]["states"]["OPEN"]["followed_by"] == ["POSTED"]
            found = check(rig, "lifecycle-check", "lifecycle", "check")["findings"]
            assert [one["id"] for one in found] == ["dead-end"]
