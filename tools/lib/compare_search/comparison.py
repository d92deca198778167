"""Starts the engines of a case, holds what they answer against the truth, and times them in turn."""

from __future__ import annotations

import datetime
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import numpy

from compare import Failure, Unable, environment
from compare.figures import Row, machine, summary
from compare.process import Process
from compare_search import truth
from compare_search.cases import K, LONG_BITS, PLAIN_SCAN, WORKS, ZOO, Case, Data
from compare_search.codes import Files
from compare_search.engines import ENGINES

# Queries of the first answer, which shows how slow an engine is.
FIRST = 2
# Searches, of which one must not be too slow.
TRIES = 8
# Seconds of a search, and of the answer to all queries, beyond which an engine is left out.
LONGEST_SEARCH = 3.0
LONGEST_ANSWER = 20.0


class TooSlow(Unable):
    """An engine that would take the time of all others."""


@dataclass
class Contender:
    """An engine in a case, and what is known of it so far."""

    process: Process
    row: Row
    answer: truth.Answer = field(default_factory=lambda: numpy.empty((0, 0, 2), numpy.int32))
    # Of a search: one query, or a batch.
    times: list[float] = field(default_factory=list)
    # Searches in a turn.
    count: int = 1
    # How fast it read memory, of ours.
    gbps: list[float] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        return self.row["engine"] == ZOO

    def ask(self, files: Files, queries: int, case: Case) -> None:
        """Takes the answer to the first so many queries."""
        out = files.folder / "answer.bin"
        # Another's answer is no answer.
        out.unlink(missing_ok=True)
        asked = {"queries": str(files.queries_file(queries)), "k": case.k, "batch": case.is_batch, "out": str(out)}
        said = self.process.ask(**asked, mode=self.row["mode"])
        self.row["plan"] = said.get("plan", "")
        if not out.exists():
            raise Failure("it wrote no answer")
        answer = numpy.fromfile(out, "<i4")
        if answer.size != queries * case.k * 2:
            raise Failure(f"it answers {answer.size} numbers and not {queries * case.k * 2}")
        self.answer = answer.reshape(queries, case.k, 2)

    def answer_all(self, files: Files, queries: int, case: Case) -> None:
        self.ask(files, FIRST, case)
        # What a first search does once is no part of these, and what else the machine does not of all.
        times = []
        for _ in range(TRIES):
            times.append(self.process.ask(time=1)["ms"][0] / (FIRST if case.is_batch else 1))
            if min(times) * queries <= LONGEST_ANSWER * 1e3 and min(times) * case.queries <= LONGEST_SEARCH * 1e3:
                return self.ask(files, queries, case)
        raise TooSlow(f"it takes {min(times):.0f} ms for a query")

    def find_count(self, seconds: float, different: int) -> None:
        """How many searches fill a turn: so many that all queries are met equally often, if they are not few."""
        usual = statistics.median(self.process.ask(time=3)["ms"])
        self.count = max(1, round(seconds * 1e3 / usual))
        if self.count > different:
            self.count -= self.count % different

    def take_turn(self) -> None:
        # Threads of the one before that still spin shall have gone to sleep.
        time.sleep(0.05)
        self.times += self.process.ask(time=self.count)["ms"]

    def read_memory(self) -> None:
        if self.is_ours:
            time.sleep(0.05)
            self.gbps.append(self.process.ask(bandwidth=True)["gbps"])

    def conclude(self, case: Case) -> None:
        found = summary(self.times)
        self.row["batch_ms"] = found["median_ms"] if case.is_batch else None
        self.row |= {key: ms / case.queries for key, ms in found.items()}
        self.row |= {"runs": len(self.times), "rss_mb": self.process.ask(rss=True)["rss_mb"]}
        self.row["gbps"] = case.searched.bytes / self.row["median_ms"] / 1e6 if case.reads_all else None


def judge(contender: Contender, known: truth.Answer, best: numpy.ndarray) -> None:
    """Raises Failure if an engine misses what it must not."""
    recall = truth.recall(contender.answer, best)
    if contender.row["is_exact"] and recall < 1:
        raise Failure(f"it is not exact: recall {recall:.4f}")
    if contender.is_ours:
        truth.check_order(contender.answer, known)
    contender.row["recall"] = recall


class Memory:
    """How fast memory is read, by NumPy and by ours."""

    def __init__(self, case: Case, folder: pathlib.Path) -> None:
        command = [sys.executable, "-m", "compare_search.memory", "--threads", str(case.threads)]
        self.process = Process(command, environment.variables(), folder / "memory.stderr")
        self.gbps: list[float] = []

    def take_turn(self) -> None:
        time.sleep(0.05)
        self.gbps.append(self.process.ask(bandwidth=True)["gbps"])

    def medians(self, contenders: list[Contender]) -> dict[str, float]:
        said = {"numpy": self.gbps, ZOO: [speed for contender in contenders for speed in contender.gbps]}
        return {name: statistics.median(speeds) for name, speeds in said.items() if speeds}


class Comparison:
    """The engines that are compared, and how."""

    def __init__(self, zoo: pathlib.Path | None, peers: list[str], rounds: int, seconds: float) -> None:
        """Every engine has `rounds` turns of `seconds` each. Without `zoo`, our side's program, only the peers run."""
        self.zoo = zoo
        self.peers = peers
        self.rounds = rounds
        self.seconds = seconds
        self.has_failures = False
        self.said: set[str] = set()

    def cases(self, name: str, data: Data, threads: list[int], folder: pathlib.Path) -> Iterator[list[Row]]:
        """The rows of each case of a work with the same codes."""
        work = WORKS[name]
        files = Files(folder, data, max(work.tried, *work.queries))
        known = truth.nearest(files.codes, files.queries[: work.tried], K)
        for queries in work.queries:
            for count in threads:
                yield self.rows(Case(name, data.rule, data.bits, data.codes, K, queries, count), files, known)

    def rows(self, case: Case, files: Files, known: truth.Answer) -> list[Row]:
        """One for each engine that does the case, and finds what it should. `known` is of the first queries."""
        queries = case.queries if case.is_batch else len(known)
        contenders: list[Contender] = []
        memory = Memory(case, files.folder) if case.reads_all else None

        def each(action: Callable[[Contender], None], first: int = 0) -> None:
            for contender in contenders[first:] + contenders[:first]:
                try:
                    action(contender)
                except Failure as why:
                    self.leave_out(contender.row["engine"], case, why)
                    contenders.remove(contender)
                    contender.process.end()

        try:
            for name, mode in self.entrants(case):
                try:
                    contenders.append(self.start(name, mode, case, files))
                except Failure as why:
                    self.leave_out(name, case, why)
            each(lambda one: one.answer_all(files, queries, case))
            each(lambda one: truth.check(one.answer, files.codes, files.queries[:queries]))
            best = truth.best([one.answer for one in contenders], known)
            each(lambda one: judge(one, known, best))
            each(lambda one: one.find_count(self.seconds, 1 if case.is_batch else queries))
            for turn in range(self.rounds):
                each(Contender.take_turn, first=turn % max(1, len(contenders)))
                if memory:
                    memory.take_turn()
                    each(Contender.read_memory)
            each(lambda one: one.conclude(case))
        finally:
            for process in [one.process for one in contenders] + ([memory.process] if memory else []):
                process.end()
        speeds = memory.medians(contenders) if memory else None
        taken = {"memory_gbps": speeds, "machine": machine(), "date": datetime.date.today().isoformat()}
        return [{**asdict(case), **one.row, **taken} for one in contenders]

    def entrants(self, case: Case) -> Iterator[tuple[str, str | None]]:
        """Names of engines, ours in each of its modes."""
        work = WORKS[case.work]
        for mode in work.modes if self.zoo else ():
            # With shorter codes it is the same as a scan.
            if mode != PLAIN_SCAN or case.bits >= LONG_BITS:
                yield ZOO, mode
        for name in work.peers:
            if name in self.peers and ENGINES[name].takes_part(case.threads):
                yield name, None

    def start(self, name: str, mode: str | None, case: Case, files: Files) -> Contender:
        more = {}
        if name == ZOO:
            command = [str(self.zoo)]
        else:
            engine = ENGINES[name]
            environment.install(engine.packages)
            command = [sys.executable, "-W", "ignore", "-m", "compare_search.engines", name]
            more = engine.variables
        command += ["--bits", str(case.bits), "--threads", str(case.threads), "--codes", str(files.codes_file)]
        errors = files.folder / f"{name}-{mode}.stderr"
        process = Process(command, environment.variables(more), errors)
        row = {"engine": name, "mode": mode, "is_exact": name == ZOO or ENGINES[name].is_exact}
        row |= {key: process.hello.get(key, "") for key in ("version", "instruction_set")}
        row |= {key: process.hello.get(key) for key in ("load_ms", "bytes_per_item")}
        return Contender(process, row)

    def leave_out(self, name: str, case: Case, why: Failure) -> None:
        """Says why there is no row; once, if it is so for every case."""
        is_general = type(why) is Unable
        line = f"no {name}: {why}" if is_general else f"{case}: no {name}: {why}"
        self.has_failures = self.has_failures or not isinstance(why, Unable)
        if line not in self.said:
            print(f"\n{line}", flush=True)
        self.said.add(line)
