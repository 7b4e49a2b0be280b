"""What a benchmark found: figures against targets, on which machine, and the page that keeps them.

A benchmark never asserts: it prints PASS or MISS per target, and a person reads why.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.bench.scale import Scale

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
#: Above this much foreign work per core at the start, a figure says more about the neighbours.
_NOISY_LOAD = 0.7

_PREFACE = """\
# Benchmarks

Written by `make bench BENCH_WRITE=1`; each section by its own module in `tests/bench`, whose first
lines say what is measured and how.  Repeat all of it, or one part, on a machine of your own:

    make bench                            all, about 40 minutes; prints and writes nothing
    make bench BENCH=throughput           one (or several) of: {names}
    make bench BENCH_QUICK=1              fewer orders and repetitions, about 10 minutes
    make bench BENCH_WRITE=1              … and write the sections of this page anew
    make bench ERP_SIDECAR_TEST_SERVER=mysql      on MySQL (make test-mysql gets it)

A figure is the median of its repetitions, with the smallest and the largest beside it.  *noisy*
marks a run that began while other programs kept the machine busy: there only the figures that are
ratios within one run mean much.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: `text` as people read it, `is_met` decides on the median."""

    text: str
    is_met: Callable[[float], bool]


def at_least(bound: float, unit: str = "") -> Target:
    """The figure must not be below `bound`."""
    return Target(f"≥ {bound:g}{_spaced(unit)}", lambda value: value >= bound)


def at_most(bound: float, unit: str = "") -> Target:
    """The figure must not be above `bound`."""
    return Target(f"≤ {bound:g}{_spaced(unit)}", lambda value: value <= bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing: `values`, one per repetition; without `target` it is for information."""

    name: str
    unit: str
    values: Sequence[float]
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """PASS, MISS, or nothing where there is no target."""
        if self.target is None:
            return ""
        return "PASS" if self.target.is_met(median(self.values)) else "MISS"

    @property
    def range(self) -> str:
        """Smallest and largest, where there were several."""
        if len(self.values) < 2:
            return ""
        return f"{_number(min(self.values))} … {_number(max(self.values))}"

    @property
    def line(self) -> str:
        """For a terminal."""
        cells = (
            self.verdict or "info",
            f"{_number(median(self.values))}{_spaced(self.unit)}",
            self.range and f"[{self.range}]",
            self.target.text if self.target else "",
        )
        return f"  {cells[0]:<4} {self.name:<58} {cells[1]:>14}  {cells[2]:<20} {cells[3]}"

    @property
    def row(self) -> str:
        """For the page."""
        found = f"{_number(median(self.values))}{_spaced(self.unit)}"
        target = self.target.text if self.target else ""
        return f"| {self.name} | {found} | {self.range} | {target} | {self.verdict} |"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    cores: int
    model: str
    server: str
    load_before: float
    load_after: float

    def __str__(self) -> str:
        noisy = ", **noisy**" if self.load_before / self.cores > _NOISY_LOAD else ""
        return (
            f"{self.cores} cores of {self.model}, {self.server}, Python "
            f"{platform.python_version()}; load {self.load_before:.1f} before, "
            f"{self.load_after:.1f} after{noisy}"
        )


@dataclass(slots=True)
class Report:
    """Gathers the figures of one benchmark and prints each as it comes."""

    name: str
    about: str
    server: str = ""
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _load: float = field(default_factory=lambda: os.getloadavg()[0])

    def add(
        self, name: str, unit: str, values: Iterable[float], target: Target | None = None
    ) -> None:
        """Keep a figure."""
        figure = Figure(name, unit, list(values), target)
        self.figures.append(figure)
        print(figure.line, flush=True)

    def note(self, text: str) -> None:
        """Keep a sentence that a reader needs beside the figures."""
        self.notes.append(text)
        print(f"       {text}", flush=True)

    def machine(self) -> Machine:
        """The machine, with its load now as the load after."""
        cores = os.cpu_count() or 1
        return Machine(cores, _cpu_model(), self.server, self._load, os.getloadavg()[0])

    def section(self) -> str:
        """This benchmark's part of the page."""
        rows = "\n".join(figure.row for figure in self.figures)
        notes = "".join(f"\n{note}" for note in self.notes)
        quick = "; **quick** (BENCH_QUICK=1)" if Scale.of_environment().quick else ""
        return (
            f"## {self.name}\n\n{self.about.strip()}\n\n"
            "| figure | median | range | target | |\n| --- | --- | --- | --- | --- |\n"
            f"{rows}\n{notes}\n\n{datetime.now(UTC):%Y-%m-%d}: {self.machine()}{quick}.\n"
        )


def write(report: Report, names: Sequence[str]) -> None:
    """Put the report's section into the page; the other sections stay as they are."""
    sections = _sections(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    sections[report.name] = report.section()
    ordered = [sections[name] for name in names if name in sections]
    preface = _PREFACE.format(names=", ".join(name for name in names if " " not in name))
    PAGE.write_text("\n".join([preface, *ordered]), encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def _sections(page: str) -> dict[str, str]:
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {part.removeprefix("## ").partition("\n")[0]: part.rstrip("\n") + "\n" for part in parts}


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text("utf-8") if info.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or "an unknown processor"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""
