"""The picture: bars in groups, one group for each case, as SVG that reads on light pages and on dark ones."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable

from compare_engines.comparison import ZOO, Row, case_of, grouped, ours_and_fastest

MARGIN = 36
# At most so many groups beside each other, those that differ in threads, and what is between them.
COLUMNS = 2
COLUMN_WIDTH = 464
GUTTER = 40
LABEL_WIDTH = 98
# What stays free behind the longest bar for its figure.
FIGURE_WIDTH = 64
BAR_HEIGHT = 16
BAR_STEP = 24
# Letters of the line of versions to a column.
VERSIONS_WIDTH = 64
# The longest a whisker may make the scale, in the longest bar.
WHISKER_SCALE = 1.25

STYLE = """
    text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
           font-size: 13px; font-variant-numeric: tabular-nums; }
    .page { fill: #ffffff }  .ink { fill: #1f2328 }  .soft { fill: #656d76 }  .accent { fill: #d9480f }
    .bar { fill: #c4ccd4 }  .ours { fill: #f76707 }  .rule { stroke: #d8dee4 }  .whisker { stroke: #1f2328 }
    .title { font-size: 22px; font-weight: 650 }  .work { font-size: 17px; font-weight: 650 }
    .bold { font-weight: 650 }  .small { font-size: 12px }  .end { text-anchor: end }
    .whisker { stroke-width: 1.25; stroke-opacity: 0.65 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }  .ink { fill: #e6edf3 }  .soft { fill: #9198a1 }  .accent { fill: #ff922b }
      .bar { fill: #464e58 }  .ours { fill: #f76707 }  .rule { stroke: #30363d }  .whisker { stroke: #e6edf3 }
    }
"""


def text(x: float, y: float, words: str, classes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{html.escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def scale(rows: list[Row]) -> float:
    """The milliseconds that a bar of full length stands for."""
    return min(max(row["p90_ms"] for row in rows), WHISKER_SCALE * max(row["median_ms"] for row in rows))


def speed(rows: list[Row]) -> str:
    """How fast ours is, in the speed of the fastest peer."""
    if pair := ours_and_fastest(rows):
        ours, fastest = pair
        return f"{fastest['median_ms'] / ours['median_ms']:.2f} × {fastest['engine']}"
    return ""


def shown(row: Row) -> str:
    """A bar's figure, and whether the engine is not held to what the others are."""
    ms = row["median_ms"]
    # Three digits, or all that are before the point.
    digits = f"{ms:.2f}" if ms < 9.995 else f"{ms:.1f}" if ms < 99.95 else f"{ms:.0f}"
    return f"{digits} {row['instruction_set']}" if row["limit"] not in (None, row["instruction_set"]) else digits


def group(rows: list[Row], left: float, top: float, full: float) -> list[str]:
    """One case: a heading, and the engines with the fastest on top. Bars of full length stand for `full` ms."""
    start = left + LABEL_WIDTH + 8
    per_ms = (COLUMN_WIDTH - LABEL_WIDTH - 8 - FIGURE_WIDTH) / full
    parts = [
        text(left, top + 12, case_of(rows[0]).settings, "ink bold"),
        text(left + COLUMN_WIDTH, top + 12, speed(rows), "accent bold end"),
    ]
    for place, row in enumerate(sorted(rows, key=lambda row: row["median_ms"])):
        is_ours = row["engine"] == ZOO
        y = top + 24 + place * BAR_STEP
        middle = y + BAR_HEIGHT / 2
        end = start + row["median_ms"] * per_ms
        low, high = start + row["p10_ms"] * per_ms, start + min(row["p90_ms"], full) * per_ms
        parts.append(text(start - 8, middle + 4.5, row["engine"], "accent bold end" if is_ours else "ink end"))
        bar = f'x="{start:.1f}" y="{y:.1f}" width="{end - start:.1f}" height="{BAR_HEIGHT}" rx="2"'
        parts.append(f'<rect {bar} class="{"ours" if is_ours else "bar"}"/>')
        parts.append(line(low, middle, high, middle, "whisker"))
        parts.append(line(low, middle - 4, low, middle + 4, "whisker"))
        if row["p90_ms"] <= full:
            parts.append(line(high, middle - 4, high, middle + 4, "whisker"))
        parts.append(text(max(end, high) + 7, middle + 4.5, shown(row), "accent bold" if is_ours else "ink"))
    return parts


def span(values: Iterable[str]) -> str:
    found = sorted(set(values))
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"


def svg(rows: list[Row]) -> str:
    """The picture of rows as `Comparison.rows` gives them."""
    columns = min(COLUMNS, len(grouped(rows, "threads")))
    right = MARGIN + columns * COLUMN_WIDTH + (columns - 1) * GUTTER
    parts = [
        text(MARGIN, 50, "Whole networks on the CPU", "title ink"),
        text(MARGIN, 75, f"{span(row['date'] for row in rows)}, {span(row['machine'] for row in rows)}", "ink"),
    ]
    legend = ["Milliseconds of a run, the median. Whiskers: 10th to 90th percentile."]
    if columns > 1:
        legend.append("Bars beside each other have one scale.")
    if any(row["engine"] == ZOO for row in rows):
        legend.append("Over the bars: zoo's speed, in that of the fastest other engine.")
    y = 80.0
    for words in legend:
        y += 20
        parts.append(text(MARGIN, y, words, "soft"))
    y += 22
    for work in grouped(rows, "work"):
        parts.append(line(MARGIN, y, right, y, "rule"))
        parts.append(text(MARGIN, y + 30, work[0]["work"], "work ink"))
        y += 50
        for alike in grouped(work, "precision", "batch", "limit"):
            full = scale(alike)
            cases = grouped(alike, "threads")
            for first in range(0, len(cases), columns):
                beside = cases[first : first + columns]
                for column, case in enumerate(beside):
                    parts += group(case, MARGIN + column * (COLUMN_WIDTH + GUTTER), y, full)
                y += 24 + max(map(len, beside)) * BAR_STEP + 16
        y += 4
    parts.append(line(MARGIN, y, right, y, "rule"))
    versions = ", ".join(dict.fromkeys(f"{row['engine']} {row['version']}" for row in rows))
    for words in textwrap.wrap(versions, VERSIONS_WIDTH * columns):
        parts.append(text(MARGIN, y + 26, words, "soft small"))
        y += 18
    width, height = right + MARGIN, round(y + 30)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    body = "\n  ".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n'
        f"  <title>Median milliseconds of a run, engine by engine</title>\n  <style>{STYLE}  </style>\n"
        f'  <rect width="{width}" height="{height}" class="page"/>\n  {body}\n</svg>\n'
    )
