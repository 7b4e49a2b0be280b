"""`erp-sidecar adapter compare`: two interfaces, as files and at an ERP's address."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from jsonschema import Draft202012Validator

from tests.acceptance.test_adapter_commands import OPENAPI, PROJECT, sidecar
from tests.acceptance.test_json_schemas import closed, schema

DOCUMENTS = ("docs/interfaces.md", "docs/new-erp.md")
CALLS = """\
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      json:
        externalNumber: =order.increment_id
        customer: =order.customer_id | string
        reference: =order.store_name
    answer: {accepted: =response.status == 201, reference: =response.body.number}
"""
CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: UTC
  database: {{host: 127.0.0.1, name: magento, user: m2, password: {{file: password}}}}
erp:
  adapter: rest.generic
  url: {url}/api
  insecure: true
  calls: calls.yaml
  auth: {{basic: {{user: m2, password: {{file: password}}}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A test system's description, a production system's, and the file of calls."""
    production = json.dumps(OPENAPI).replace('"maxLength": 35', '"maxLength": 30')
    production = production.replace('"maxLength": 4', '"maxLength": 8')
    (tmp_path / "test.json").write_text(json.dumps(OPENAPI), "utf-8")
    (tmp_path / "production.json").write_text(production, "utf-8")
    (tmp_path / "calls.yaml").write_text(CALLS, "utf-8")
    info = tmp_path / "metadata"
    info.mkdir()
    return tmp_path


@contextmanager
def behind_a_login(content: bytes) -> Iterator[tuple[str, list[str | None]]]:
    """An ERP that shows its description to who logs in; its address, and the logins it saw."""
    seen: list[str | None] = []
    wanted = "Basic " + base64.b64encode(b"m2:secret word").decode()

    class Erp(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            is_known = seen[-1] == wanted
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Length", str(len(content) if is_known else 0))
            self.end_headers()
            self.wfile.write(content if is_known else b"")

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test reads what it needs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Erp)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_hinders_our_calls_comes_first(folder: Path) -> None:
    done = sidecar(
        folder, "adapter", "compare", "test.json", "production.json", "--calls", "calls.yaml"
    )

    assert done.returncode == 2, done.stderr
    assert done.stdout.splitlines() == [
        "our file of calls cannot go there as it is:",
        "  POST /orders json.reference: at most 35 characters → at most 30 characters [length]",
        "    calls.yaml:10: orders.push.call.json.reference",
        "",
        "what went before goes there too:",
        "  POST /orders json.channel: at most 4 characters → at most 8 characters [length]",
        "",
        "2 difference(s): 1 calls, 1 more",
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_show_what_the_command_prints(folder: Path, document: str) -> None:
    done = sidecar(
        folder, "adapter", "compare", "test.json", "production.json", "--calls", "calls.yaml"
    )

    shown = (PROJECT / document).read_text("utf-8")
    for line in filter(None, done.stdout.splitlines()):
        assert f"    {line}\n" in shown, line


def test_the_same_interface_has_no_difference(folder: Path) -> None:
    done = sidecar(folder, "adapter", "compare", "test.json", "test.json")

    assert (done.returncode, done.stdout) == (0, "0 difference(s)\n"), done.stderr


def test_as_json_it_is_what_the_schema_says(folder: Path) -> None:
    arguments = ("test.json", "production.json", "--calls", "calls.yaml", "--json")
    printed = json.loads(sidecar(folder, "adapter", "compare", *arguments).stdout)

    Draft202012Validator(closed(schema("adapter-compare"))).validate(printed)
    assert [one["harm"] for one in printed["differences"]] == ["calls", "more"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["test.json"], 64, "Missing argument 'B'"),
        (["test.json", "absent.json"], 78, "cannot be read"),
        (["test.json", "calls.yaml"], 64, "nothing that is installed reads such a document"),
        (["test.json", "trade.wsdl"], 64, "have no operation in common"),
        (["test.json", "test.json", "--calls", "absent.yaml"], 78, "no such file"),
        (["test.json", "http://127.0.0.1:9/api"], 69, "is the address right, does the ERP run?"),
    ],
)
def test_what_cannot_be_compared_is_told_with_its_code(
    folder: Path, arguments: list[str], code: int, message: str
) -> None:
    interfaces = PROJECT / "tests" / "unit" / "interfaces"
    for name in ("trade.wsdl", "base.xsd", "documents.xsd"):
        (folder / name).write_bytes((interfaces / name).read_bytes())

    done = sidecar(folder, "adapter", "compare", *arguments)

    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stderr


def test_an_erps_own_address_is_fetched_with_its_login_and_no_other_is(folder: Path) -> None:
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text("secret word", "utf-8")
    content = (folder / "production.json").read_bytes()
    with behind_a_login(content) as (ours, seen), behind_a_login(content) as (strange, others):
        (folder / "none.yaml").write_text(CONFIGURATION.format(url=ours), "utf-8")
        done = sidecar(folder, "adapter", "compare", "test.json", f"{ours}/openapi.json")
        refused = sidecar(folder, "adapter", "compare", "test.json", f"{strange}/openapi.json")

    assert done.returncode == 2, done.stderr
    assert "2 difference(s)" in done.stdout
    assert len(seen) == 1
    assert set(others) == {None}
    assert refused.returncode == 78
    assert "HTTP 401" in refused.stderr
    assert "the same scheme, host and port" in refused.stderr
    assert "secret word" not in done.stdout + done.stderr + refused.stderr
