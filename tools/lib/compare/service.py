"""The engine's end of the pipes: reads requests from standard input, answers on standard output."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

# Takes a request, gives its answer.
Reply = Callable[[dict[str, Any]], dict[str, Any]]


def milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1e3


def memory_mb(name: str) -> float:
    """A line of /proc/self/status that is about memory, in 2^20 bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {name}")


def one_line(error: Exception) -> str:
    """What an exception says. The end of it, if it is long: the beginning says where."""
    return " ".join(str(error).split())[-300:] or type(error).__name__


def serve(start: Callable[[], tuple[dict[str, Any], Reply]]) -> None:
    """Starts an engine, says what `start` gives first, and then answers each request by what it gives second."""
    # What engines print of their own goes to standard error.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")

    try:
        hello, reply = start()
    except Exception as error:
        return answer({"error": one_line(error)})
    answer({"ready": True, **hello})
    for line in sys.stdin:
        try:
            answer(reply(json.loads(line)))
        except Exception as error:  # The other side decides what it means.
            answer({"error": one_line(error)})
