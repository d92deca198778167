"""What tools/compare-engines is made of.

networks     the networks, in PyTorch
files        what is prepared for the engines: weights, inputs, expected outputs, converted and quantised models
engines      the peers, and the program that stands before one of them and speaks the protocol
comparison   starts engines, holds their answers against float64, times them in turn
report       the tables
plot         the picture
environment  the virtual environment
"""

from __future__ import annotations

from dataclasses import dataclass

PRECISIONS = ("float32", "bfloat16", "int8")


@dataclass(frozen=True)
class Work:
    """A network and the size of its input, [N, height, width, 3]."""

    network: str
    height: int
    width: int
    # Statistics that are known before the network runs, so that it can be quantised from a few calibration inputs.
    has_batch_norm: bool = True


WORKS = {
    "cyclegan-resnet9-256": Work("cyclegan-resnet9", 256, 256, has_batch_norm=False),
    "resnet50-224": Work("resnet50", 224, 224),
    "mobilenetv2-224": Work("mobilenet-v2", 224, 224),
    "efficientnet-lite0-224": Work("efficientnet-lite0", 224, 224),
}


class Failure(Exception):
    """Why an engine gets no row. The others go on."""


class Unable(Failure):
    """A failure that every network and number of threads would meet."""


def reason(text: str) -> str:
    """The line of a program's standard error that says why it ended."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    stated = [line for line in lines if line.startswith("Error:") or "Fatal error:" in line]
    return (stated or lines[-1:] or ["it said nothing"])[0][:300]
