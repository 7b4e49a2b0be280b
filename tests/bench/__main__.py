"""`python -m tests.bench [NAME …]`: run benchmarks, print PASS or MISS per target."""

from __future__ import annotations

import inspect
import os
import sys
from importlib import import_module

from tests.bench.report import PAGE, Report, write
from tests.bench.scale import Scale
from tests.servers import is_mysql

NAMES = (
    "throughput",
    "soap",
    "slow_erp",
    "latency",
    "limiter",
    "priority",
    "claim",
    "memory",
    "checkout",
    "stock",
    "prices",
)
_ON_MYSQL = " on MySQL"


def main(wanted: list[str]) -> int:
    """Run what is wanted; 64 for a name that does not exist, else 0."""
    unknown = set(wanted) - set(NAMES)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
        return 64
    scale = Scale.of_environment()
    reports = []
    for name in wanted or NAMES:
        module = import_module(f"tests.bench.{name}")
        print(f"{name}", flush=True)
        report = Report(name + _ON_MYSQL * is_mysql(), inspect.cleandoc(module.__doc__ or ""))
        module.measure(report, scale)
        print(f"       {report.machine()}", flush=True)
        reports.append(report)
        if os.environ.get("BENCH_WRITE", "") not in ("", "0"):
            write(report, [*NAMES, *(name + _ON_MYSQL for name in NAMES)])
            print(f"       written to {PAGE}", flush=True)
    verdicts = [figure.verdict for report in reports for figure in report.figures]
    print(f"{verdicts.count('PASS')} PASS, {verdicts.count('MISS')} MISS")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
