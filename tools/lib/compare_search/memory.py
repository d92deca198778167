"""How fast memory is read by NumPy, as a program that answers {"bandwidth": true}."""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy

from compare.service import Reply, serve

# More than caches hold.
BYTES = 512 << 20
PASSES = 5


class Memory:
    def __init__(self, threads: int) -> None:
        self.parts = numpy.array_split(numpy.ones(BYTES // 8, numpy.uint64), threads)
        self.pool = ThreadPoolExecutor(threads)

    def gbps(self) -> float:
        """10⁹ bytes a second, the median of some passes."""
        return statistics.median(self.once() for _ in range(PASSES))

    def once(self) -> float:
        start = time.perf_counter()
        # One instruction for 64 bytes; NumPy lets other threads run meanwhile.
        list(self.pool.map(numpy.bitwise_or.reduce, self.parts))
        return BYTES / (time.perf_counter() - start) / 1e9

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        if "bandwidth" in request:
            return {"gbps": self.gbps()}
        raise ValueError(f"unknown request {request}")


def start(threads: int) -> tuple[dict[str, Any], Reply]:
    return {}, Memory(threads).reply


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves the speed of memory on standard input and output.")
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    serve(lambda: start(options.threads))


if __name__ == "__main__":
    main()
