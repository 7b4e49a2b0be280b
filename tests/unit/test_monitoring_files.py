"""The alert rules and the dashboard name figures that there are, and places that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sidecar.observe.metrics import METRICS
from sidecar.observe.registry import Metrics

PROJECT = Path(__file__).parents[2]
ALERTS = PROJECT / "config" / "monitoring" / "alerts.yml"
DASHBOARD = PROJECT / "config" / "monitoring" / "grafana.json"
MONITORING = PROJECT / "docs" / "monitoring.md"


def rules() -> list[dict[str, Any]]:
    (group,) = YAML(typ="safe").load(ALERTS.read_text("utf-8"))["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text("utf-8"))["panels"])


def expressions() -> list[str]:
    targets = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *targets]


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\berp_sidecar_[a-z_]+\b", text))


def samples() -> set[str]:
    """Names that stand in the text file."""
    parts = ("_bucket", "_sum", "_count")
    return {
        name + part
        for name, metric in METRICS.items()
        for part in (parts if metric.kind == "histogram" else ("",))
    }


@pytest.mark.parametrize("expression", expressions())
def test_every_figure_that_an_expression_names_exists(expression: str) -> None:
    names = names_in(expression)
    assert names or "node_textfile_mtime_seconds" in expression
    assert names <= samples()


@pytest.mark.parametrize("expression", expressions())
def test_every_label_that_an_expression_groups_by_is_one_of_its_figures(expression: str) -> None:
    known = {"shop", "le"} | {
        label
        for name in names_in(expression)
        for label in METRICS[re.sub(r"_(bucket|sum|count)$", "", name)].labels
    }
    for group in re.findall(r"by \(([^)]*)\)", expression):
        assert set(re.findall(r"\w+", group)) <= known


@pytest.mark.parametrize("expression", expressions())
def test_a_counter_is_looked_at_by_its_growth_and_a_gauge_as_it_stands(expression: str) -> None:
    for name in names_in(expression):
        is_counter = name.endswith(("_total", "_bucket"))
        grows = re.search(rf"(rate|increase)\({name}\b", expression) is not None
        assert is_counter == grows, name


def test_every_alert_says_what_is_wrong_and_where_to_read_on() -> None:
    headings = set()
    for line in (PROJECT / "docs" / "runbook.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            headings.add(re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-"))
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        said = rule["annotations"]
        assert said["summary"]
        for anchor in re.findall(r"docs/runbook\.md#([a-z0-9-]+)", said["description"]):
            assert anchor in headings, rule["alert"]


def test_no_alert_has_the_name_of_another() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_prometheus_itself_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not here")
    done = subprocess.run(
        [promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_itself_finds_nothing_to_say_of_the_names_and_types() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not here")
    metrics = Metrics("main", "1", ["orders"])
    metrics.tell("delivery.accepted", domain="orders", operation="push", outcome="accepted")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics.text({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_panel_lies_over_another_or_has_its_number() -> None:
    places = [panel["gridPos"] for panel in panels()]
    for one, other in combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_target_asks_the_chosen_data_source_for_the_chosen_shops() -> None:
    for panel in panels():
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert 'shop=~"$shop"' in target["expr"]


def test_the_document_lists_every_figure_as_the_file_describes_it() -> None:
    rows = re.findall(
        r"^\| `(erp_sidecar_[a-z_]+)` \| ([a-z]+) \| ([^|]+) \| (.+) \|$",
        MONITORING.read_text("utf-8"),
        re.MULTILINE,
    )
    assert [
        (name, kind, tuple(re.findall(r"\w+", cell)), said) for name, kind, cell, said in rows
    ] == [(name, metric.kind, metric.labels, metric.help) for name, metric in METRICS.items()]
