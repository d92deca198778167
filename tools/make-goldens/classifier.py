#!/usr/bin/env python3
"""Writes what PyTorch makes of the classifier's networks.

    python3 tools/make-goldens/classifier.py                             Tests/Fixtures/classifier
    python3 tools/make-goldens/classifier.py --weights efficientnet-lite0.pth
                                                                         and models/efficientnet-lite0/1/golden

The fixtures are networks of the real ones' depth and a sixteenth of their width, with seeded weights, named as
torchvision names ResNets and MobileNetV2 and as EfficientNet-Lite0's checkpoint names it. MobileNetV2 is torchvision's
own; it keeps 1280 features at every width below 1, as the paper has it (arXiv 1801.04381, section 4). Each file holds

- the weights, under their names, filters [O, I, kH, kW];
- `image`, the input, float32 [1, 64, 48, 3];
- `activation.NAME`, float32 [1, H, W, C]: what comes out of the block NAME, and out of the stem;
- `features`, float32 [1, F], and `logits`, float32 [1, 10].

PyTorch computes in float64 on weights and inputs that float32 holds exactly.

The golden of the real network is made from golden/chelsea.png: `image`, float16 [1, 224, 224, 3], and `logits`, float32
[1, 1000], computed in float32 from what float16 holds. (x - 127)/128 loses nothing in float16.

Needs PyTorch 2, torchvision, Pillow and safetensors.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import MobileNetV2

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "train"))

import efficientnet_lite0  # noqa: E402


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Deep Residual Learning (arXiv 1512.03385), figure 5, left."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = convolution(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.downsample(x))


class Bottleneck(nn.Module):
    """Figure 5, right, with the stride on the 3x3 convolution."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1, self.bn1 = convolution(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = convolution(width, outputs, 1), nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + self.downsample(x))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Nothing, or a projection where the shapes differ (section 3.3, option B)."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """Table 1: [N, 3, H, W] to logits [N, classes]. The four stages are `width`, 2, 4 and 8 times `width` wide."""

    def __init__(
        self, block: type[BasicBlock] | type[Bottleneck], repeats: list[int], width: int, classes: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for stage, count in enumerate(repeats):
            blocks = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(block(inputs, width << stage, stride))
                inputs = (width << stage) * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def features(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x))


def small_efficientnet(classes: int) -> nn.Module:
    """Lite0's stages, narrow; as there, every stage has a width of its own."""
    network = efficientnet_lite0.EfficientNetLite0()
    width, features = 6, 24
    network._conv_stem = efficientnet_lite0.SameConv(3, width, 3, 2, bias=False)
    network._bn0 = efficientnet_lite0.norm(width)
    blocks: list[nn.Module] = []
    for (expansion, _, repeats, stride, kernel), outputs in zip(
        efficientnet_lite0.STAGES, [4, 6, 8, 10, 12, 16, 20], strict=True
    ):
        for index in range(repeats):
            first = stride if index == 0 else 1
            blocks.append(efficientnet_lite0.InvertedResidual(width, outputs, expansion, first, kernel))
            width = outputs
    network._blocks = nn.Sequential(*blocks)
    network._conv_head = nn.Conv2d(width, features, 1, bias=False)
    network._bn1 = efficientnet_lite0.norm(features)
    network._fc = nn.Linear(features, classes)
    return network


def settle(network: nn.Module, generator: torch.Generator) -> None:
    """Seeded weights, and statistics near those of the activations, so that numbers stay as in trained networks."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for parameter in network.parameters():
            scale = (2 / max(parameter[0].numel(), 1)) ** 0.5 if parameter.dim() > 1 else 0.1
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * scale)
        for norm in norms:
            norm.weight.copy_(torch.rand(norm.weight.shape, generator=generator, dtype=torch.float64) + 0.5)
            norm.momentum = None
        network.train()
        network(torch.randn(8, 3, 64, 48, generator=generator, dtype=torch.float64))
        network.eval()
        for norm in norms:
            shift = torch.randn(norm.running_mean.shape, generator=generator, dtype=torch.float64) * 0.1
            norm.running_mean += shift * norm.running_var.sqrt()
            norm.running_var *= torch.rand(norm.running_var.shape, generator=generator, dtype=torch.float64) + 0.75
        # What is stored is float32, and the outputs belong to what is stored.
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(tensor.float())


def channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def fixture(network: nn.Module, blocks: dict[str, nn.Module], seed: int, path: pathlib.Path) -> None:
    generator = torch.Generator().manual_seed(seed)
    network.double()
    settle(network, generator)
    image = torch.randn(1, 3, 64, 48, generator=generator).double()
    tensors: dict[str, Tensor] = {}

    def keep(name: str) -> object:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            tensors[f"activation.{name}"] = channels_last(output)

        return hook

    def keep_features(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        tensors["features"] = inputs[0]

    hooks = [block.register_forward_hook(keep(name)) for name, block in blocks.items()]
    head = next(module for module in network.modules() if isinstance(module, nn.Linear))
    hooks.append(head.register_forward_pre_hook(keep_features))
    with torch.no_grad():
        tensors["logits"] = network(image)
    for hook in hooks:
        hook.remove()
    tensors["image"] = channels_last(image)
    tensors |= {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.float().contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)
    print(f"{path.name}: {path.stat().st_size} bytes, logits within {tensors['logits'].abs().max():.2f}")


def fixtures(folder: pathlib.Path) -> None:
    resnets = {
        "resnet18": (ResNet(BasicBlock, [2, 2, 2, 2], width=4, classes=10), 18),
        "resnet34": (ResNet(BasicBlock, [3, 4, 6, 3], width=4, classes=10), 34),
        "resnet50": (ResNet(Bottleneck, [3, 4, 6, 3], width=4, classes=10), 50),
    }
    for name, (network, seed) in resnets.items():
        blocks = {"conv1": network.conv1}
        for stage in range(1, 5):
            for index, block in enumerate(getattr(network, f"layer{stage}")):
                blocks[f"layer{stage}.{index}"] = block
        fixture(network, blocks, seed, folder / f"{name}.safetensors")
    network = small_efficientnet(classes=10)
    blocks = {"_conv_stem": network._conv_stem}
    blocks |= {f"_blocks.{index}": block for index, block in enumerate(network._blocks)}
    fixture(network, blocks, 100, folder / "efficientnet-lite0.safetensors")
    network = MobileNetV2(num_classes=10, width_mult=1 / 16, round_nearest=1)
    blocks = {"features.0.0": network.features[0][0]}
    blocks |= {f"features.{index}": network.features[index] for index in range(1, 18)}
    fixture(network, blocks, 2, folder / "mobilenet-v2.safetensors")


def golden(weights: pathlib.Path, folder: pathlib.Path, picture: str) -> None:
    network = efficientnet_lite0.load(weights)
    image = efficientnet_lite0.prepare(Image.open(folder / f"{picture}.png")).unsqueeze(0).half()
    with torch.no_grad():
        logits = network(image.float())
    tensors = {"image": channels_last(image).contiguous(), "logits": logits}
    path = folder / f"{picture}.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)
    labels = (folder.parent / "labels.txt").read_text().splitlines()
    best = logits.softmax(1)[0].topk(3)
    print(", ".join(f"{labels[index]} {value:.2f}" for value, index in zip(best.values, best.indices)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=pathlib.Path, help="EfficientNet-Lite0's checkpoint")
    options = parser.parse_args()
    torch.set_num_threads(1)
    fixtures(ROOT / "Tests" / "Fixtures" / "classifier")
    if options.weights:
        golden(options.weights, ROOT / "models" / "efficientnet-lite0" / "1" / "golden", "chelsea")


if __name__ == "__main__":
    main()
