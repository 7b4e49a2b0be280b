"""The blueprint is made of the files alone: what it says, what it hashes, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from sidecar.app.erp_adapters import check_adapters, files_of_calls
from sidecar.blueprint.answering import Answering, owners_by_domain
from sidecar.blueprint.document import Blueprint, blueprint_of
from sidecar.blueprint.markdown import markdown
from sidecar.blueprint.ownership import owners_doubtful, require_one_owner
from sidecar.blueprint.page import page
from sidecar.model.errors import ConfigurationError
from sidecar.settings.load import Loaded, load

CALLS = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: Europe/Berlin
  database: {user: m2, password: {file: password}}
  api: {url: "https://shop.example.com", admin: {user: sidecar, password: {file: password}}}
erps:
  main: {adapter: rest.generic, url: "https://erp.example.com", calls: calls.yaml}
  wms: {adapter: rest.generic, url: "https://wms.example.com", calls: calls.yaml}
owners:
  shop: {name: Shop team, contact: shop@example.com}
  finance: {name: Finance, contact: finance@example.com}
domains:
  orders:
    only: {websites: [base]}
    gate: {payment: {checkmo: always, default: paid}}
    answers: {technical: shop, business: finance}
  refunds: {risk: high}
  customers: {fields: [email, addresses]}
  order_status: {owner: erp, lifecycle: lifecycle.yaml}
  stock: {owner: erp, erp: wms, bounds: {run: {to_zero: 10%}}}
exceptions:
  - domain: orders
    when: "order.customer_group_code == 'EXPORT'"
    calls: export.yaml
    owner: finance
    reason: Customs number
    expires: 2099-06-30
"""
LIFECYCLE = """\
states:
  OPEN: {meaning: final, status: erp_received, label: Received by ERP}
  POSTED: {meaning: posted, status: erp_posted, label: Posted in ERP}
  CANCELED: {meaning: canceled, do: [comment, hold], comment: "Canceled: {message}", alarm: true}
transitions:
  OPEN: [POSTED, CANCELED]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sidecar.yaml").write_text(CONFIGURATION, "utf-8")
    (tmp_path / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    (tmp_path / "calls.yaml").write_text(CALLS, "utf-8")
    (tmp_path / "export.yaml").write_text(CALLS, "utf-8")
    return tmp_path


def loaded(folder: Path) -> Loaded:
    return load(folder / "sidecar.yaml")


def made(folder: Path) -> Blueprint:
    return blueprint_of(loaded(folder).settings, files_of_calls)


def changed(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")


class Elements(HTMLParser):
    """Tag, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


# --- what it says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "| orders | what customers order | Magento | Magento → main | 250ms | normal | "
        "technical: Shop team (shop@example.com); business: Finance (finance@example.com) |",
        "| stock | quantities | ERP | wms → Magento | 1m | normal | nobody is named |",
        "| only.websites | base | Codes of websites; none: all |",
        "| fields | email, addresses | What of a customer may leave Magento; nothing else does |",
        "| bounds.run.to\\_zero | 10% | The most that fall to 0 |",
        '| CANCELED | canceled | holds the order, comment "Canceled: {message}", alarm at once | '
        "the end |",
    ],
)
def test_each_rule_stands_in_a_table_of_the_document(folder: Path, line: str) -> None:
    assert line in markdown(made(folder), []).splitlines()


def test_an_exception_is_told_with_its_reason_who_answers_and_its_end(folder: Path) -> None:
    (line,) = (line for line in markdown(made(folder), []).splitlines() if "Customs" in line)
    assert "| orders | order.customer\\_group\\_code == 'EXPORT' | export.yaml (" in line
    assert line.endswith("| Customs number | Finance (finance@example.com) | 2099-06-30 |")


def test_the_page_needs_nothing_from_outside_and_runs_nothing(folder: Path) -> None:
    text = page(made(folder), ["signed for finance"])
    elements = Elements(text)
    named = {tag for tag, _ in elements.tags}
    assert {"svg", "table"} <= named
    assert named & {"script", "link", "img", "iframe", "object", "embed", "use", "image"} == set()
    attributes = {name for _, given in elements.tags for name in given}
    assert attributes & {"src", "href", "onclick", "onload", "style"} == set()
    assert "url(" not in text
    assert "@import" not in text
    assert "signed for finance" in elements.texts


def test_the_picture_has_an_arrow_for_each_domain_from_its_owner(folder: Path) -> None:
    blueprint = made(folder)
    elements = Elements(page(blueprint, []))
    arrows = [given["d"] or "" for tag, given in elements.tags if tag == "path" and "H" in
              (given["d"] or "")]  # fmt: skip
    rightwards = [
        int(arrow.split("H")[1]) > int(arrow.removeprefix("M").split()[0]) for arrow in arrows
    ]
    by_account = sorted(blueprint.domains, key=lambda one: one.account != "main")
    assert rightwards == [one.owner == "magento" for one in by_account]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Customs number", "'<script>alert(1)</script>'"),
        ("name: Finance", "name: '<b onload=x>Finance</b>'"),
        ("contact: shop@example.com", "contact: '\"><i>x'"),
        ("https://wms.example.com", "https://wms.example.com/<u>"),
    ],
)
def test_no_text_of_the_configuration_becomes_part_of_the_page(
    folder: Path, before: str, after: str
) -> None:
    plain = [tag for tag, _ in Elements(page(made(folder), [])).tags]
    changed(folder / "sidecar.yaml", before, after)
    assert [tag for tag, _ in Elements(page(made(folder), [])).tags] == plain


# --- what is signed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("sidecar.yaml", "version: 1\n", "version: 1  # a comment\n"),
        ("sidecar.yaml", "{user: m2,", "{user: m3,"),
        ("sidecar.yaml", "    only:", "    batch: 7\n    only:"),
        ("calls.yaml", "orders:\n", "# a comment\norders:\n"),
    ],
)  # fmt: skip
def test_comments_secrets_and_the_pace_of_work_are_not_signed(
    folder: Path, file: str, before: str, after: str
) -> None:
    digest = made(folder).digest
    changed(folder / file, before, after)
    assert made(folder).digest == digest


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("sidecar.yaml", "default: paid", "default: always"),
        ("sidecar.yaml", "[email, addresses]", "[email, addresses, taxvat]"),
        ("sidecar.yaml", "finance@example.com", "else@example.com"),
        ("sidecar.yaml", "2099-06-30", "2099-07-30"),
        ("lifecycle.yaml", "POSTED, CANCELED", "POSTED"),
        ("lifecycle.yaml", "Canceled: {message}", "Canceled"),
        ("lifecycle.yaml", "states:\n", "passing: true\nstates:\n"),
        ("calls.yaml", "grand_total", "base_grand_total"),
        ("export.yaml", "grand_total", "base_grand_total"),
    ],
)
def test_a_rule_that_changes_is_another_blueprint(
    folder: Path, file: str, before: str, after: str
) -> None:
    digest = made(folder).digest
    changed(folder / file, before, after)
    assert made(folder).digest != digest


def test_what_a_pack_says_is_signed_too(folder: Path) -> None:
    settings, pack = loaded(folder).settings, folder / "pack.yaml"
    pack.write_text(CALLS, "utf-8")
    signed = blueprint_of(settings, lambda *_: (pack, folder / "calls.yaml"))
    changed(pack, "grand_total", "base_grand_total")
    assert blueprint_of(settings, lambda *_: (pack, folder / "calls.yaml")).digest != signed.digest


def test_a_pack_needs_no_file_of_its_users_to_be_signed(folder: Path) -> None:
    changed(
        folder / "sidecar.yaml",
        '{adapter: rest.generic, url: "https://erp',
        '{adapter: sap_s4, url: "https://erp',
    )
    changed(folder / "sidecar.yaml", 'erp.example.com", calls: calls.yaml', 'erp.example.com"')
    main = made(folder).accounts[0]
    assert (main.adapter, main.calls) == ("sap_s4", "the pack's own")
    assert main.fingerprint


# --- one owner of each field --------------------------------------------------------------------


def conflict(folder: Path) -> str:
    read = loaded(folder)
    with pytest.raises(ConfigurationError) as refused:
        require_one_owner(read.settings, read.origin)
    with pytest.raises(ConfigurationError):
        check_adapters(read.settings, origin=read.origin)
    return refused.value.message


def line_of(file: Path, text: str) -> str:
    lines = file.read_text("utf-8").splitlines()
    return f"{file}:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def test_this_configuration_has_one_owner_for_each_field(folder: Path) -> None:
    read = loaded(folder)
    require_one_owner(read.settings, read.origin)
    assert list(owners_doubtful(read.settings, read.origin)) == []


def test_the_acknowledgement_and_the_lifecycle_do_not_both_write_statuses(folder: Path) -> None:
    main = folder / "sidecar.yaml"
    changed(
        main,
        "    answers:",
        "    acknowledge:\n"
        "      statuses: {POSTED: {status: erp_posted, label: Posted in ERP}}\n"
        "    answers:",
    )
    message = conflict(folder)
    assert line_of(main, "statuses:") in message
    assert f"{line_of(folder / 'lifecycle.yaml', 'POSTED: {')}: states.POSTED" in message


def test_a_lifecycle_without_statuses_leaves_them_to_the_acknowledgement(folder: Path) -> None:
    (folder / "lifecycle.yaml").write_text(
        "states: {OPEN: {meaning: final}, POSTED: {meaning: posted}}\n", "utf-8"
    )
    changed(
        folder / "sidecar.yaml",
        "    answers:",
        "    acknowledge:\n"
        "      statuses: {POSTED: {status: erp_posted, label: Posted in ERP}}\n"
        "    answers:",
    )
    require_one_owner(loaded(folder).settings)


@pytest.mark.parametrize("status", ["erp_rejected", "erp_released"])
def test_the_status_by_which_a_refusal_is_known_is_not_the_lifecycles(
    folder: Path, status: str
) -> None:
    file = folder / "lifecycle.yaml"
    changed(file, "erp_posted", status)
    assert f"{line_of(file, 'POSTED: {')}: states.POSTED: writes the status {status}" in conflict(
        folder
    )


def test_one_status_has_one_label_in_both(folder: Path) -> None:
    changed(folder / "lifecycle.yaml", "Received by ERP", "In the ERP")
    assert 'status erp_received is called "Received by ERP" elsewhere' in conflict(folder)


def test_the_lifecycle_makes_no_invoices_where_the_erp_tells_of_each(folder: Path) -> None:
    main, file = folder / "sidecar.yaml", folder / "lifecycle.yaml"
    changed(file, "POSTED: {meaning: posted,", "POSTED: {meaning: posted, do: [invoice],")
    changed(main, "  refunds:", "  invoices: {owner: erp}\n  refunds:")
    message = conflict(folder)
    assert f"{line_of(file, 'do: [invoice]')}: states.POSTED" in message
    assert f"{line_of(main, 'invoices:')}: domains.invoices.owner" in message


def test_an_invoice_of_the_lifecycle_that_magento_tells_the_erp_of_may_be_meant(
    folder: Path,
) -> None:
    main, file = folder / "sidecar.yaml", folder / "lifecycle.yaml"
    changed(file, "POSTED: {meaning: posted,", "POSTED: {meaning: posted, do: [invoice],")
    changed(main, "  refunds:", "  invoices: {owner: magento}\n  refunds:")
    read = loaded(folder)
    require_one_owner(read.settings, read.origin)
    (doubt,) = owners_doubtful(read.settings, read.origin)
    assert doubt.startswith(f"{line_of(file, 'do: [invoice]')}: states.POSTED")
    assert line_of(main, "invoices:") in doubt


def test_orders_that_wait_for_an_invoice_which_the_erp_makes_are_told(folder: Path) -> None:
    main = folder / "sidecar.yaml"
    changed(main, "  refunds:", "  invoices: {owner: erp}\n  refunds:")
    read = loaded(folder)
    (doubt,) = owners_doubtful(read.settings, read.origin)
    assert doubt.startswith(f"{line_of(main, 'gate:')}: domains.orders.gate.payment: orders by def")


# --- who answers --------------------------------------------------------------------------------


def contacts(folder: Path) -> Iterator[str]:
    answering = Answering.by(loaded(folder).settings)
    yield answering.after("2 parked", ["orders"])
    yield answering.after("2 parked", ["refunds"])
    yield answering.after("2 parked", ["refunds", "orders"])


def test_who_answers_stands_behind_the_text_with_the_contact(folder: Path) -> None:
    told = "technical: Shop team (shop@example.com), business: Finance (finance@example.com)"
    assert list(contacts(folder)) == [
        f"2 parked [{told}]", "2 parked", f"2 parked [{told}]"
    ]  # fmt: skip


def test_who_answers_for_several_domains_is_told_for_each(folder: Path) -> None:
    changed(folder / "sidecar.yaml", "{risk: high}", "{risk: high, answers: {business: finance}}")
    assert Answering.by(loaded(folder).settings).of(["orders", "refunds"]) == (
        "orders: technical: Shop team (shop@example.com), business: Finance (finance@example.com); "
        "refunds: business: Finance (finance@example.com)"
    )


def test_the_log_has_their_names_alone(folder: Path) -> None:
    assert owners_by_domain(loaded(folder).settings) == {"orders": "shop, finance"}
