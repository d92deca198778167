"""The picture: bars in groups, one group for each case; the longer, the more queries a second."""

from __future__ import annotations

from compare import drawing
from compare.drawing import BAR_STEP, COLUMN_WIDTH, GUTTER, MARGIN, Bar, line, text
from compare.figures import Row, fastest, grouped
from compare_search.cases import ZOO, case_of
from compare_search.report import label, ratios

# At most so many groups beside each other, those that differ in threads.
COLUMNS = 2
LABEL_WIDTH = 112
FIGURE_WIDTH = 112


def bar(row: Row, rows: list[Row]) -> Bar:
    words = f"{drawing.figure(row['median_ms'])} ms"
    if not row["is_exact"]:
        words += f", {row['recall']:.1%}"
    value, low, high = (1e3 / row[key] for key in ("median_ms", "p90_ms", "p10_ms"))
    return Bar(label(row, rows), value, low, high, words, is_ours=row["engine"] == ZOO)


def speed(rows: list[Row]) -> str:
    """How fast ours is, in its fastest mode, in the speed of the fastest exact peer."""
    ours = fastest(row for row in rows if row["engine"] == ZOO)
    for peer, ratio, _ in ratios(ours, rows)[-1:] if ours else ():
        return f"{ratio:.1f} × {peer['engine']}"
    return ""


def group(rows: list[Row], left: float, top: float, full: float) -> list[str]:
    """One case: a heading, and the engines with the fastest on top."""
    ordered = sorted(rows, key=lambda row: row["median_ms"])
    heading = text(left, top + 12, case_of(rows[0]).settings, "ink bold")
    ratio = text(left + COLUMN_WIDTH, top + 12, speed(rows), "accent bold end")
    bars = [bar(row, rows) for row in ordered]
    return [heading, ratio, *drawing.drawn(bars, left, top + 24, full, LABEL_WIDTH, FIGURE_WIDTH)]


def title(row: Row) -> str:
    return f"{row['work']}, {case_of(row).searched}"


def svg(rows: list[Row]) -> str:
    """The picture of rows as `Comparison.rows` gives them."""
    columns = min(COLUMNS, len(grouped(rows, "threads")))
    right = MARGIN + columns * COLUMN_WIDTH + (columns - 1) * GUTTER
    taken = (drawing.span(row[key] for row in rows) for key in ("date", "machine"))
    parts = [
        text(MARGIN, 50, "Exact search by Hamming distance on the CPU", "title ink"),
        text(MARGIN, 75, ", ".join(taken), "ink"),
    ]
    legend = [f"Milliseconds for the {rows[0]['k']} nearest of one query, the median. Bars: queries a second."]
    legend.append("Whiskers: 10th to 90th percentile. Bars beside each other have one scale.")
    if any(row["engine"] == ZOO for row in rows):
        legend.append("Over the bars: zoo's speed, in that of the fastest exact peer.")
    if not all(row["is_exact"] for row in rows):
        legend.append("Percentages: how much of what is nearest engines find that are not exact.")
    y = 80.0
    for words in legend:
        y += 20
        parts.append(text(MARGIN, y, words, "soft"))
    y += 22
    for searched in grouped(rows, "work", "data", "bits", "codes"):
        parts.append(line(MARGIN, y, right, y, "rule"))
        parts.append(text(MARGIN, y + 30, title(searched[0]), "work ink"))
        y += 50
        for alike in grouped(searched, "queries"):
            full = drawing.scale([bar(row, alike) for row in alike])
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
    return drawing.page(parts, right + MARGIN, y + 30, "Milliseconds of a query, engine by engine")
