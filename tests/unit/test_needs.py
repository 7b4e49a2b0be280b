"""What may wait for what, as the configuration says it: refused where nothing would ever go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.app import domains
from sidecar.app.domains import enabled, specs_as_configured
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.settings.load import Loaded, load

_FILE = """\
version: 1
shop:
  name: main
  timezone: UTC
  database: {host: 127.0.0.1, name: magento, user: m2, password: {file: password}}
erp: {adapter: rest.generic, url: "https://erp.example.com", calls: calls.yaml}
domains:
"""


def loaded(folder: Path, *sections: str) -> Loaded:
    file = folder / "sidecar.yaml"
    file.write_text(_FILE + "".join(f"  {section}\n" for section in sections), "utf-8")
    return load(file)


def carried(configured: Loaded) -> dict[str, DomainSpec]:
    found = enabled(configured.settings.domains, configured.origin)
    return {domain.spec.name: domain.spec for domain in found}


def test_an_order_that_needs_its_customer_waits_for_him_and_one_of_a_guest_for_nobody(
    tmp_path: Path,
) -> None:
    orders = carried(loaded(tmp_path, "orders: {needs: [customer]}", "customers: {}"))["orders"]

    assert (orders.parent, orders.lacks_parents) == ("customer", True)


def test_by_default_an_order_waits_for_nothing(tmp_path: Path) -> None:
    assert carried(loaded(tmp_path, "customers: {}"))["orders"].parent is None


def test_the_adapter_is_told_what_is_needed_and_what_may_not_leave(tmp_path: Path) -> None:
    configured = loaded(
        tmp_path, "orders: {needs: [customer]}", "customers: {fields: [email, lastname]}"
    )
    by_name = {
        spec.name: spec
        for spec in specs_as_configured(configured.settings.domains, configured.origin)
    }

    assert by_name["orders"].parent == "customer"
    assert {"taxvat", "addresses", "firstname"} <= by_name["customers"].withheld
    assert by_name["customers"].withheld.isdisjoint({"email", "lastname"})


@pytest.mark.parametrize(
    ("sections", "wrong"),
    [
        (
            ["orders: {needs: [customer]}"],
            "domains.orders needs the domain of its customers",
        ),
        (
            ["orders: {needs: [warehouse]}"],
            r"sidecar\.yaml:8: domains\.orders\.needs: orders cannot wait for their warehouse",
        ),
        (
            ["customers: {guests: catch_all}"],
            r"sidecar\.yaml:8: domains\.customers\.guest_account: is missing",
        ),
        (
            ["customers: {guest_account: K-1}"],
            r"sidecar\.yaml:8: domains\.customers\.guest_account: is used with guests: catch_all",
        ),
    ],
)
def test_what_cannot_be_waited_for_is_refused_with_its_place(
    tmp_path: Path, sections: list[str], wrong: str
) -> None:
    with pytest.raises(ConfigurationError, match=wrong):
        carried(loaded(tmp_path, *sections))


def test_a_circle_of_waiting_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking_back = tuple(
        replace(domain, spec=replace(domain.spec, may_need=("order",)))
        if domain.spec.name == "customers"
        else domain
        for domain in domains.installed()
    )
    monkeypatch.setattr(domains, "installed", lambda: looking_back)

    with pytest.raises(
        ConfigurationError,
        match=r"sidecar\.yaml:8: domains\.orders\.needs: order waits for customer waits for order",
    ):
        carried(loaded(tmp_path, "orders: {needs: [customer]}", "customers: {needs: [order]}"))
