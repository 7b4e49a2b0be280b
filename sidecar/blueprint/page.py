"""The blueprint as one HTML file: a picture and tables; no script, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from sidecar.blueprint.document import Blueprint, DomainPlan
from sidecar.blueprint.drawing import COLOURS, drawing
from sidecar.blueprint.words import OWNERS, about, answers, headed, in_magento, order_of_stages, way

_STYLE = f"""
body {{ font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #26221d;
  background: #fff; max-width: 62rem; margin: 2rem auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.7rem; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.25rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid #ddd7cd;
  padding-bottom: .25rem; }}
h3 {{ font-size: .95rem; margin: 1.1rem 0 .3rem; color: #5d564c; }}
p {{ margin: .4rem 0; }}
.dim, small {{ color: #6b655c; }}
svg {{ width: 100%; height: auto; margin: 1rem 0; font-family: inherit; }}
table {{ border-collapse: collapse; width: 100%; font-size: .88rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid #ebe6de; overflow-wrap: break-word; }}
code {{ overflow-wrap: anywhere; }}
th {{ color: #5d564c; font-weight: 600; }}
td:first-child {{ font-weight: 600; min-width: 7.5rem; }}
.rules td:first-child {{ font-weight: 400; width: 27%; font-family: ui-monospace,
  "DejaVu Sans Mono", monospace; font-size: .8rem; }}
.rules td:nth-child(2) {{ width: 27%; font-weight: 600; }}
.magento {{ color: {COLOURS["magento"]}; font-weight: 600; }}
.erp {{ color: {COLOURS["erp"]}; font-weight: 600; }}
.high {{ background: #a3211c; color: #fff; border-radius: .3rem; padding: .05rem .4rem; }}
ul {{ padding-left: 1.1rem; }}
@media print {{ body {{ margin: 0; max-width: none; }} section {{ break-inside: avoid; }} }}
"""


def page(blueprint: Blueprint, signatures: Sequence[str]) -> str:
    """The whole file; `signatures`: who signed it, in words."""
    return "\n".join(_lines(blueprint, signatures)) + "\n"


def _lines(blueprint: Blueprint, signatures: Sequence[str]) -> Iterator[str]:
    title = escape(f"Blueprint of the shop {blueprint.shop}")
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>"
    yield (
        "<p>Who owns what, which way it goes between the shop and the systems beside it, and who "
        "answers for it. "
        '<span class="magento">Magento’s word</span> goes to the other side; '
        '<span class="erp">the ERP’s word</span> comes into Magento.</p>'
    )
    if signatures:
        yield _listed(signatures)
    yield drawing(blueprint)
    yield "<h2>What goes where</h2>"
    yield _overview(blueprint)
    yield "<h2>Exceptions</h2>"
    yield _exceptions(blueprint)
    if blueprint.lifecycle.stages:
        yield "<h2>What the ERP’s statuses mean</h2>"
        yield f"<p>{order_of_stages(blueprint.lifecycle)}</p>"
        yield _lifecycle(blueprint)
    for domain in blueprint.domains:
        yield from _domain(blueprint, domain)
    yield "<h2>The systems on the other side</h2>"
    yield _accounts(blueprint)
    yield (
        f'<p class="dim"><small>Times are those of {escape(blueprint.timezone)}. Hash of what is '
        f"signed: {blueprint.digest}</small></p>\n</body>\n</html>"
    )


def _overview(blueprint: Blueprint) -> str:
    rows = (
        (
            _text(one.name),
            _text(about(one)),
            f'<span class="{one.owner}">{OWNERS[one.owner]}</span>',
            _text(way(one)),
            _text(one.every),
            '<span class="high">high</span>' if one.risk == "high" else _text(one.risk),
            _text(answers(blueprint, one)),
        )
        for one in blueprint.domains
    )
    return _table(("domain", "what", "owner", "way", "every", "risk", "who answers"), rows)


def _exceptions(blueprint: Blueprint) -> str:
    if not blueprint.exceptions:
        return "<p>There are none: everything follows the rules below.</p>"
    rows = (
        (
            _text(one.domain),
            _text(one.reason),
            f"<code>{_text(one.when)}</code>",
            _text(f"{one.calls} ({one.fingerprint})"),
            _text(blueprint.told_of(one.owner)),
            _text(one.expires),
        )
        for one in blueprint.exceptions
    )
    return _table(("domain", "reason", "when", "file of calls", "who answers", "until"), rows)


def _lifecycle(blueprint: Blueprint) -> str:
    rows = (
        (
            _text(state.name),
            _text(state.meaning),
            _text(in_magento(state)),
            _text(", ".join(state.following) or "the end"),
        )
        for state in blueprint.lifecycle.stages
    )
    return _table(("status in the ERP", "meaning", "in Magento", "may be followed by"), rows)


def _accounts(blueprint: Blueprint) -> str:
    rows = (
        (
            _text(one.name),
            _text(one.address),
            _text(one.adapter),
            _text(f"{one.calls} ({one.fingerprint})" if one.calls else "none"),
            _text(one.pace),
        )
        for one in blueprint.accounts
    )
    return _table(("account", "address", "adapter", "file of calls", "pace"), rows)


def _domain(blueprint: Blueprint, domain: DomainPlan) -> Iterator[str]:
    yield f"<section>\n<h2>{_text(domain.name)}</h2>"
    yield (
        f'<p><span class="{domain.owner}">{OWNERS[domain.owner]} owns it.</span> '
        f"{_text(way(domain))}, every {_text(domain.every)}. "
        f"{_text(answers(blueprint, domain))}.</p>"
    )
    for heading, rules in headed(domain):
        yield f"<h3>{_text(heading)}</h3>"
        yield _table(
            ("rule", "is", "which means"),
            ((_text(one.key), _text(one.value), _text(one.meaning)) for one in rules),
            "rules",
        )
    yield "</section>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{one}</th>" for one in header)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}">\n<tr>{head}</tr>\n{body}\n</table>'


def _listed(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _text(text: str) -> str:
    return escape(text)
