"""The networks of CycleGAN (arXiv 1703.10593, appendix 7.2) in PyTorch.

The generator is one sequence, so that its parameters have the names that the official code gives them: `model.1` is
c7s1-64, `model.4` and `model.7` are d128 and d256, the residual blocks start at `model.10`.
"""

from dataclasses import asdict, dataclass
from typing import Callable

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class GeneratorOptions:
    base_width: int = 64
    blocks: int = 9
    block: str = "standard"  # or "separable" (arXiv 2003.08936)
    upsampling: str = "transposed"  # or "resize"
    norm: str = "instance"  # or "batch"
    dropout: bool = False  # does nothing in evaluation, but shifts the names behind it
    bottleneck: int = 0  # channels of the residual blocks; 0: four times the base width
    hidden: tuple[int, ...] = ()  # channels inside each block; empty: as outside

    def metadata(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}


def normalization(options: GeneratorOptions) -> Callable[[int], nn.Module]:
    return nn.BatchNorm2d if options.norm == "batch" else nn.InstanceNorm2d


class SeparableConv(nn.Module):
    """A 3×3 convolution split into a depthwise and a pointwise one, normalised in between."""

    def __init__(self, inputs: int, outputs: int, norm: Callable[[int], nn.Module]):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(inputs, inputs, 3, groups=inputs), norm(inputs), nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class ResidualBlock(nn.Module):
    def __init__(self, channels: int, hidden: int, options: GeneratorOptions):
        super().__init__()
        norm = normalization(options)

        def conv(inputs: int, outputs: int) -> nn.Module:
            if options.block == "separable":
                return SeparableConv(inputs, outputs, norm)
            return nn.Conv2d(inputs, outputs, 3)

        layers = [nn.ReflectionPad2d(1), conv(channels, hidden), norm(hidden), nn.ReLU()]
        if options.dropout:
            layers.append(nn.Dropout(0.5))
        layers += [nn.ReflectionPad2d(1), conv(hidden, channels), norm(channels)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Generator(nn.Module):
    """c7s1-64, d128, d256, R256 × blocks, u128, u64, c7s1-3: [N, 3, H, W] in −1…1 to the same."""

    def __init__(self, options: GeneratorOptions = GeneratorOptions()):
        super().__init__()
        self.options = options
        norm, width = normalization(options), options.base_width
        bottom = options.bottleneck or 4 * width
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), norm(width), nn.ReLU()]
        for inputs, outputs in ((width, 2 * width), (2 * width, bottom)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), norm(outputs), nn.ReLU()]
        for hidden in options.hidden or (bottom,) * options.blocks:
            layers.append(ResidualBlock(bottom, hidden, options))
        for inputs, outputs in ((bottom, 2 * width), (2 * width, width)):
            if options.upsampling == "resize":
                layers += [nn.Upsample(scale_factor=2, mode="nearest"), nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3)]
            else:
                layers.append(nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1))
            layers += [norm(outputs), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)

    def pieces(self) -> list[nn.Sequential]:
        """The sequence cut where a piece's output is worth comparing: behind each normalisation outside the blocks,
        behind each block, and before the last tanh. Applied one after the other they are the whole but for that tanh."""
        layers, cuts = list(self.model), []
        for index, layer in enumerate(layers):
            is_norm = isinstance(layer, (nn.InstanceNorm2d, nn.BatchNorm2d))
            if is_norm or isinstance(layer, ResidualBlock) or index == len(layers) - 2:
                cuts.append(index + 1)
        return [nn.Sequential(*layers[start:end]) for start, end in zip([0] + cuts, cuts)]


class Discriminator(nn.Module):
    """The 70×70 PatchGAN: C64-C128-C256-C512, one number for each patch: [N, 3, H, W] to [N, 1, H/8 − 2, W/8 − 2]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
            layers += [nn.Conv2d(inputs, outputs, 4, stride, 1), nn.InstanceNorm2d(outputs), nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(512, 1, 4, 1, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def initialize(network: nn.Module, deviation: float | None = 0.02) -> None:
    """N(0, 0.02) as in the paper; He's initialisation where `deviation` is None."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            if deviation is None:
                nn.init.kaiming_normal_(layer.weight, 0.2)
            else:
                nn.init.normal_(layer.weight, 0, deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
