"""An engine at the other end of two pipes: a JSON object a line, a request there, an answer back."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
from typing import Any

from compare import Failure, reason


class Process:
    """A program that has said that it is ready, in `hello`. What it cannot do raises Failure."""

    def __init__(self, command: list[str], environment: dict[str, str], errors: pathlib.Path) -> None:
        """Starts the command. What it writes to standard error goes to the file `errors`."""
        self.errors = errors
        pipe = subprocess.PIPE
        with errors.open("w") as stream:
            try:
                self.process = subprocess.Popen(
                    command, text=True, env=environment, stdin=pipe, stdout=pipe, stderr=stream
                )
            except OSError as error:
                raise Failure(f"cannot be started: {error}") from None
        try:
            self.hello = self.answer()
        except Failure:
            self.end()
            raise

    def answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            ended = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            raise Failure(f"{ended}: {reason(self.errors.read_text(errors='replace'))}")
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            raise Failure(f"answers {line.strip()[:200]!r}") from None
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def ask(self, **request: Any) -> dict[str, Any]:
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # It has ended; why is found where its answer should be.
        return self.answer()

    def end(self) -> None:
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
