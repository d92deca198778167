"""The peers, and each behind the protocol of tools/compare-search."""

from __future__ import annotations

import argparse
import functools
import pathlib
import time
from typing import Any, ClassVar

import numpy

from compare.service import Reply, memory_mb, milliseconds_since, serve
from compare_search.codes import Bytes

# What a search gives: distances and numbers, [queries, k] each.
Found = tuple[numpy.ndarray, numpy.ndarray]


class Engine:
    """A peer with the codes loaded."""

    # What is to be installed.
    packages: ClassVar[tuple[str, ...]] = ()
    # Whether it finds all that is near, or says by its recall how much.
    is_exact: ClassVar[bool] = True
    # Environment that it is started with.
    variables: ClassVar[dict[str, str]] = {}

    # What it does, in its own terms.
    plan: str

    @classmethod
    def takes_part(cls, threads: int) -> bool:
        """Whether it is anything else than another engine with so many threads."""
        return True

    @classmethod
    def about(cls) -> tuple[str, str]:
        """Its version and its instruction set. Imports all that it will need."""
        raise NotImplementedError

    def __init__(self, codes: Bytes, threads: int) -> None:
        """Copies [N, bytes]."""
        raise NotImplementedError

    def search(self, queries: Bytes, k: int) -> Found:
        raise NotImplementedError


class Faiss(Engine):
    """IndexBinaryFlat as it comes."""

    packages = ("faiss-cpu",)
    plan = "IndexBinaryFlat"

    @classmethod
    def about(cls) -> tuple[str, str]:
        import faiss

        return faiss.__version__, faiss.get_compile_options().split()[-1].lower()

    def __init__(self, codes: Bytes, threads: int) -> None:
        import faiss

        self.index = self.made(codes, threads)
        faiss.omp_set_num_threads(threads)

    def made(self, codes: Bytes, threads: int) -> Any:
        import faiss

        index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
        index.add(codes)
        return index

    def search(self, queries: Bytes, k: int) -> Found:
        return self.index.search(queries, k)


class FaissCounting(Faiss):
    """IndexBinaryFlat that counts distances instead of keeping a heap."""

    plan = "IndexBinaryFlat, use_heap = false"

    def made(self, codes: Bytes, threads: int) -> Any:
        index = super().made(codes, threads)
        index.use_heap = False
        return index


class FaissShards(Faiss):
    """The codes in a part for each thread: IndexBinaryFlat gives one query to one thread."""

    plan = "IndexBinaryShards, an IndexBinaryFlat for each thread"
    # The threads are those of the shards; each would start as many again.
    variables = {"OMP_NUM_THREADS": "1"}

    @classmethod
    def takes_part(cls, threads: int) -> bool:
        return threads > 1

    def made(self, codes: Bytes, threads: int) -> Any:
        import faiss

        bits = codes.shape[1] * 8
        shards = faiss.IndexBinaryShards(bits, True, True)
        self.parts = [faiss.IndexBinaryFlat(bits) for _ in range(threads)]
        for part, some in zip(self.parts, numpy.array_split(codes, threads), strict=True):
            part.add(some)
            shards.add_shard(part)
        return shards


class FaissMultiHash(Faiss):
    """Multi-index hashing: looks at what agrees with the query in all but one bit of 16 that follow one another."""

    is_exact = False

    def made(self, codes: Bytes, threads: int) -> Any:
        import faiss

        bits = codes.shape[1] * 8
        parts = bits // 16
        self.plan = f"IndexBinaryMultiHash, {parts} × 16 bits, nflip 1"
        index = faiss.IndexBinaryMultiHash(bits, parts, 16)
        index.nflip = 1
        index.add(codes)
        return index


class FaissIVF(Faiss):
    """Lists of codes that are near one centre."""

    is_exact = False

    def made(self, codes: Bytes, threads: int) -> Any:
        import faiss

        bits = codes.shape[1] * 8
        lists = max(1, min(1024, len(codes) // 64))
        self.quantizer = faiss.IndexBinaryFlat(bits)
        index = faiss.IndexBinaryIVF(self.quantizer, bits, lists)
        index.nprobe = min(32, lists)
        self.plan = f"IndexBinaryIVF, {index.nprobe} of {lists} lists"
        index.train(codes[: 64 * lists])
        index.add(codes)
        return index


class USearch(Engine):
    """usearch without an index: its exact search of an array."""

    packages = ("usearch",)
    plan = "exact search"

    @classmethod
    def about(cls) -> tuple[str, str]:
        import usearch
        from usearch.index import Index, MetricKind, ScalarKind

        index = Index(ndim=64, metric=MetricKind.Hamming, dtype=ScalarKind.B1)
        return usearch.__version__, index.hardware_acceleration

    def __init__(self, codes: Bytes, threads: int) -> None:
        from usearch.index import MetricKind, search

        self.codes = numpy.array(codes)
        self.find = functools.partial(search, metric=MetricKind.Hamming, exact=True, threads=threads)

    def search(self, queries: Bytes, k: int) -> Found:
        matches = self.find(self.codes, queries, k)
        shape = (len(queries), -1)
        return matches.distances.reshape(shape), matches.keys.reshape(shape)


ENGINES: dict[str, type[Engine]] = {
    "faiss": Faiss,
    "faiss-counting": FaissCounting,
    "faiss-shards": FaissShards,
    "faiss-multihash": FaissMultiHash,
    "faiss-ivf": FaissIVF,
    "usearch": USearch,
}


class Asked:
    """An engine and the request that it keeps."""

    def __init__(self, engine: Engine, bits: int) -> None:
        self.engine = engine
        self.bytes = bits // 8
        self.turns: list[Bytes] = []
        self.next = 0

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        if "queries" in request:
            queries = numpy.fromfile(request["queries"], numpy.uint8).reshape(-1, self.bytes)
            self.turns = [queries] if request["batch"] else [queries[row : row + 1] for row in range(len(queries))]
            self.next = 0
            self.k = request["k"]
            start = time.perf_counter()
            found = [self.engine.search(turn, self.k) for turn in self.turns]
            ms = milliseconds_since(start)
            self.write(found, pathlib.Path(request["out"]))
            return {"ok": True, "ms": ms, "plan": self.engine.plan}
        if "time" in request:
            return {"ms": [self.timed() for _ in range(request["time"])]}
        if "rss" in request:
            return {"rss_mb": memory_mb("VmRSS")}
        raise ValueError(f"unknown request {request}")

    def timed(self) -> float:
        turn = self.turns[self.next % len(self.turns)]
        self.next += 1
        start = time.perf_counter()
        self.engine.search(turn, self.k)
        return milliseconds_since(start)

    def write(self, found: list[Found], file: pathlib.Path) -> None:
        distances, numbers = (numpy.concatenate(parts).astype(numpy.int64) for parts in zip(*found, strict=True))
        answer = numpy.full((len(numbers), self.k, 2), -1, "<i4")
        rows, places = numpy.nonzero(numbers >= 0)
        answer[rows, places, 0] = distances[rows, places]
        answer[rows, places, 1] = numbers[rows, places]
        answer.tofile(file)


def start(options: argparse.Namespace) -> tuple[dict[str, Any], Reply]:
    kind = ENGINES[options.engine]
    # Imports come before the clock starts.
    version, instruction_set = kind.about()
    codes = numpy.memmap(options.codes, numpy.uint8, "r").reshape(-1, options.bits // 8)
    before = memory_mb("RssAnon")
    start = time.perf_counter()
    engine = kind(codes, options.threads)
    load_ms = milliseconds_since(start)
    held = (memory_mb("RssAnon") - before) * 2**20 / len(codes)
    hello = {"load_ms": load_ms, "version": version, "instruction_set": instruction_set}
    return hello | {"bytes_per_item": max(0, held - options.bits / 8)}, Asked(engine, options.bits).reply


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves one engine on standard input and output.")
    parser.add_argument("engine", choices=list(ENGINES))
    parser.add_argument("--bits", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--codes", type=pathlib.Path, required=True)
    options = parser.parse_args()
    serve(lambda: start(options))


if __name__ == "__main__":
    main()
