#!/usr/bin/env python3
"""Times the nearest codes by Hamming distance in PyTorch, for tools/gpu-check to put beside zoo-server gpu-check.

    python3 tools/lib/hamming_torch.py --codes 100000000 --json hamming-torch.json

The ten nearest of uniform codes of 64 bits, to one query and to 64, by what a user of PyTorch would write: `bits` counts the
bits of the exclusive or, in one kernel that torch.compile makes, and takes topk of the distances; `matmul` keeps every
bit as a half ±1, multiplies, and takes topk of the products, some millions of codes at a time. Both have to find the same
distances. Times are milliseconds of a call with all its queries, from queries on the card to answers on the card.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable

import torch

BITS = 64
NEIGHBOURS = 10
PART = 1 << 23


def bit_counts(codes: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """Of the exclusive or, [N] int16. The masks remove what shifts of negative numbers draw in."""
    x = codes ^ query
    x = x - ((x >> 1) & 0x5555555555555555)
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F
    return ((x * 0x0101010101010101) >> 56).to(torch.int16)


def signs(codes: torch.Tensor) -> torch.Tensor:
    """[N] int64 to [N, 64] half: 1 for a bit that is set, −1 for one that is not."""
    places = torch.arange(BITS, device=codes.device)
    return (((codes[:, None] >> places) & 1) * 2 - 1).half()


class Bits:
    name = "bits"

    def __init__(self, codes: torch.Tensor) -> None:
        self.codes = codes
        self.counts = torch.compile(bit_counts)

    def search(self, queries: torch.Tensor) -> torch.Tensor:
        found = [
            torch.topk(self.counts(self.codes, query), NEIGHBOURS, largest=False, sorted=True).values
            for query in queries
        ]
        return torch.stack(found)


class Matmul:
    name = "matmul"

    def __init__(self, codes: torch.Tensor) -> None:
        self.parts = [signs(part) for part in codes.split(PART)]

    def search(self, queries: torch.Tensor) -> torch.Tensor:
        wanted = signs(queries)
        best = [
            torch.topk(wanted @ part.T, min(NEIGHBOURS, len(part)), dim=1).values.to(torch.int16)
            for part in self.parts
        ]
        products = torch.topk(torch.cat(best, dim=1), NEIGHBOURS, dim=1, sorted=True).values
        return (BITS - products) // 2


def milliseconds(call: Callable[[], object], device: str, rounds: int) -> list[float]:
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    times = []
    for index in range(3 + rounds):
        wait()
        start = time.perf_counter()
        call()
        wait()
        if index >= 3:
            times.append((time.perf_counter() - start) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=100_000_000)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", help="a file to write the rows to")
    chosen = parser.parse_args()
    torch.manual_seed(20260101)
    codes = torch.randint(-(2**63), 2**63 - 1, (chosen.codes,), dtype=torch.int64, device=chosen.device)
    queries = torch.randint(-(2**63), 2**63 - 1, (64,), dtype=torch.int64, device=chosen.device)
    rows = []
    expected: torch.Tensor | None = None
    print(f"PyTorch {torch.__version__}: {chosen.codes} × {BITS} bits")
    for kind in (Bits, Matmul):
        try:
            engine = kind(codes)
            for batch in (1, 64):
                asked = queries[:batch]
                found = engine.search(asked).cpu()
                if expected is None or len(expected) < batch:
                    expected = found
                is_right = bool(torch.equal(found, expected[:batch]))
                times = milliseconds(functools.partial(engine.search, asked), chosen.device, chosen.rounds)
                rows.append(
                    {"method": kind.name, "batch": batch, "codes": chosen.codes, "agrees": is_right,
                     "median_ms": statistics.median(times), "min_ms": min(times)}
                )
                note = "" if is_right else "  NOT the same distances"
                print(f"{kind.name:8} batch {batch:2}  median {rows[-1]['median_ms']:9.3f} ms{note}")
            del engine
        except torch.OutOfMemoryError:
            print(f"{kind.name:8} left out: the card has no room for it")
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    if not all(row["agrees"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
