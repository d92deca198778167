"""The networks that are compared, in PyTorch."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import torch
from safetensors.torch import load_file
from torch import nn

from compare.environment import ROOT


class CycleGANBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv_block(x)


class CycleGANGenerator(nn.Module):
    """CycleGAN's generator (arXiv 1703.10593, section 7.2), nine blocks, 64 channels, instance norm; its own names."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), nn.InstanceNorm2d(64), nn.ReLU()]
        for width in (64, 128):
            layers += [nn.Conv2d(width, width * 2, 3, stride=2, padding=1), nn.InstanceNorm2d(width * 2), nn.ReLU()]
        layers += [CycleGANBlock(256) for _ in range(9)]
        for width in (256, 128):
            layers += [
                nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1),
                nn.InstanceNorm2d(width // 2),
                nn.ReLU(),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride != 1 or inputs != 4 * width:
            shortcut = nn.Conv2d(inputs, 4 * width, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(4 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        return (y + (self.downsample(x) if self.downsample else x)).relu()


class ResNet50(nn.Module):
    """ResNet-50 (arXiv 1512.03385) with the stride in the 3×3 convolutions; torchvision's names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = 64
        for stage, (width, count) in enumerate(zip((64, 128, 256, 512), (3, 4, 6, 3))):
            blocks = []
            for block in range(count):
                blocks.append(Bottleneck(inputs, width, stride=2 if stage > 0 and block == 0 else 1))
                inputs = 4 * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, 1000)
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


def convolution_block(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    padding = (size - 1) // 2
    convolution = nn.Conv2d(inputs, outputs, size, stride=stride, padding=padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        layers = [convolution_block(inputs, width, 1)] if expansion > 1 else []
        layers.append(convolution_block(width, width, 3, stride=stride, groups=width))
        self.conv = nn.Sequential(*layers, nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.is_residual else self.conv(x)


class MobileNetV2(nn.Module):
    """MobileNetV2 (arXiv 1801.04381, table 2); torchvision's names."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution_block(3, 32, 3, stride=2)]
        inputs = 32
        # Expansion, outputs, blocks, stride of the first.
        stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2)]
        stages.append((6, 320, 1, 1))
        for expansion, outputs, count, stride in stages:
            for block in range(count):
                layers.append(InvertedResidual(inputs, outputs, stride if block == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.Sequential(*layers, convolution_block(inputs, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(1280, 1000))
        initialise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(x.flatten(1))


def initialise(module: nn.Module) -> None:
    """Gives convolutions weights that keep the variance (arXiv 1502.01852): PyTorch's own fade with depth."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d) and not part.weight.is_meta:
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def efficientnet_lite0() -> nn.Module:
    sys.path.append(str(ROOT / "tools" / "train"))
    import efficientnet_lite0

    return efficientnet_lite0.EfficientNetLite0()


ARCHITECTURES = {
    "cyclegan-resnet9": CycleGANGenerator,
    "resnet50": ResNet50,
    "mobilenet-v2": MobileNetV2,
    "efficientnet-lite0": efficientnet_lite0,
}


def made(network: str) -> nn.Module:
    """The network with the weights that all engines get: EfficientNet-Lite0's are trained, the others' random."""
    torch.manual_seed(20260101)
    module = ARCHITECTURES[network]()
    if network == "efficientnet-lite0":
        weights = ROOT / ".cache" / "efficientnet-lite0.pth"
        if not weights.exists():
            subprocess.run([ROOT / "tools" / "fetch-weights"], check=True, stdout=sys.stderr)
        module.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    else:
        give_statistics(module)
    return module.eval().requires_grad_(False)


def give_statistics(module: nn.Module) -> None:
    """Gives batch norm statistics that are not those of a fresh network, so that it does something."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    if norms:
        with torch.no_grad():
            module.train()(torch.randn(4, 3, 96, 96))


def loaded(network: str, weights: pathlib.Path) -> nn.Module:
    """The network with the weights of a safetensors file, and no time spent on others."""
    with torch.device("meta"):
        module = ARCHITECTURES[network]()
    module.load_state_dict(load_file(weights), assign=True, strict=False)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.num_batches_tracked = None
    return module.eval().requires_grad_(False)
