"""What must be found, by brute force in NumPy, and what is wrong with an answer.

An answer is int32 [queries, k, 2]: distances and numbers of codes, the nearest first, (-1, -1) where there are fewer.
"""

from __future__ import annotations

from collections import Counter

import numpy
from numpy.typing import NDArray

from compare import Failure
from compare_search.codes import Bytes, words

Answer = NDArray[numpy.int32]

# Codes whose distances are taken at once.
CHUNK_CODES = 1 << 18


def distances(codes: Bytes, query: Bytes) -> NDArray[numpy.int32]:
    held, asked = words(codes), words(query[None])[0]
    found = numpy.empty(len(codes), numpy.int32)
    for first in range(0, len(codes), CHUNK_CODES):
        part = held[first : first + CHUNK_CODES]
        found[first : first + CHUNK_CODES] = numpy.bitwise_count(part ^ asked).sum(axis=1, dtype=numpy.int32)
    return found


def nearest(codes: Bytes, queries: Bytes, k: int) -> Answer:
    """The k nearest of all codes; of equal distances, the smaller number first."""
    answer = numpy.full((len(queries), k, 2), -1, numpy.int32)
    count = min(k, len(codes))
    for row, query in enumerate(queries):
        found = distances(codes, query)
        last = numpy.partition(found, count - 1)[count - 1]
        near = numpy.flatnonzero(found <= last)
        near = near[numpy.argsort(found[near], kind="stable")][:count]
        answer[row, :count, 0] = found[near]
        answer[row, :count, 1] = near
    return answer


def check(answer: Answer, codes: Bytes, queries: Bytes) -> None:
    """Raises Failure unless the answer is sorted, names no code twice, and states true distances."""
    for row, query in enumerate(queries):
        stated, numbers = answer[row, :, 0], answer[row, :, 1]
        there = numbers >= 0
        count = int(there.sum())
        where = f"query {row}"
        if (numbers >= len(codes)).any():
            raise Failure(f"{where}: code {numbers.max()} of {len(codes)}")
        if not there[:count].all() or (answer[row, count:] != -1).any():
            raise Failure(f"{where}: what is missing is not (-1, -1) at the end")
        if len(set(numbers[:count].tolist())) != count:
            raise Failure(f"{where}: a code twice: {numbers.tolist()}")
        if (numpy.diff(stated[:count]) < 0).any():
            raise Failure(f"{where}: not the nearest first: {stated.tolist()}")
        real = distances(numpy.ascontiguousarray(codes[numbers[:count]]), query)
        if (wrong := numpy.flatnonzero(stated[:count] != real)).size:
            at = wrong[0]
            raise Failure(f"{where}: code {numbers[at]} is at {real[at]} and not at {stated[at]}")


def check_order(answer: Answer, truth: Answer) -> None:
    """Raises Failure unless of equal distances the smaller numbers are named, in their order.

    The truth may be of the first queries only.
    """
    pairs = answer.astype(numpy.int64)
    keys = (pairs[:, :, 0] << 32) + pairs[:, :, 1]
    is_there = pairs[:, 1:, 1] >= 0
    rows = numpy.flatnonzero(((numpy.diff(keys, axis=1) <= 0) & is_there).any(axis=1))
    if not rows.size:
        rows = numpy.flatnonzero((answer[: len(truth)] != truth).any(axis=(1, 2)))
    if rows.size:
        numbers = answer[rows[0], :, 1].tolist()
        raise Failure(f"query {rows[0]}: of equal distances not the smaller numbers: {numbers}")


def best(answers: list[Answer], truth: Answer) -> NDArray[numpy.int32]:
    """Distances, [queries, k]: the truth's, and for the queries that it has not, the nearest that anybody found."""
    missing = numpy.iinfo(numpy.int32).max
    found = numpy.stack([answer[:, :, 0] for answer in answers])
    nearest = numpy.where(found < 0, missing, found).min(axis=0)
    nearest[nearest == missing] = -1
    nearest[: len(truth)] = truth[:, :, 0]
    return nearest


def recall(answer: Answer, expected: NDArray[numpy.int32]) -> float:
    """The part of the expected distances that the answer has, each as often as it is there."""
    right = total = 0
    for mine, theirs in zip(answer[:, :, 0].tolist(), expected.tolist(), strict=True):
        wanted = Counter(distance for distance in theirs if distance >= 0)
        right += (Counter(mine) & wanted).total()
        total += wanted.total()
    return right / total if total else 1.0
