"""The codes that are searched, and queries for them, as files. The rules are in the help of tools/compare-search."""

from __future__ import annotations

import pathlib

import numpy
from numpy.typing import NDArray

from compare_search.cases import Data

SEED = 20260101
CATEGORY_MEAN = 1000
KIND_MEAN = 20
SIGMA = 1.25
# Of 256.
KIND_FLIPS = 12
PICTURE_FLIPS = 12
DUPLICATE_FLIPS = 4
DUPLICATE_SHARE = 0.1
# Random bytes drawn at once.
CHUNK_BYTES = 64 << 20

Bytes = NDArray[numpy.uint8]


class Uniform:
    """[count, bytes] of independent bits."""

    def __init__(self, data: Data) -> None:
        self.width = data.bits // 8

    def members(self, random: numpy.random.Generator, count: int) -> Bytes:
        return self.queries(random, count)

    def queries(self, random: numpy.random.Generator, count: int) -> Bytes:
        return numpy.frombuffer(random.bytes(count * self.width), numpy.uint8).reshape(count, self.width)


class Clustered:
    """[count, bytes] around kinds around categories. `members` comes first, `queries` gives more that are like them."""

    def __init__(self, data: Data) -> None:
        random = numpy.random.default_rng([SEED, 1])
        categories = Uniform(data).queries(random, max(1, data.codes // CATEGORY_MEAN))
        of = Sizes(random, len(categories)).draw(random, max(1, data.codes // KIND_MEAN))
        self.kinds = flipped(random, categories[of], KIND_FLIPS)
        self.sizes = Sizes(random, len(self.kinds))

    def members(self, random: numpy.random.Generator, count: int) -> Bytes:
        self.codes = self.pictures(random, count)
        return self.with_duplicates(random, self.codes)

    def queries(self, random: numpy.random.Generator, count: int) -> Bytes:
        return self.with_duplicates(random, self.pictures(random, count))

    def pictures(self, random: numpy.random.Generator, count: int) -> Bytes:
        return flipped(random, self.kinds[self.sizes.draw(random, count)], PICTURE_FLIPS)

    def with_duplicates(self, random: numpy.random.Generator, drawn: Bytes) -> Bytes:
        rows = numpy.flatnonzero(random.random(len(drawn)) < DUPLICATE_SHARE)
        drawn[rows] = flipped(random, self.codes[random.integers(len(self.codes), size=len(rows))], DUPLICATE_FLIPS)
        return drawn


class Sizes:
    """Groups of uneven sizes."""

    def __init__(self, random: numpy.random.Generator, count: int) -> None:
        self.ends = numpy.cumsum(random.lognormal(sigma=SIGMA, size=count))

    def draw(self, random: numpy.random.Generator, count: int) -> NDArray[numpy.intp]:
        """Numbers of groups, each as often as it is large."""
        # No draw reaches the last end, but rounding may.
        return numpy.minimum(numpy.searchsorted(self.ends, random.random(count) * self.ends[-1]), len(self.ends) - 1)


RULES: dict[str, type[Uniform] | type[Clustered]] = {"uniform": Uniform, "clustered": Clustered}


def flipped(random: numpy.random.Generator, codes: Bytes, of_256: int) -> Bytes:
    """Flips each bit of the codes, [count, bytes], with of_256 / 256."""
    bits = codes.shape[1] * 8
    rows = max(1, CHUNK_BYTES // bits)
    for first in range(0, len(codes), rows):
        part = codes[first : first + rows]
        drawn = numpy.frombuffer(random.bytes(len(part) * bits), numpy.uint8).reshape(len(part), bits)
        part ^= numpy.packbits(drawn < of_256, axis=1)
    return codes


def words(codes: Bytes) -> NDArray[numpy.unsignedinteger]:
    """The same bits in the largest words that a code is made of."""
    size = next(size for size in (8, 4, 2, 1) if codes.shape[1] % size == 0)
    return codes.view(f"<u{size}")


class Files:
    """codes.bin and queries of one Data in a folder; raw bytes, one code after the other."""

    def __init__(self, folder: pathlib.Path, data: Data, queries: int) -> None:
        """Writes the codes, and draws so many queries."""
        self.folder = folder
        self.data = data
        rule = RULES[data.rule](data)
        members = rule.members(numpy.random.default_rng([SEED, 2]), data.codes)
        members.tofile(self.codes_file)
        self.codes = numpy.memmap(self.codes_file, numpy.uint8, "r", shape=members.shape)
        self.queries = self.draw(rule, queries)

    def draw(self, rule: Uniform | Clustered, count: int) -> Bytes:
        random = numpy.random.default_rng([SEED, 3])
        found = numpy.empty((0, self.data.bits // 8), numpy.uint8)
        while len(found) < count:
            drawn = rule.queries(random, count - len(found))
            found = numpy.concatenate([found, [query for query in drawn if not self.has(query)]])
        return found

    def has(self, query: Bytes) -> bool:
        held, asked = words(self.codes), words(query[None])[0]
        rows = numpy.flatnonzero(held[:, 0] == asked[0])
        return bool((held[rows] == asked).all(axis=1).any())

    @property
    def codes_file(self) -> pathlib.Path:
        return self.folder / "codes.bin"

    def queries_file(self, count: int) -> pathlib.Path:
        """The first `count` queries."""
        file = self.folder / f"queries-{count}.bin"
        self.queries[:count].tofile(file)
        return file
