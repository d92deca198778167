"""What is made of what was measured."""

from __future__ import annotations

import os
import pathlib
import statistics
from collections.abc import Iterable
from typing import Any

# What is known of an engine in a case.
Row = dict[str, Any]


def summary(times: list[float]) -> Row:
    """Of times in milliseconds."""
    return {
        "median_ms": statistics.median(times),
        "min_ms": min(times),
        "p10_ms": quantile(times, 0.1),
        "p90_ms": quantile(times, 0.9),
    }


def quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def grouped(rows: Iterable[Row], *keys: str) -> list[list[Row]]:
    """The rows by what they have under the keys, in the order in which that first comes."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(found.values())


def fastest(rows: Iterable[Row]) -> Row | None:
    return min(rows, key=lambda row: row["median_ms"], default=None)


def machine() -> str:
    """The processor's name, and how many of its cores this program may use."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    count = len(os.sched_getaffinity(0))
    return f"{names[0] if names else os.uname().machine}, {count} {'core' if count == 1 else 'cores'}"
