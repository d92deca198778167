"""What the programs that compare engines share.

environment  the virtual environment that peers are installed into
process      an engine at the other end of two pipes
service      the engine's end of them
figures      medians, groups of rows, the machine
drawing      the parts of a picture
arguments    lists on the command line
"""

from __future__ import annotations


class Failure(Exception):
    """Why an engine gets no row. The others go on."""


class Unable(Failure):
    """A failure that is none of the engine's doing: it cannot be installed, or cannot do what is asked."""


def reason(text: str) -> str:
    """The line of a program's standard error that says why it ended."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    stated = [line for line in lines if line.startswith("Error:") or "Fatal error:" in line]
    return (stated or lines[-1:] or ["it said nothing"])[0][:300]
