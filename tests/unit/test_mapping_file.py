"""Reading a file of calls: everything that is wrong with it is told at once, with its line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.calls.answer import Answer
from adapters.calls.declared import Calls, Push
from adapters.calls.dialect import Dialect
from adapters.calls.mapping import read_calls
from adapters.language.filters import ExpressionError
from adapters.rest.call import RESPONSE, HttpCall, read_http_call
from sidecar.documents import read_document
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.ports import Capabilities
from sidecar.testing.sample_order import simple_order

DOCUMENT = Path(__file__).parents[2] / "docs" / "mapping.md"
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"
GOOD = """\
tables:
  carriers: {flatrate: DHL}
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      json: {number: =order.increment_id}
    answer:
      accepted: =response.status == 201
      reference: =response.body.number
  probe:
    call: {method: GET, path: /orders, query: {number: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {reference: =item.number}
"""


CALL = """\
call:
      method: POST
      path: /orders
      json: {number: =order.increment_id}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, yaml: str) -> Calls[HttpCall]:
    path = folder / "calls.yaml"
    path.write_text(yaml)
    return read_calls(
        read_document(path), path.name, Dialect(RESPONSE, read_http_call), domains=SPECS
    )


def placing(calls: Calls[HttpCall]) -> Push[HttpCall]:
    return next(push for push in calls.domains["orders"].pushes if "order.placed" in push.events)


def problems(folder: Path, yaml: str) -> list[str]:
    """Line and text of each problem: `9: orders.push.…`."""
    with pytest.raises(ConfigurationError) as error:
        read(folder, yaml)
    assert error.value.exit_code == 78
    return [line.removeprefix(f"{folder}/calls.yaml:") for line in error.value.message.splitlines()]


def test_a_good_file_is_read(folder: Path) -> None:
    calls = read(folder, GOOD)

    assert calls.capabilities("orders") == Capabilities(frozenset({"order.placed"}), probe=True)
    assert calls.capabilities("refunds") == Capabilities(frozenset())


BATCH = """\
{domain}:
  push:
    on: [{event}]
    batch: 20
    call:
      method: POST
      path: /documents
      json:
        $each: event in events
        $do: {{ref: =event.ref, of: =event.{above}}}
    answer:
      ok: =response.status == 200
      results: =response.body
      match: =result.ref
      accepted: =result.ok
      rejected: =not result.ok
      reference: =result.number
"""


def test_an_event_of_a_batch_knows_the_document_that_its_own_belongs_to(folder: Path) -> None:
    for above in ("parent_link.reference", "parent.increment_id", "parent.billing_address.city"):
        batch = BATCH.format(domain="refunds", event="refund.issued", above=above)
        assert read(folder, batch).capabilities("refunds").batch == 20

    batch = BATCH.format(domain="refunds", event="refund.issued", above="parent.sku")
    assert "Order has no field 'sku'" in problems(folder, batch)[0]
    batch = BATCH.format(domain="orders", event="order.placed", above="parent_link.reference")
    assert "SentEvent has no field 'parent_link'" in problems(folder, batch)[0]


@pytest.mark.parametrize(
    ("good", "bad", "place", "text"),
    [
        (
            "=order.increment_id",
            "=order.skuu",
            "9: orders.push.call.json.number",
            "Order has no field 'skuu'",
        ),
        (
            "=order.increment_id",
            "=order.increment_id | lookup('carier')",
            "9: orders.push.call.json.number",
            "lookup: there is no table 'carier' — did you mean 'carriers'?",
        ),
        (
            "on: [order.placed]",
            "on: [order.palced]",
            "5: orders.push.on.0",
            "there is no event 'order.palced' — did you mean 'order.placed'?",
        ),
        (
            "on: [order.placed]",
            "on: order.placed",
            "5: orders.push.on",
            "this must be a list of event types",
        ),
        ("on: [order.placed]", "on: []", "5: orders.push.on", "this must be a list of event types"),
        (
            "    on: [order.placed]\n",
            "",
            "4: orders.push",
            "'on' is missing: which events it carries",
        ),
        (
            "method: POST",
            "method: PSOT",
            "7: orders.push.call.method",
            "'PSOT' is not known — did you mean 'POST'?",
        ),
        (
            "path: /orders\n",
            "pth: /orders\n",
            "8: orders.push.call.pth",
            "there is no key 'pth' here — did you mean 'path'?",
        ),
        ("path: /orders\n", "pth: /orders\n", "6: orders.push.call", "'path' is missing"),
        (
            "accepted:",
            "acepted:",
            "11: orders.push.answer.acepted",
            "there is no key 'acepted' here — did you mean 'accepted'?",
        ),
        ("accepted:", "acepted:", "10: orders.push.answer", "'accepted' is missing"),
        (
            "accepted: =response",
            "accepted: response",
            "11: orders.push.answer.accepted",
            "this must be an expression: it begins with '='",
        ),
        (
            "      reference: =response.body.number\n",
            "",
            "10: orders.push.answer",
            "'reference' is missing",
        ),
        (
            "reference: =response.body.number\n",
            "reference: {a: b}\n",
            "12: orders.push.answer.reference",
            "this must be one value, not a tree",
        ),
        (
            "=response.status == 201",
            "=response.code == 201",
            "11: orders.push.answer.accepted",
            "response has no field 'code'",
        ),
        (
            "json: {",
            "text: a\n      json: {",
            "9: orders.push.call.text",
            "a call has one body; there is 'json' already",
        ),
        (
            "  probe:",
            "  prob:",
            "13: orders.prob",
            "'on' is missing: which events it carries — did you mean 'probe'?",
        ),
        (
            "=ref}",
            "=refs}",
            "14: orders.probe.call.query.number",
            "there is no 'refs' here — did you mean 'ref'?",
        ),
        (
            "found: =response.body.items",
            "found: null",
            "15: orders.probe.answer.found",
            "this must be an expression",
        ),
        (
            "each: {reference: =item.number}",
            "each: {status: =item.state}",
            "16: orders.probe.each",
            "'reference' is missing",
        ),
        (
            "orders:\n",
            "order:\n",
            "3: order",
            "there is no key 'order' here — did you mean 'orders'?",
        ),
        (
            "    call: {method",
            "    batch: 0\n    call: {method",
            "14: orders.probe.batch",
            "this must be a whole number of at least 1",
        ),
        ("tables:", "dedupe: yes\ntables:", "1: dedupe", "this must be true or false"),
        (
            "carriers: {flatrate: DHL}",
            "carriers: DHL",
            "2: tables.carriers",
            "this must be a mapping (key: value)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(
    folder: Path, good: str, bad: str, place: str, text: str
) -> None:
    assert good in GOOD

    told = problems(folder, GOOD.replace(good, bad, 1))

    assert any(line.startswith(f"{place}: {text}") for line in told), told


ITEMS = GOOD.replace(
    "      reference: =response.body.number\n",
    """\
      reference: =response.body.number
      items:
        $each: line in response.body.lines if line.sku
        $do:
          sku: =line.sku
          row_total: =line.total
""",
)


def test_the_lines_of_an_answer_are_read_like_those_of_a_body(folder: Path) -> None:
    in_probe = ITEMS.replace(
        "{reference: =item.number}",
        "{reference: =item.number, items: {$each: item in item.lines, $do: {sku: =item.sku}}}",
    )

    assert not read(folder, ITEMS).capabilities("orders").probe_items
    assert read(folder, in_probe).capabilities("orders").probe_items


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (
            "row_total: =line.total",
            "row_totel: =line.total",
            "17: orders.push.answer.items.$do.row_totel: there is no key 'row_totel' here "
            "— did you mean 'row_total'?",
        ),
        (
            "=line.total",
            "=linee.total",
            "17: orders.push.answer.items.$do.row_total: there is no 'linee' here "
            "— did you mean 'line'?",
        ),
        (
            "=line.total",
            "{a: b}",
            "17: orders.push.answer.items.$do.row_total: this must be one value, not a tree",
        ),
        (
            "in response.body.lines",
            "of response.body.lines",
            "14: orders.push.answer.items.$each: line of response.body.lines if line.sku: "
            "expected token 'in', got 'of'; write: NAME in LIST if CONDITION",
        ),
        (
            "$each: line",
            "$each: =line",
            "14: orders.push.answer.items.$each: $each is always an expression: "
            "write it as text without '='",
        ),
        (
            "        $each: line in response.body.lines if line.sku\n",
            "",
            "13: orders.push.answer.items: '$each' is missing",
        ),
        (
            "sku: =line.sku",
            "price: =line.price",
            "15: orders.push.answer.items.$do: a line is known by item_id or sku: map one of them",
        ),
        (
            "$do:\n          sku: =line.sku\n          row_total: =line.total\n",
            "$do: {}\n",
            "15: orders.push.answer.items.$do: a line is known by item_id or sku: map one of them",
        ),
        (
            "items:\n",
            "itmes:\n",
            "13: orders.push.answer.itmes: there is no key 'itmes' here — did you mean 'items'?",
        ),
    ],
)
def test_a_mistake_in_the_lines_of_an_answer_is_told_with_its_line(
    folder: Path, good: str, bad: str, told: str
) -> None:
    assert good in ITEMS

    assert problems(folder, ITEMS.replace(good, bad, 1)) == [told]


def test_lines_that_are_no_form_say_so(folder: Path) -> None:
    listed = ITEMS.split("        $each")[0].replace("items:\n", "items: [1]\n")

    told = "13: orders.push.answer.items: this must be a mapping (key: value)"
    assert told in problems(folder, listed)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    bad = GOOD.replace("order.increment_id", "order.skuu").replace("item.number", "itm.number")

    assert [line.split(":")[0] for line in problems(folder, bad)] == ["9", "16"]


def test_an_event_is_carried_by_one_call_only(folder: Path) -> None:
    second = GOOD.split("orders:\n")[1].split("  probe:")[0].replace("push:", "again:")
    yaml = GOOD.replace("  probe:", f"{second}  probe:")

    [problem] = problems(folder, yaml)

    assert "orders.again: 'order.placed' is carried by 'push' already" in problem


def test_an_empty_file_says_what_belongs_into_it(folder: Path) -> None:
    assert problems(folder, "") == [
        "1: : there is no domain; there are orders, refunds, invoices, shipments, customers, "
        "products, stock, prices, order_status"
    ]


def test_a_batch_has_no_single_order(folder: Path) -> None:
    yaml = GOOD.replace("    call:\n", "    batch: 10\n    call:\n", 1)

    told = problems(folder, yaml)

    assert any("there is no 'order' here" in line for line in told)
    assert any("'results' is missing" in line for line in told)
    assert any("'match' is missing" in line for line in told)


def test_a_batched_probe_needs_the_reference_of_each_document(folder: Path) -> None:
    yaml = GOOD.replace("=ref}", "=refs}").replace("  probe:\n", "  probe:\n    batch: 20\n")

    assert problems(folder, yaml) == ["17: orders.probe.each: 'external' is missing"]
    yaml = yaml.replace("each: {", "each: {external: =item.external, ")
    assert read(folder, yaml).capabilities("orders").probe


def test_a_table_s_keys_are_texts_as_written(folder: Path) -> None:
    yaml = GOOD.replace("{flatrate: DHL}", "{no: Norway, 7: seven}").replace(
        "=order.increment_id", "=order.store_id | lookup('carriers')"
    )

    read(folder, yaml)


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs ../shared/examples")
@pytest.mark.parametrize("name", ["legacy-rest.yaml", "legacy-batch-rest.yaml"])
def test_the_examples_are_good_as_written(name: str) -> None:
    calls = read_calls(
        read_document(EXAMPLES / name), name, Dialect(RESPONSE, read_http_call), domains=SPECS
    )

    assert "order.placed" in calls.capabilities("orders").subscriptions


def test_the_file_in_the_document_is_good_with_its_longer_lines_too(folder: Path) -> None:
    text = DOCUMENT.read_text("utf-8")
    whole, lines = (
        text.partition(heading)[2].split("```yaml\n")[1].split("```")[0]
        for heading in ("## A small whole file", "## Lines")
    )
    short = whole[whole.index("      items:\n") : whole.index("      message:")]

    for yaml in (whole, whole.replace(short, lines)):
        push = placing(read(folder, yaml))
        assert isinstance(push.answer, Answer)
        assert push.answer.fields.items


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/a",
        "a",
        "/a//b",
        "/a/../b",
        "/a/%2e%2e/b",
        "/a?b",
        "/a b",
        "/a#b",
        "/a\\b",
        "",
    ],
)
def test_a_path_that_could_address_something_else_is_never_called(folder: Path, path: str) -> None:
    calls = read(folder, GOOD.replace("path: /orders\n", "path: =order.status\n", 1))
    push = placing(calls)

    with pytest.raises(ExpressionError, match=re.escape("is no safe path")):
        push.call.request({"order": simple_order(status=path)})


# What is found when the file is read, and not by the first order

FORMS = """
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      BODY
    answer: {accepted: =response.status == 200, reference: =response.body.number}
"""


def told_of(tmp_path: Path, body: str) -> str:
    path = tmp_path / "calls.yaml"
    path.write_text(FORMS.replace("BODY", body))
    with pytest.raises(ConfigurationError) as refused:
        read_calls(
            read_document(path), "calls.yaml", Dialect(RESPONSE, read_http_call), domains=SPECS
        )
    return refused.value.message


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("form: {a: =order.items}", "form.a"),
        ("form: {a: =order.billing_address}", "form.a"),
        ("form: {a: {b: [=order.items]}}", "form.a.b.0"),
        ("form: {$when: order.base_grand_total > 0, $do: {a: =order.items}}", "form.$do.a"),
        ("form: {$each: item in order.items, $do: {a: =item.sku}}", "form"),
        ("form: [a]", "form"),
        ("form: abc", "form"),
        ("text: [a]", "text"),
        ("text: {a: b}", "text"),
        ("text: {$each: item in order.items, $do: a}", "text"),
        ("text: =order.items", "text"),
        ("query: {a: {b: c}}", "query.a"),
        ("query: a=b", "query"),
        ("headers: {a: {b: c}}", "headers.a"),
        ('json: {a: "{{ order.increment_id }}"}', "json.a"),
    ],
)
def test_what_a_body_cannot_carry_is_told_with_its_line(
    tmp_path: Path, body: str, place: str
) -> None:
    assert f"calls.yaml:8: orders.push.call.{place}: " in told_of(tmp_path, body)


@pytest.mark.parametrize(
    "body",
    [
        "form: {a: [1, =ref], b: {$each: item in order.items, $do: =item.sku}}",
        "form: {a: {$when: order.base_grand_total > 0, $do: 1}}",
        "form: {a: {b: [c, [1]]}, l: [{$each: i in order.items, $do: {n: =loop.index}}, {n: 9}]}",
        "text: {$when: order.base_grand_total > 0, $do: =ref}",
        "query: {a: [1, 2]}",
    ],
)
def test_what_a_body_can_carry_is_taken(tmp_path: Path, body: str) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(FORMS.replace("BODY", body))

    assert (
        read_calls(
            read_document(path), "calls.yaml", Dialect(RESPONSE, read_http_call), domains=SPECS
        ).warnings
        == ()
    )


@pytest.mark.parametrize(
    "constant", ["ref", "order.increment_id", "event.id", "order['increment_id']", "ref | upper"]
)
def test_a_constant_that_is_the_name_of_a_value_is_a_warning(tmp_path: Path, constant: str) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(FORMS.replace("BODY", f'json: {{number: "{constant}", kind: shop order}}'))

    (warning,) = read_calls(
        read_document(path),
        "calls.yaml",
        Dialect(RESPONSE, read_http_call),
        domains=SPECS,
    ).warnings

    assert "calls.yaml:8: orders.push.call.json.number: " in warning
    assert f"={constant}" in warning


@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("path: ref", "path"),
        ("path: \"'/orders/' ~ ref\"", "path"),
        ("path: /, query: {number: order.increment_id}", "query.number"),
        ("path: /, headers: {X-Ref: event.id}", "headers.X-Ref"),
        ("path: /, form: {a: {b: [posting_date]}}", "form.a.b.0"),
        ("path: /, text: ref | upper", "text"),
        ("path: /, headers: {X-Sign: \"body | hmac('k')\"}, text: x", "headers.X-Sign"),
        (
            "path: /, json: {l: {$each: i in order.items, $do: {p: loop.index, q: item.sku}}}",
            "json.l.$do.p",
        ),
        ("path: /, json: {a: {$when: order.increment_id, $do: order.status}}", "json.a.$do"),
    ],
)
def test_a_forgotten_sign_is_a_warning_wherever_a_call_has_a_leaf(
    tmp_path: Path, call: str, place: str
) -> None:
    (warning,) = read(tmp_path, GOOD.replace(CALL, f"call: {{method: POST, {call}}}")).warnings

    assert f"orders.push.call.{place}: this is the constant text" in warning


@pytest.mark.parametrize(
    "word",
    [
        "order", "shop", "event", "link", "secret", "order.placed", "shop.example.com", "a ref",
        "ref-1", "order and event", "order, or link", "event: ref", "order.de", "item", "loop",
        "loop.index", "reference", "body", "order - link", "[ref]",
    ],
)  # fmt: skip
def test_a_plain_word_is_no_warning(tmp_path: Path, word: str) -> None:
    yaml = GOOD.replace("{number: =order.increment_id}", f'{{number: =ref, kind: "{word}"}}')

    assert read(tmp_path, yaml).warnings == ()


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("path: =body", "call.path: there is no 'body' here: it is the text of a call's body"),
        ("path: /, headers: {X-Sign: =body | hash}", "X-Sign: there is no 'body' here"),
        ("path: /, query: {s: =body | hash}", "query.s: there is no 'body' here"),
        ("path: /, text: =body", "call.text: there is no 'body' here"),
        ("path: /, json: {n: =loop.index}", "json.n: there is no 'loop' here: it is the round of"),
        (
            "path: /, json: {l: {$each: i in order.items if loop.first, $do: 1}}",
            "json.l.$each: there is no 'loop' here: it is the round of $each … $do, and not known",
        ),
        ("path: /, json: {l: {$each: loop in order.items, $do: 1}}", "'loop' is the round itself"),
        ("path: /, json: {l: {$each: i in order.items, $do: =loop.last}}", "has no field 'last'"),
    ],
)
def test_what_is_known_in_few_places_is_refused_in_others(
    tmp_path: Path, call: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, GOOD.replace(CALL, f"call: {{method: POST, {call}}}"))

    assert "calls.yaml:6: orders.push." in refused.value.message
    assert problem in refused.value.message


def test_a_document_is_not_called_by_a_constant_name(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(FORMS.replace("BODY", "json: {}").replace("=response.body", "response.body"))
    with pytest.raises(ConfigurationError, match=r"write =response\.body\.number"):
        read_calls(
            read_document(path), "calls.yaml", Dialect(RESPONSE, read_http_call), domains=SPECS
        )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("    answer:", "  answer:"), "'answer' is missing"),
        (("    answer:", "  answer:"), "stands beside the calls: is it indented too little?"),
        (("  push:", "push:"), "it belongs under a domain (orders)"),
        (
            (
                "      method: POST\n      path: /orders\n      json: {}",
                "    method: POST\n    path: /orders\n    json: {}",
            ),
            "it belongs under 'call', and stands under push",
        ),
        (("    on:", "      on:"), "is indented by 4 and line 4 by 6"),
    ],
)
def test_wrong_indentation_is_called_that(
    tmp_path: Path, wrong: tuple[str, str], said: str
) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(FORMS.replace("BODY", "json: {}").replace(*wrong))
    with pytest.raises(ConfigurationError) as refused:
        read_calls(
            read_document(path), "calls.yaml", Dialect(RESPONSE, read_http_call), domains=SPECS
        )
    assert said in refused.value.message


CUSTOMERS = """\
customers:
  push:
    on: [customer.saved]
    call:
      method: POST
      path: /customers
      json: {mail: =customer.email, born: =customer.dob, vat: =event.data.taxvat}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      json: {ref: =ref, payer: =customer_link.reference, vat: =customer.taxvat}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
"""


def test_a_field_that_may_not_leave_magento_is_refused_where_the_file_reads_it(
    folder: Path,
) -> None:
    specs = tuple(
        {
            "customers": replace(spec, withheld=frozenset({"taxvat", "dob"})),
            "orders": replace(spec, parent="customer", lacks_parents=True),
        }.get(spec.name, spec)
        for spec in SPECS
    )
    path = folder / "calls.yaml"
    path.write_text(CUSTOMERS)

    with pytest.raises(ConfigurationError) as raised:
        read_calls(read_document(path), path.name, Dialect(RESPONSE, read_http_call), domains=specs)

    why = "may not leave Magento: domains.customers.fields does not name"
    said = [line.partition("calls.yaml:")[2] for line in raised.value.message.splitlines()]
    assert sorted(said) == [
        f"15: orders.push.call.json.vat: 'customer.taxvat' {why} taxvat",
        f"7: customers.push.call.json.born: 'customer.dob' {why} dob",
        f"7: customers.push.call.json.vat: 'event.data.taxvat' {why} taxvat",
    ]


def test_an_order_knows_its_customer_where_it_waits_for_him_and_only_there(folder: Path) -> None:
    assert any("there is no 'customer_link' here" in one for one in problems(folder, CUSTOMERS))


@pytest.mark.parametrize(
    ("found", "warned"),
    [
        ("response.xml.nodes('//order')", True),
        ("response.xml.node('//orders').nodes('order')", False),
        ("response.body.items", False),
    ],
)
def test_a_list_that_is_looked_for_anywhere_is_a_warning(
    tmp_path: Path, found: str, warned: bool
) -> None:
    calls = read(
        tmp_path,
        f"""
orders:
  push:
    on: [order.placed]
    call: {{method: POST, path: /orders, json: {{ref: =ref}}}}
    answer: {{accepted: =response.status == 201, reference: =response.body.number}}
  probe:
    call: {{method: GET, path: /orders, query: {{ref: =ref}}}}
    answer: {{ok: =response.status == 200, found: "={found}"}}
    each: {{reference: =item.number}}
""",
    )

    assert [one for one in calls.warnings if "reads as 'not there'" in one] == list(
        calls.warnings if warned else ()
    )
    assert bool(calls.warnings) is warned
