"""Lists on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """Reads a,b of what is known."""

    def read(text: str) -> list[str]:
        read = [name.strip() for name in text.split(",") if name.strip()]
        for name in read:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return read

    return read


def numbers(text: str) -> list[int]:
    """Reads 1,2."""
    try:
        read = [int(number) for number in text.split(",")]
    except ValueError:
        read = []
    if not read or min(read) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one positive number or several: 1,2")
    return read
