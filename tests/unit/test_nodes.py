"""Nodes of XML in expressions: a path means the element's own name, and nothing is guessed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.language.expression import InvalidExpression, compile_expression, compile_loop
from adapters.language.filters import ExpressionError, Missing
from adapters.language.nodes import NODE, XML, Answer, Node, Unreadable
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, Many, Record
from adapters.soap.references import followed

SCOPE = Scope({"response": Record("response", {"xml": XML}), "item": ANYTHING})
ORDERS = """
<t:orders xmlns:t="urn:t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" note="n">
  <t:order id="1"><t:ref> A-1 </t:ref>
    <t:lines><item xsi:type="line"><sku>X</sku></item><t:item><t:sku>Y</t:sku></t:item></t:lines>
    <total xsi:nil="true"/><empty/>
  </t:order>
  <t:order id="2"><u:ref xmlns:u="urn:u">B-2</u:ref></t:order>
</t:orders>
"""


class _Response:
    def __init__(self, xml: Answer) -> None:
        self.xml = xml


def value(source: str, xml: str = ORDERS, item: Any = None) -> Any:
    response = _Response(Answer(etree.fromstring(xml), followed))
    return compile_expression(source, SCOPE)({"response": response, "item": item})


def orders(xml: str = ORDERS) -> list[Node]:
    found: list[Node] = value("response.xml.nodes('//order')", xml)
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("response.xml.nodes('order') | length", 2),
        ("response.xml.nodes('//orders') | length", 1),
        ("response.xml.nodes('//item') | length", 2),
        ("response.xml.nodes('//t:item') | length", 1),
        ("response.xml.nodes('//nothing') | length", 0),
        ("response.xml.nodes('order[2]') | length", 1),
        ("response.xml.nodes('order[@id=2 and ref]') | length", 1),
        ("response.xml.nodes('order/lines/* | //u:ref') | length", 3),
        ("response.xml.node('order[1]').node('lines').nodes('item')[1].text('sku')", "Y"),
        ("response.xml.node('order[1]').nodes('//item')[0].text('sku')", "X"),
        ("response.xml.nodes('order')[1].nodes('//item') | length", 0),
        ("response.xml.text('order[1]/ref')", "A-1"),
        ("response.xml.text('order[2]/@id')", "2"),
        ("response.xml.text('@note')", "n"),
        ("response.xml.text('//item[@xsi:type]/sku')", "X"),
        ("response.xml.text('order[1]/total')", None),
        ("response.xml.text('order[1]/empty')", ""),
        ("response.xml.text('order[1]/nothing') | default('-')", "-"),
        ("response.xml.text('order[1]/nothing') is defined", False),
        ("response.xml.xpath('//item') | length", 1),
        ("response.xml.xpath('//t:ref')[0] | trim", "A-1"),
    ],
)
def test_a_path_finds_elements_by_their_own_names(source: str, expected: object) -> None:
    assert value(source) == expected


def test_a_document_that_was_found_is_asked_as_the_answer_is() -> None:
    assert [value("item.text('ref')", item=order) for order in orders()] == ["A-1", "B-2"]
    loop = compile_loop("line in item.nodes('lines/item') if line.text('sku') != 'Y'", SCOPE)
    assert [one["line"].element.tag for one in loop({"item": orders()[0]})] == ["item"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("response.xml.text('//item/sku')", "has '//item/sku' 2 times here"),
        ("response.xml.node('//item')", "has '//item' 2 times here"),
        ("response.xml.text('order[1]')", "has elements in it, and is no text"),
        ("response.xml.nodes('//@id')", "it finds texts"),
        ("response.xml.text('//x:ref')", "Undefined namespace prefix"),
        ("item.text('ref')", "none is no node of XML"),
    ],
)
def test_what_cannot_be_told_apart_is_an_error_and_is_not_missing(source: str, told: str) -> None:
    with pytest.raises(ExpressionError, match=told.replace("[", r"\[")) as refused:
        value(source)
    assert not isinstance(refused.value, Missing)


def test_what_is_not_there_is_missing() -> None:
    for source in ("response.xml.node('//nothing')", "response.xml.text('nothing')"):
        with pytest.raises(Missing, match=r"the XML has no '(//)?nothing' here"):
            value(source)


@pytest.mark.parametrize("item", ["text", {"text": 1}, [1], 1])
def test_what_is_no_node_has_no_text(item: object) -> None:
    with pytest.raises(ExpressionError, match="is no node of XML"):
        value("item.text('a')", item=item)


def test_a_field_of_a_node_is_refused_when_the_file_is_read() -> None:
    with pytest.raises(InvalidExpression, match="a node has no field 'sku'"):
        compile_expression("(response.xml.nodes('//item') | first).sku", SCOPE)
    assert compile_expression("response.xml.nodes('//item')", SCOPE).shape == Many(NODE)


# References of SOAP's encoding


def envelope(body: str) -> str:
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'  # fmt: skip # noqa: E501


def test_a_value_that_stands_elsewhere_is_found_where_it_is_referred_to_and_only_there() -> None:
    xml = envelope(
        '<r><order href="#o"/><again href="#s"/></r>'
        '<multiRef id="o" kind="k"><lines><item href="#l"/><item><sku>Z</sku></item></lines>'
        '</multiRef><multiRef id="l"><sku href="#s"/></multiRef><multiRef id="s">X</multiRef>'
    )

    assert value("response.xml.nodes('//multiRef') | length", xml) == 0
    assert value("response.xml.xpath('count(//multiRef)')", xml) == 3
    assert value("response.xml.text('//order/@kind')", xml) == "k"
    assert value("response.xml.text('//again')", xml) == "X"
    assert [
        value("item.text('sku')", item=item)
        for item in value("response.xml.node('//order').nodes('lines/item')", xml)
    ] == ["X", "Z"]


@pytest.mark.parametrize(
    "body",
    [
        '<r href="#nobody"/>',
        '<r href="#a"/><m id="a"><b href="#a"/></m>',
        '<r href="#a"/><m id="a"><b href="#b"/></m><m id="b"><c href="#a"/></m>',
        '<r href="#a"/><m id="a"/><m id="a"/>',
        '<r href="#a">text</r><m id="a"/>',
        '<r href="#a"><b/></r><m id="a"/>',
    ],
)
def test_a_reference_that_leads_nowhere_or_to_itself_makes_the_answer_unreadable(body: str) -> None:
    for source in ("response.xml.nodes('//r')", "response.xml.text('//nothing') | default('')"):
        with pytest.raises(Unreadable, match="refers to what is not in it"):
            value(source, envelope(body))


def test_references_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    levels = "".join(
        f'<m id="i{level}">{f"<a href={chr(34)}#i{level + 1}{chr(34)}/>" * 10}</m>'
        for level in range(12)
    )
    bomb = envelope(f'<r href="#i0"/>{levels}<m id="i12">x</m>')

    with pytest.raises(Unreadable, match="without measure"):
        value("response.xml.nodes('//a')", bomb)


# Any path

names = st.sampled_from(["a", "b", "and", "div", "text", "position", "a.b", "a-b"])


@given(st.lists(names, min_size=1, max_size=4), names, st.sampled_from(["", "urn:x"]))
def test_a_chain_of_names_finds_the_elements_of_those_names_in_any_namespace(
    chain: list[str], other: str, namespace: str
) -> None:
    opened = "".join(f"<{name}>" for name in chain)
    closed = "".join(f"</{name}>" for name in reversed(chain))
    xml = f'<root xmlns="{namespace}">{opened}7{closed}</root>' if namespace else (
        f"<root>{opened}7{closed}</root>"
    )  # fmt: skip

    assert value(f"response.xml.text('{'/'.join(chain)}')", xml) == "7"
    expected = chain.count(other)
    assert value(f"response.xml.nodes('//{other}') | length", xml) == expected


@given(st.text(alphabet="ab:/@.*[]()'\"=|-+<>! 12$andor", max_size=25))
def test_any_text_is_a_path_or_a_clear_refusal(path: str) -> None:
    quoted = path.replace("\\", "").replace("'", '"')
    with suppress(InvalidExpression, ExpressionError):
        found = value(f"response.xml.nodes('{quoted}')")
        assert all(isinstance(one, Node) for one in found)
