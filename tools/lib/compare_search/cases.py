"""The works, and what is measured of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from compare.figures import Row

# Neighbours that are asked for.
K = 10
# More bytes of codes than this are left out: every engine keeps a copy.
MOST_BYTES = 1 << 30
# Codes from here on are long enough that reading a part of each can do: they are measured with clusters too.
LONG_BITS = 1024

# Our side, and its modes. The answers are the same.
ZOO = "zoo"
INDEX, SCAN, PLAIN_SCAN = "index", "scan", "scan-plain"


@dataclass(frozen=True)
class Data:
    """What is searched: `rule` is uniform or clustered."""

    rule: str
    bits: int
    codes: int

    @property
    def bytes(self) -> int:
        return self.codes * self.bits // 8

    def __str__(self) -> str:
        return f"{self.codes:,} {self.rule} codes of {self.bits} bits"


@dataclass(frozen=True)
class Work:
    """What is searched and how, unless bits or codes are asked for, and by whom."""

    # Bits, and how many codes.
    sizes: tuple[tuple[int, int], ...]
    rules: tuple[str, ...]
    # Queries asked together: 1, or sizes of batches.
    queries: tuple[int, ...]
    modes: tuple[str, ...]
    peers: tuple[str, ...]
    # Queries that are held against brute force: all that are asked one by one, and the first of a batch.
    tried: int = 16

    def data(self, bits: list[int] | None, codes: list[int] | None) -> Iterator[Data]:
        own_bits = list(dict.fromkeys(size for size, _ in self.sizes))
        for size in bits or own_bits:
            own_codes = [count for each, count in self.sizes if each == size]
            for count in codes or own_codes or sorted({count for _, count in self.sizes}):
                for rule in self.rules:
                    data = Data(rule, size, count)
                    if data.bytes <= MOST_BYTES and (rule == self.rules[0] or size >= LONG_BITS):
                        yield data


MILLION = 1_000_000

WORKS = {
    "exact-scan": Work(
        sizes=tuple((bits, count * MILLION) for bits, count in ((64, 1), (64, 10), (256, 1), (256, 10), (4096, 1))),
        rules=("uniform", "clustered"),
        queries=(1,),
        modes=(SCAN, PLAIN_SCAN),
        peers=("faiss", "faiss-counting", "faiss-shards", "usearch"),
    ),
    "batched": Work(
        sizes=((64, MILLION), (64, 10 * MILLION)),
        rules=("uniform",),
        queries=(64, 256),
        modes=(SCAN,),
        peers=("faiss", "faiss-counting", "usearch"),
    ),
    "exact-index": Work(
        sizes=((64, 10 * MILLION),),
        rules=("clustered",),
        queries=(1,),
        modes=(INDEX,),
        peers=("faiss", "faiss-counting", "faiss-shards", "faiss-multihash", "faiss-ivf", "usearch"),
        tried=64,
    ),
}

PEERS = tuple(dict.fromkeys(name for work in WORKS.values() for name in work.peers))


@dataclass(frozen=True)
class Case:
    """What every engine is asked, and with how many threads."""

    work: str
    # Data.rule.
    data: str
    bits: int
    codes: int
    k: int
    # Asked together.
    queries: int
    threads: int

    def __str__(self) -> str:
        return f"{self.work}, {self.searched}, {self.settings}"

    @property
    def searched(self) -> Data:
        return Data(self.data, self.bits, self.codes)

    @property
    def settings(self) -> str:
        queries = "one query" if self.queries == 1 else f"{self.queries} queries"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{queries} at a time, {threads}"

    @property
    def is_batch(self) -> bool:
        return self.queries > 1

    @property
    def reads_all(self) -> bool:
        """Whether a search reads every code for one query, so that memory can be what limits it."""
        return self.work == "exact-scan"


def case_of(row: Row) -> Case:
    return Case(**{field.name: row[field.name] for field in fields(Case)})
