"""Where a WSDL comes from: a file, or an address whose answer is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.soap import generic
from adapters.soap.documents import FRESH, Documents
from sidecar.model.errors import ConfigurationError, Unavailable
from sidecar.model.secret import Secret
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server
from tests.contract.soap_peer import CALLS, LEGACY, WSDLS, adapter_settings

PASSWORD = "pa55word"
IMPORTING = """<?xml version="1.0"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:outer"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:t="urn:legacy">
  <wsdl:import namespace="urn:legacy" location="{place}"/>
  <wsdl:service name="Outer">
    <wsdl:port name="Orders" binding="t:Orders"><soap:address location="http://erp/"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for what was fetched, as systemd's CacheDirectory= would name it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CACHE_DIRECTORY", f"{folder}:/never/this/one")
    return folder


@pytest.fixture
def wsdl_server() -> Iterator[ScriptedServer]:
    """Serves the WSDL at every address."""
    with scripted_server(serve) as server:
        yield server


def serve(_: Received) -> Any:
    return answer(200, LEGACY.read_bytes(), Content_Type="text/xml")


def load(folder: Path, wsdl: str, **further: Any) -> None:
    """Make an adapter, as a start of the daemon does."""
    calls = folder / "calls.yaml"
    calls.write_text(CALLS)
    generic.create(adapter_settings(calls, "", wsdl=wsdl, **further)).close()


def grow_old(folder: Path) -> None:
    long_ago = time.time() - FRESH - 60
    for path in (folder / "wsdl").iterdir():
        os.utime(path, (long_ago, long_ago))


def test_an_address_is_asked_once_a_day(
    tmp_path: Path, cache: Path, wsdl_server: ScriptedServer
) -> None:
    url = f"{wsdl_server.url}/orders?wsdl"

    load(tmp_path, url)
    load(tmp_path, url)
    assert [one.target for one in wsdl_server.requests] == ["/api/orders?wsdl"]

    grow_old(cache)
    load(tmp_path, url)
    assert len(wsdl_server.requests) == 2


def test_a_start_while_the_erp_is_down_uses_what_was_kept(tmp_path: Path, cache: Path) -> None:
    with scripted_server(serve) as server:
        url = f"{server.url}/?wsdl"
        load(tmp_path, url)
    grow_old(cache)

    load(tmp_path, url)


def test_an_error_page_is_not_kept(tmp_path: Path, cache: Path) -> None:
    with (
        scripted_server(lambda _: answer(503, "<html>busy</html>")) as server,
        pytest.raises(Unavailable) as wrong,
    ):
        load(tmp_path, f"{server.url}/?wsdl")

    assert "HTTP 503" in wrong.value.message
    assert not cache.exists()


def test_a_folder_that_cannot_be_written_only_costs_time(
    tmp_path: Path, cache: Path, wsdl_server: ScriptedServer
) -> None:
    cache.write_text("no folder")

    load(tmp_path, f"{wsdl_server.url}/?wsdl")
    load(tmp_path, f"{wsdl_server.url}/?wsdl")

    assert len(wsdl_server.requests) == 2


def refused(folder: Path, wsdl: str) -> str:
    with pytest.raises(ConfigurationError) as wrong:
        load(folder, wsdl)
    return wrong.value.message


def test_a_fetched_wsdl_imports_from_its_own_origin_with_the_login(tmp_path: Path) -> None:
    def serve_both(received: Received) -> Any:
        outer = IMPORTING.format(place="inner.wsdl")
        return answer(200, outer if "outer" in received.target else LEGACY.read_bytes())

    with scripted_server(serve_both) as erp:
        auth = {"basic": {"user": "magento", "password": Secret(PASSWORD)}}
        load(tmp_path, f"{erp.url}/outer.wsdl", auth=auth)

        assert [bool(one.header("Authorization")) for one in erp.requests] == [True, True]


@pytest.mark.parametrize(
    "place",
    [
        "{other}/inner.wsdl",
        "{other}@/inner.wsdl",
        "http://169.254.169.254/latest/meta-data/",
        "https://localhost/inner.wsdl",
        "http://localhost:99999/inner.wsdl",
        "file:///etc/passwd",
        "ftp://localhost/inner.wsdl",
        "//{host}/inner.wsdl",
    ],
)
def test_a_fetched_wsdl_imports_from_nowhere_else(
    tmp_path: Path, wsdl_server: ScriptedServer, place: str
) -> None:
    other = wsdl_server.url.replace("localhost", "127.0.0.1")
    named = place.format(other=other, host=other.split("/")[2])
    with scripted_server(lambda _: answer(200, IMPORTING.format(place=named))) as erp:
        told = refused(tmp_path, f"{erp.url}/outer.wsdl")

    assert "which is refused: a WSDL that is fetched imports from its own scheme, host" in told
    assert not wsdl_server.requests


@pytest.mark.parametrize("status", [301, 302])
def test_a_wsdl_that_lives_elsewhere_names_the_address_and_the_key(
    tmp_path: Path, status: int
) -> None:
    place = "https://erp.example.com/v2?wsdl"
    with (
        scripted_server(lambda _: answer(status, Location=place)) as erp,
        pytest.raises(Unavailable, match=r"https://erp\.example\.com/v2.* under erp\.wsdl"),
    ):
        load(tmp_path, f"{erp.url}/outer.wsdl")


def test_an_https_wsdl_that_imports_http_is_refused() -> None:
    secure = Documents(adapter_settings(Path("calls.yaml"), "", wsdl="https://erp.example/a?wsdl"))

    with pytest.raises(
        ConfigurationError, match=r"imports http://erp\.example/b, which is refused"
    ):
        secure.load("http://erp.example/b")


@pytest.mark.parametrize(
    "place", ["../inner.wsdl", "/etc/hostname", "file:///etc/hostname", "/dev/zero", "link.wsdl",
              "http://localhost:9/inner.wsdl"]
)  # fmt: skip
def test_a_file_imports_nothing_from_outside_its_folder(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "erp"
    folder.mkdir()
    (tmp_path / "inner.wsdl").write_bytes(LEGACY.read_bytes())
    (folder / "link.wsdl").symlink_to(tmp_path / "inner.wsdl")
    (folder / "outer.wsdl").write_text(IMPORTING.format(place=place))

    told = refused(tmp_path, str(folder / "outer.wsdl"))

    assert "which is refused: a WSDL in a file imports files beneath its own folder only" in told


def test_a_pipe_and_a_device_are_no_documents(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "inner.wsdl")
    outer = tmp_path / "outer.wsdl"
    outer.write_text(IMPORTING.format(place="inner.wsdl"))

    assert "inner.wsdl: cannot be read: it is no regular file" in refused(tmp_path, str(outer))
    assert "/dev/zero: cannot be read: it is no regular file" in refused(tmp_path, "/dev/zero")


def test_a_file_that_is_a_link_has_its_schemas_beside_the_target(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "inner.wsdl").write_bytes(LEGACY.read_bytes())
    (kept / "outer.wsdl").write_text(IMPORTING.format(place=f"{kept}/inner.wsdl"))
    (tmp_path / "erp.wsdl").symlink_to(kept / "outer.wsdl")

    load(tmp_path, str(tmp_path / "erp.wsdl"))


def test_imports_without_end_are_refused(tmp_path: Path) -> None:
    for number in range(30):
        path = tmp_path / f"{number}.wsdl"
        path.write_text(IMPORTING.format(place=f"{number + 1}.wsdl"))

    assert "nested too deeply: more than 20 levels" in refused(tmp_path, str(tmp_path / "0.wsdl"))


def test_types_without_end_are_refused_in_a_sentence(tmp_path: Path) -> None:
    opened, closed = "<xs:complexType><xs:sequence><xs:element name='a'>", "</xs:element>"
    closed += "</xs:sequence></xs:complexType>"
    client = '<xs:element name="ClientId" type="xs:string"/>'
    deep = f'{client}<xs:element name="D">{opened * 100}{closed * 100}</xs:element>'
    path = tmp_path / "deep.wsdl"
    path.write_text(LEGACY.read_text().replace(client, deep))

    assert "nested too deeply" in refused(tmp_path, str(path))


def test_a_file_imports_what_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "inner.wsdl").write_bytes(LEGACY.read_bytes())
    outer = tmp_path / "outer.wsdl"
    outer.write_text(IMPORTING.format(place="inner.wsdl"))

    load(tmp_path, str(outer))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        load(tmp_path, str(tmp_path / "no.wsdl"))

    assert f"{tmp_path}/no.wsdl: cannot be read: No such file" in wrong.value.message


@pytest.mark.parametrize(
    "entity", ['"b"', 'SYSTEM "file:///etc/hostname"', 'SYSTEM "http://127.0.0.1:9/x"']
)
def test_a_wsdl_with_a_document_type_is_refused(tmp_path: Path, entity: str) -> None:
    text = LEGACY.read_text().replace(
        "<wsdl:definitions", f"<!DOCTYPE x [<!ENTITY a {entity}>]><wsdl:definitions", 1
    )
    path = tmp_path / "bad.wsdl"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as wrong:
        load(tmp_path, str(path))

    assert "has a DOCTYPE" in wrong.value.message


def test_the_encoding_schema_is_shipped(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(
        "orders: {push: {on: [order.placed], call: {operation: createOrder, body: {}}, "
        "answer: {accepted: =response.body, reference: =ref}}}"
    )

    generic.create(adapter_settings(calls, "", wsdl=str(WSDLS / "encoded.wsdl"))).close()
