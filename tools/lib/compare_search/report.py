"""The tables."""

from __future__ import annotations

from compare.figures import Row, fastest, grouped
from compare_search.cases import ZOO, case_of

# What rows of one case have in common.
CASE = ("work", "data", "bits", "codes", "queries", "threads")


def label(row: Row, rows: list[Row]) -> str:
    """An engine's name among the rows of its case: with its mode where it is there in several."""
    is_alone = [each["engine"] for each in rows].count(row["engine"]) == 1
    return row["engine"] if is_alone else f"{row['engine']} {row['mode']}"


def ratios(ours: Row, rows: list[Row]) -> list[tuple[Row, float, float]]:
    """faiss, and last the fastest of the exact peers, in the time of ours: by medians, and by minima."""
    peers = [row for row in rows if row["engine"] != ZOO and row["is_exact"]]
    chosen = [fastest(row for row in peers if row["engine"] == "faiss"), fastest(peers)]
    unique = {row["engine"]: row for row in chosen if row}
    return [(row, row["median_ms"] / ours["median_ms"], row["min_ms"] / ours["min_ms"]) for row in unique.values()]


def memory_share(row: Row) -> float | None:
    """The part of the memory's speed, as whoever read it fastest found it, at which the codes were gone through."""
    return row["gbps"] / max(row["memory_gbps"].values()) if row["gbps"] and row["memory_gbps"] else None


def show(rows: list[Row]) -> None:
    for alike in grouped(rows, *CASE):
        show_case(alike)


def show_case(rows: list[Row]) -> None:
    case = case_of(rows[0])
    print(f"\n{case}, top {case.k}, {min(row['runs'] for row in rows)}+ runs")
    times = f"{'median ms':>10} {'p10-p90 ms':>19} {'min ms':>9} {'batch ms':>9}"
    found = f"{'recall':>7} {'GB/s':>6} {'memory':>7} {'bytes/item':>10} {'RSS MB':>7}"
    print(f"  {'engine':<15} {'version':<8} {times} {found}")
    for row in rows:
        share = memory_share(row)
        print(
            f"  {label(row, rows):<15} {row['version']:<8} {row['median_ms']:>10.4f} "
            f"{row['p10_ms']:>9.4f}-{row['p90_ms']:<9.4f} {row['min_ms']:>9.4f} {optional(row['batch_ms'], '.2f'):>9} "
            f"{row['recall']:>7.4f} {optional(row['gbps'], '.1f'):>6} {optional(share, '.0%'):>7} "
            f"{optional(row['bytes_per_item'], '.1f'):>10} {row['rss_mb']:>7.0f}"
        )
    for row in rows:
        if row["engine"] == ZOO or not row["is_exact"]:
            print(f"  {label(row, rows)}: {row['plan']}")
    if speeds := rows[0]["memory_gbps"]:
        print(f"  memory is read at {', '.join(f'{speed:.1f} GB/s by {name}' for name, speed in speeds.items())}")
    for ours in (row for row in rows if row["engine"] == ZOO):
        for peer, ratio, best in ratios(ours, rows):
            print(
                f"  {peer['engine']} / {label(ours, rows)}: {ratio:.2f} by medians, {best:.2f} by minima; "
                "above 1 zoo is faster"
            )
    print(end="", flush=True)


def optional(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
