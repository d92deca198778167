"""What tools/compare-engines is made of.

networks     the networks, in PyTorch
files        what is prepared for the engines: weights, inputs, expected outputs, converted and quantised models
engines      the peers, and the program that stands before one of them and speaks the protocol
comparison   starts engines, holds their answers against float64, times them in turn
report       the tables
plot         the picture
"""

from __future__ import annotations

from dataclasses import dataclass

# What the comparison itself needs.
PACKAGES = ("numpy", "safetensors", "torch", "pillow")
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
