"""Each finding about the shop's REST API: a real server makes the fault, the doctor finds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from sidecar.doctor import api
from sidecar.doctor.examined import ExaminedInstallation
from sidecar.magento.rest.survey import RIGHTS
from sidecar.settings.load import load
from sidecar.testing.magento_db import PrivateServer
from tests.clinic import OURSELVES, Clinic
from tests.contract import magento_answers as facts
from tests.contract.magento_answers import page, says
from tests.contract.scripted_server import Received, Script, answer, scripted_server

TOKEN = "t0ken-of-the-integration"
CONFIGS = [{"id": 1, "code": "default", "base_url": "http://shop.example/"}]
MODULES = ["Magento_Store", "Magento_InventoryApi"]
Answering = Callable[[Received], list[bytes]]


def route(request: Received) -> str:
    return request.target.partition("?")[0].removeprefix("/rest/all/V1/")


def healthy(request: Received) -> list[bytes]:
    """A shop that grants everything; what is asked of order 0 it does not know."""
    match route(request):
        case "store/storeConfigs":
            return says(200, CONFIGS)
        case "modules":
            return says(200, MODULES)
        case "products/base-prices-information":
            return says(200, [])
        case path if "/0/" in path:
            return says(404, facts.NO_ENTITY)
        case "erp-sidecar/no-such-route":
            return says(404, facts.NO_ROUTE)
    return says(200, {"total_count": 3})


def without_right(request: Received) -> list[bytes]:
    return says(401, facts.NO_RIGHT) if route(request) == "order/0/ship" else healthy(request)


def of_another_shop(request: Received) -> list[bytes]:
    other = [{**CONFIGS[0], "base_url": "https://test.shop.example/"}]
    return says(200, other) if route(request) == "store/storeConfigs" else healthy(request)


def with_another_clock(request: Received) -> list[bytes]:
    now = datetime.now(UTC) + timedelta(minutes=20)
    if route(request) != "store/storeConfigs":
        return healthy(request)
    return answer(200, json.dumps(CONFIGS), Date=format_datetime(now, usegmt=True))


def without_inventory(request: Received) -> list[bytes]:
    match route(request):
        case "modules":
            return says(200, ["Magento_Store"])
        case "inventory/source-items":
            return says(404, facts.NO_ROUTE)
    return healthy(request)


@contextmanager
def with_api(clinic: Clinic, script: Script, *, gone: bool = False) -> Iterator[None]:
    """`shop.api` names a shop that answers as the script has it, or that is there no more."""
    secret = clinic.folder / "api.token"
    secret.touch(mode=0o600)
    secret.write_text(TOKEN, encoding="utf-8")
    with ExitStack() as stack:
        with ExitStack() as inner:
            server = inner.enter_context(scripted_server(script))
            url = server.url.removesuffix("/api")
            written = f"  api: {{url: '{url}', token: {{file: api.token}}}}\n  database:"
            if not gone:
                stack.push(inner.pop_all())
        stack.enter_context(clinic.edited("  database:", written))
        yield


@pytest.fixture(scope="module")
def clinic(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with ExitStack() as stack:
        made = Clinic(server, tmp_path_factory.mktemp("api"), "api")
        stack.callback(made.close)
        yield made


#: What a shop answers, and what the doctor says to it.
TROUBLES: dict[str, tuple[Answering, str]] = {
    "api-unreachable": (healthy, "the shop is not reached at http://localhost:"),
    "api-maintenance": (lambda _: page(503), "maintenance mode"),
    "api-login-refused": (lambda _: says(401, facts.NO_RIGHT), "every call is answered 401"),
    "api-answer-unfit": (lambda _: page(404), "there is no such route"),
    "api-right-missing": (without_right, "Magento_Sales::ship is missing: making shipments"),
    "api-wrong-shop": (
        of_another_shop, "answers for test.shop.example, the database is that of shop.example",
    ),
    "api-clock-skew": (with_another_clock, "s ahead of this machine's"),
    "api-without-inventory": (without_inventory, "Magento_InventoryApi is not enabled"),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_a_fault_of_the_api_is_found_alone_until_it_is_mended(clinic: Clinic, name: str) -> None:
    script, says_so = TROUBLES[name]
    with with_api(clinic, script, gone=name == "api-unreachable"):
        (finding,) = clinic.found()
    assert (finding.id, finding.section) == (name, "api")
    assert says_so in finding.found
    assert finding.remedy
    with with_api(clinic, healthy):
        assert clinic.found() == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (lambda _: answer(301, Location="https://www.shop.example/"), "redirects to"),
        (lambda _: page(200, "<html>Sign in</html>"), "cannot be read"),
        (lambda _: says(500, {"message": "Internal Error."}), "HTTP 500"),
    ],
)
def test_what_is_no_api_of_magento_is_told(clinic: Clinic, script: Answering, said: str) -> None:
    with with_api(clinic, script):
        (finding,) = clinic.found()
    assert finding.id == "api-answer-unfit"
    assert said in finding.found


def test_a_shop_without_an_api_is_not_asked_for_one(clinic: Clinic) -> None:
    assert clinic.found(*(check.id for check in api.CHECKS)) == []


def test_the_doctor_changes_nothing_in_the_shop(clinic: Clinic) -> None:
    asked: list[tuple[str, str]] = []

    def script(request: Received) -> list[bytes]:
        asked.append((request.head.split(" ")[0], route(request)))
        return healthy(request)

    with with_api(clinic, script):
        clinic.found(*(check.id for check in api.CHECKS))
    writing = [path for method, path in asked if method != "GET"]
    assert all("/0/" in path or path.endswith("-information") for path in writing)
    # One survey serves all checks; the route that nobody has tells the two kinds of 404 apart.
    assert len(asked) == len(set(asked)) + 2
    assert len(set(asked)) == len(RIGHTS) + 2


def test_the_token_is_never_printed(clinic: Clinic) -> None:
    with with_api(clinic, lambda request: says(500, {"message": request.head})):
        printed = clinic.run("doctor").output + clinic.run("doctor", "--json").output
    assert "api-answer-unfit" in printed
    assert TOKEN not in printed


def test_a_release_that_was_not_tried_is_good_to_know(clinic: Clinic, tmp_path: Path) -> None:
    def found(version: str) -> list[Any]:
        package = {"name": "magento/product-community-edition", "version": version}
        (tmp_path / "composer.lock").write_text(json.dumps({"packages": [package]}))
        installation = ExaminedInstallation(
            lambda: load(clinic.config), magento_root=tmp_path, service_user=OURSELVES
        )
        return clinic.found_by(installation, "api-release-untried")

    with with_api(clinic, healthy):
        (finding,) = found("2.4.5-p3")
        assert (finding.severity, "2.4.5-p3" in finding.found) == ("info", True)
        assert found("2.4.7-p6") == []
        assert found("2.4.8-p1") == []
