"""Bars with whiskers, as SVG that reads on light pages and on dark ones."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

MARGIN = 36
COLUMN_WIDTH = 464
GUTTER = 40
BAR_HEIGHT = 16
BAR_STEP = 24
# Letters of small text to a column.
SMALL_LETTERS = 64
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


@dataclass(frozen=True)
class Bar:
    """A label, a value with its spread, the value in words; whether it is ours."""

    label: str
    value: float
    low: float
    high: float
    figure: str
    is_ours: bool


def text(x: float, y: float, words: str, classes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{html.escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def scale(bars: list[Bar]) -> float:
    """The value that a bar of full length stands for."""
    return min(max(bar.high for bar in bars), WHISKER_SCALE * max(bar.value for bar in bars))


def drawn(bars: list[Bar], left: float, top: float, full: float, label_width: float, figure_width: float) -> list[str]:
    """The bars beneath each other, a column wide. A bar of full length stands for `full`."""
    start = left + label_width + 8
    unit = (COLUMN_WIDTH - label_width - 8 - figure_width) / full
    parts = []
    for place, bar in enumerate(bars):
        y = top + place * BAR_STEP
        middle = y + BAR_HEIGHT / 2
        end = start + bar.value * unit
        low, high = start + bar.low * unit, start + min(bar.high, full) * unit
        parts.append(text(start - 8, middle + 4.5, bar.label, "accent bold end" if bar.is_ours else "ink end"))
        shape = f'x="{start:.1f}" y="{y:.1f}" width="{end - start:.1f}" height="{BAR_HEIGHT}" rx="2"'
        parts.append(f'<rect {shape} class="{"ours" if bar.is_ours else "bar"}"/>')
        parts.append(line(low, middle, high, middle, "whisker"))
        parts.append(line(low, middle - 4, low, middle + 4, "whisker"))
        if bar.high <= full:
            parts.append(line(high, middle - 4, high, middle + 4, "whisker"))
        parts.append(text(max(end, high) + 7, middle + 4.5, bar.figure, "accent bold" if bar.is_ours else "ink"))
    return parts


def figure(value: float) -> str:
    """Three digits, or all that are before the point."""
    for limit, digits in ((0.0995, 4), (0.995, 3), (9.995, 2), (99.95, 1)):
        if value < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def wrapped(words: str, columns: int) -> list[str]:
    return textwrap.wrap(words, SMALL_LETTERS * columns)


def span(values: Iterable[str]) -> str:
    found = sorted(set(values))
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"


def page(parts: list[str], width: float, height: float, title: str) -> str:
    body = "\n  ".join(parts)
    width, height = round(width), round(height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img">\n  <title>{html.escape(title)}</title>\n  <style>{STYLE}  </style>\n'
        f'  <rect width="{width}" height="{height}" class="page"/>\n  {body}\n</svg>\n'
    )
