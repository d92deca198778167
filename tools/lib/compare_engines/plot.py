"""The picture: bars in groups, one group for each case, as SVG that reads on light pages and on dark ones."""

from __future__ import annotations

from compare import drawing
from compare.drawing import BAR_STEP, COLUMN_WIDTH, GUTTER, MARGIN, Bar, line, text
from compare.figures import Row, grouped
from compare_engines.comparison import ZOO, case_of, ours_and_fastest

# At most so many groups beside each other, those that differ in threads.
COLUMNS = 2
LABEL_WIDTH = 98
FIGURE_WIDTH = 64


def speed(rows: list[Row]) -> str:
    """How fast ours is, in the speed of the fastest peer."""
    if pair := ours_and_fastest(rows):
        ours, fastest = pair
        return f"{fastest['median_ms'] / ours['median_ms']:.2f} × {fastest['engine']}"
    return ""


def shown(row: Row) -> str:
    """A bar's figure, and whether the engine is not held to what the others are."""
    digits = drawing.figure(row["median_ms"])
    return f"{digits} {row['instruction_set']}" if row["limit"] not in (None, row["instruction_set"]) else digits


def bar(row: Row) -> Bar:
    value, low, high = (row[key] for key in ("median_ms", "p10_ms", "p90_ms"))
    return Bar(row["engine"], value, low, high, shown(row), is_ours=row["engine"] == ZOO)


def group(rows: list[Row], left: float, top: float, full: float) -> list[str]:
    """One case: a heading, and the engines with the fastest on top. Bars of full length stand for `full` ms."""
    heading = text(left, top + 12, case_of(rows[0]).settings, "ink bold")
    ratio = text(left + COLUMN_WIDTH, top + 12, speed(rows), "accent bold end")
    bars = [bar(row) for row in sorted(rows, key=lambda row: row["median_ms"])]
    return [heading, ratio, *drawing.drawn(bars, left, top + 24, full, LABEL_WIDTH, FIGURE_WIDTH)]


def svg(rows: list[Row]) -> str:
    """The picture of rows as `Comparison.rows` gives them."""
    columns = min(COLUMNS, len(grouped(rows, "threads")))
    right = MARGIN + columns * COLUMN_WIDTH + (columns - 1) * GUTTER
    taken = (drawing.span(row[key] for row in rows) for key in ("date", "machine"))
    parts = [
        text(MARGIN, 50, "Whole networks on the CPU", "title ink"),
        text(MARGIN, 75, ", ".join(taken), "ink"),
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
            full = drawing.scale([bar(row) for row in alike])
            cases = grouped(alike, "threads")
            for first in range(0, len(cases), columns):
                beside = cases[first : first + columns]
                for column, case in enumerate(beside):
                    parts += group(case, MARGIN + column * (COLUMN_WIDTH + GUTTER), y, full)
                y += 24 + max(map(len, beside)) * BAR_STEP + 16
        y += 4
    parts.append(line(MARGIN, y, right, y, "rule"))
    versions = ", ".join(dict.fromkeys(f"{row['engine']} {row['version']}" for row in rows))
    for words in drawing.wrapped(versions, columns):
        parts.append(text(MARGIN, y + 26, words, "soft small"))
        y += 18
    return drawing.page(parts, right + MARGIN, y + 30, "Median milliseconds of a run, engine by engine")
