"""The tables."""

from __future__ import annotations

from compare.figures import Row, grouped
from compare_engines.comparison import case_of, ours_and_fastest


def show(rows: list[Row]) -> None:
    for alike in grouped(rows, "work", "precision", "batch", "threads", "limit"):
        show_case(alike)


def show_case(rows: list[Row]) -> None:
    case = case_of(rows[0])
    print(f"\n{case}, {min(row['runs'] for row in rows)}+ runs")
    titles = f"{'median ms':>10} {'p10-p90 ms':>19} {'min ms':>9} {'load+1st ms':>12} {'error':>9} {'RSS MB':>8}"
    print(f"  {'engine':<12} {'version':<14} {titles}")
    for row in rows:
        spread = f"{row['p10_ms']:.2f}-{row['p90_ms']:.2f}"
        first = "" if row["first_answer_ms"] is None else f"{row['first_answer_ms']:.0f}"
        print(
            f"  {row['engine']:<12} {row['version']:<14} {row['median_ms']:>10.2f} {spread:>19} {row['min_ms']:>9.2f} "
            f"{first:>12} {row['max_abs_error']:>9.1e} {row['peak_rss_mb']:>8.0f}"
        )
    for row in rows:
        for note in row["notes"]:
            print(f"  {row['engine']}: {note}")
    if case.precision != "float32":
        errors = ", ".join(f"{row['engine']} {row['relative_error']:.2%}" for row in rows)
        print(f"  error of the largest output: {errors}")
    if pair := ours_and_fastest(rows):
        ours, fastest = pair
        ratio, best = (fastest[key] / ours[key] for key in ("median_ms", "min_ms"))
        print(f"  {fastest['engine']} / zoo: {ratio:.2f} by medians, {best:.2f} by minima; above 1 zoo is faster")
    print(end="", flush=True)
