#!/usr/bin/env python3
"""Measures how many operations a second a card's matrix units do, for tools/gpu-check, and which share of it networks reach.

    python3 tools/lib/peak_torch.py --json peak.json compare-cyclegan-resnet9-256.json

The peak is that of PyTorch's product of two square matrices in bfloat16, the best of several rounds. Files are what
`tools/compare-engines --json` wrote: each row in bfloat16 gets the operations of its work, as the network is defined, over its
median, as a share of the peak.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import torch

# Multiplications and additions for a picture.
OPERATIONS = {"cyclegan-resnet9-256": 99.2e9, "resnet50-224": 8.2e9}


def peak(size: int, device: str, rounds: int) -> float:
    """Operations a second."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    left, right = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(rounds):
        wait()
        start = time.perf_counter()
        for _ in range(10):
            left @ right
        wait()
        best = min(best, (time.perf_counter() - start) / 10)
    return 2 * size**3 / best


def shares(rows: list[dict], operations: float) -> list[dict]:
    return [
        {"work": row["work"], "engine": row["engine"], "batch": row["batch"], "median_ms": row["median_ms"],
         "share_of_peak": OPERATIONS[row["work"]] * row["batch"] / (row["median_ms"] / 1000) / operations}
        for row in rows
        if row["precision"] == "bfloat16" and row["work"] in OPERATIONS and row.get("median_ms")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", help="a file to write the figures to")
    chosen = parser.parse_args()
    operations = peak(chosen.size, chosen.device, chosen.rounds)
    print(f"PyTorch {torch.__version__}: bfloat16 {chosen.size}³, {operations / 1e12:.1f} TFLOP/s")
    found = [row for file in chosen.files for row in shares(json.loads(file.read_text()), operations)]
    for row in found:
        print(
            f"{row['work']:22} {row['engine']:8} batch {row['batch']:3}  {row['median_ms']:9.3f} ms"
            f"  {100 * row['share_of_peak']:5.1f} % of the peak")
    if chosen.json:
        figures = {"size": chosen.size, "operations_per_second": operations, "rows": found}
        pathlib.Path(chosen.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
