"""Starts the engines of a case, holds what they answer against float64, and times them in turn."""

from __future__ import annotations

import datetime
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import compare.process
from compare import Failure, Unable
from compare.environment import install, variables
from compare.figures import Row, machine, summary
from compare_engines.engines import ENGINES
from compare_engines.files import Files

ZOO = "zoo"
# The instruction set of an engine that is held to none.
NATIVE = "native"
# Largest difference from float64 that passes, as a part of the largest output. What is past it elsewhere is no answer.
TOLERANCES = {"float32": 1e-3, "bfloat16": 0.5, "int8": 0.5}


@dataclass(frozen=True)
class Case:
    work: str
    precision: str
    batch: int
    threads: int
    # What the engines shall be held to; None for all that the processor has.
    limit: str | None = None
    # Where the networks run.
    device: str = "cpu"
    # Whether ours measures its layers while it loads.
    tunes: bool = False
    # Whether ours leaves to cuDNN and cuBLASLt what they do faster.
    uses_cuda_libraries: bool = False

    def __str__(self) -> str:
        return f"{self.work}, {self.settings}"

    @property
    def settings(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        limit = [self.limit] if self.limit else []
        place = threads if self.device == "cpu" else self.device
        return ", ".join([self.precision, f"batch {self.batch}", place, *limit])


class Process(compare.process.Process):
    """An engine, and what is known of it so far."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], errors: pathlib.Path) -> None:
        super().__init__(command, environment, errors)
        self.name = name
        self.row: Row = {"engine": name, "version": self.hello.get("version", ""), "load_ms": self.hello["load_ms"]}
        self.times: list[float] = []
        # Runs in a turn.
        self.count = 1
        self.device = "cpu"
        # What the GPU's sensors said after each turn.
        self.sensed: list[dict[str, float]] = []


def start_zoo(program: pathlib.Path, case: Case, files: Files) -> Process:
    command = [str(program), "--weights", str(files.folder / "weights.safetensors"), "--network", files.network]
    command += ["--shape", files.shape_text, "--threads", str(case.threads)]
    if case.precision != "float32":
        command += ["--precision", case.precision]
    if case.precision == "int8":
        command += ["--calibration", str(files.folder / "calibration.safetensors")]
    if case.limit:
        command += ["--instruction-set", case.limit]
    if case.device != "cpu":
        command += ["--device", case.device]
    if case.uses_cuda_libraries:
        command += ["--cuda-libraries"]
    if case.tunes:
        command += ["--tune"]
    process = Process(ZOO, command, variables(), files.folder / f"{ZOO}.stderr")
    process.row |= {"instruction_set": case.limit or NATIVE, "notes": []}
    return process


def start_peer(name: str, case: Case, files: Files) -> Process:
    engine = ENGINES[name]
    if case.device not in engine.devices:
        raise Unable(f"it is not compared on {case.device}")
    if case.precision in engine.unable:
        raise Unable(engine.unable[case.precision])
    is_held = case.limit is not None and bool(engine.avx2)
    if is_held and case.precision == "bfloat16":
        raise Unable(f"held to {case.limit}, it has no kernels for it")
    install(engine.packages)
    files.need(engine.files[case.precision])
    command = [sys.executable, "-W", "ignore", "-m", "compare_engines.engines", name, "--folder", str(files.folder)]
    command += ["--network", files.network, "--precision", case.precision, "--threads", str(case.threads)]
    command += ["--device", case.device]
    environment = variables(engine.avx2 if is_held else {})
    process = Process(name, command, environment, files.folder / f"{name}.stderr")
    notes = []
    if case.limit:
        notes.append(engine.note_of_avx2 if is_held else f"cannot be held to {case.limit}: runs as it is")
    if case.batch > 1:
        notes.append(engine.note_of_batch)
    instruction_set = case.limit if is_held else NATIVE
    process.row |= {"instruction_set": instruction_set, "notes": [note for note in notes if note]}
    return process


def check(process: Process, case: Case, files: Files, expected: "numpy.ndarray") -> None:
    """Takes the first answer, and how far it is from what float64 gives."""
    import numpy
    from safetensors.numpy import load_file

    out = files.folder / f"{process.name}.safetensors"
    # An earlier case's answer is no answer.
    out.unlink(missing_ok=True)
    first = process.ask(run=str(files.folder / "input.safetensors"), out=str(out)).get("ms")
    if not out.exists():
        raise Failure("it wrote no output")
    output = load_file(out)["output"]
    if output.shape != expected.shape:
        raise Failure(f"it answers {list(output.shape)} and not {list(expected.shape)}")
    largest = float(numpy.abs(expected).max())
    error = float(numpy.abs(output - expected).max())
    limit = TOLERANCES[case.precision] * largest
    # What is not a number is not below the limit either.
    if not error <= limit:
        raise Failure(f"it is {error:.2e} off what float64 gives; {limit:.2e} passes")
    answered = None if first is None else process.row["load_ms"] + first
    process.row |= {"first_answer_ms": answered, "max_abs_error": error, "relative_error": error / largest}


def sensors() -> dict[str, float]:
    """Of the first GPU; nothing where nvidia-smi does not say."""
    command = ["nvidia-smi", "--query-gpu=power.draw,temperature.gpu", "--format=csv,noheader,nounits", "--id=0"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
        watts, celsius = (float(field) for field in text.split(","))
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return {"watts": watts, "celsius": celsius}


def find_count(process: Process, seconds: float) -> None:
    """How many runs fill a turn. The first runs are slower than all that follow."""
    slowest = max(process.ask(time=1)["ms"] + process.ask(time=2)["ms"][1:])
    process.count = max(1, round(seconds * 1e3 / slowest))


def take_turn(process: Process) -> None:
    # Threads of the one before that still spin shall have gone to sleep.
    time.sleep(0.05)
    process.times += process.ask(time=process.count)["ms"]
    process.sensed.append(sensors() if process.device == "cuda" else {})


def conclude(process: Process) -> None:
    process.row |= summary(process.times)
    for name in ("watts", "celsius"):
        values = [sensed[name] for sensed in process.sensed if name in sensed]
        if values:
            process.row[name] = statistics.median(values)
    process.row |= {"runs": len(process.times), "peak_rss_mb": process.ask(rss=True)["rss_mb"]}


def ours_and_fastest(rows: list[Row]) -> tuple[Row, Row] | None:
    """Of one case: our row, and that of the fastest peer among those held to the same instruction set."""
    for ours in (row for row in rows if row["engine"] == ZOO):
        peers = [row for row in rows if row is not ours and row["instruction_set"] == ours["instruction_set"]]
        if peers:
            return ours, min(peers, key=lambda row: row["median_ms"])
    return None


def case_of(row: Row) -> Case:
    # Rows of earlier versions lack what there was only one of.
    return Case(**{field.name: row[field.name] for field in fields(Case) if field.name in row})


class Comparison:
    """The engines that are compared, and how."""

    def __init__(self, zoo: pathlib.Path | None, peers: list[str], rounds: int, seconds: float) -> None:
        """Every engine has `rounds` turns of `seconds` each. Without `zoo`, our side's program, only the peers run."""
        self.names = [*([ZOO] if zoo else []), *peers]
        self.zoo = zoo
        self.rounds = rounds
        self.seconds = seconds
        self.has_failures = False
        self.said: set[str] = set()

    def rows(self, case: Case, files: Files) -> list[Row]:
        """One for each engine that computes the case, and answers what it should."""
        from safetensors.numpy import load_file

        try:
            files.need("network")
        except Failure as why:
            self.leave_out("engine", case, why)
            return []
        expected = load_file(files.folder / "expected.safetensors")["output"]
        processes: list[Process] = []
        try:
            for name in self.names:
                try:
                    processes.append(start_zoo(self.zoo, case, files) if name == ZOO else start_peer(name, case, files))
                except Failure as why:
                    self.leave_out(name, case, why)

            def each(action: Callable[[Process], None], first: int = 0) -> None:
                for process in processes[first:] + processes[:first]:
                    try:
                        action(process)
                    except Failure as why:
                        self.leave_out(process.name, case, why)
                        processes.remove(process)
                        process.end()

            for process in processes:
                process.device = case.device
            each(lambda process: check(process, case, files, expected))
            each(lambda process: find_count(process, self.seconds))
            for turn in range(self.rounds):
                each(take_turn, first=turn % max(1, len(processes)))
            each(conclude)
        finally:
            for process in processes:
                process.end()
        taken = {"machine": machine(), "date": datetime.date.today().isoformat()}
        return [{**asdict(case), **process.row, **taken} for process in processes]

    def leave_out(self, name: str, case: Case, why: Failure) -> None:
        """Says why there is no row; once, if it is so for every network."""
        is_general = isinstance(why, Unable)
        line = f"{case.precision if is_general else case}: no {name}: {why}"
        self.has_failures = self.has_failures or not is_general
        if line not in self.said:
            print(f"\n{line}", flush=True)
        self.said.add(line)
