"""Writes what PyTorch makes of small CycleGAN generators, layer by layer: Tests/Fixtures/cyclegan.

    python tools/make-goldens/cyclegan.py

Each file holds the weights of a generator of base width 4 with seeded weights, under the names of the official code; `image`,
the input, float32 [1, H, W, 3]; and for every entry of the sequence that ends a layer `activation.model.N`, float32
[1, H, W, C]. The last one is the output. PyTorch computes in float64 on numbers that float32 holds exactly.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/train"))
from cyclegan_networks import Generator, GeneratorOptions, ResidualBlock  # noqa: E402

NETWORKS = {
    "resnet6": (GeneratorOptions(4, 6), (32, 32)),
    "resnet9-resize": (GeneratorOptions(4, 9, upsampling="resize"), (24, 40)),
    "separable": (GeneratorOptions(4, 3, block="separable", dropout=True), (16, 28)),
    "batchnorm": (GeneratorOptions(4, 6, norm="batch"), (20, 16)),
}


def main() -> None:
    folder = ROOT / "Tests/Fixtures/cyclegan"
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, (options, (height, width))) in enumerate(NETWORKS.items()):
        torch.manual_seed(seed)
        generator = Generator(options)
        for key, value in generator.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif key.endswith("running_mean"):
                value.normal_(0, 0.3)
        generator.double().eval()
        image = torch.rand(1, 3, height, width) * 2 - 1
        tensors = {key: value.float() for key, value in generator.state_dict().items() if "num_batches" not in key}
        x = image.double()
        with torch.no_grad():
            for index, layer in enumerate(generator.model):
                x = layer(x)
                if isinstance(layer, (nn.ReLU, nn.Tanh, ResidualBlock)):
                    tensors[f"activation.model.{index}"] = x.float().permute(0, 2, 3, 1)
        tensors["image"] = image.permute(0, 2, 3, 1)
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / f"{name}.safetensors")
        print(name, len(generator.model) - 1)


if __name__ == "__main__":
    main()
