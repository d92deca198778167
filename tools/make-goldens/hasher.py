#!/usr/bin/env python3
"""Writes what PyTorch makes of a picture with the product hasher: models/product-hasher/2/golden.

    python3 tools/make-goldens/hasher.py --weights efficientnet-lite0.pth

golden/coffee.safetensors is made from golden/coffee.png and holds

- `image`, float16 [1, 224, 224, 3], the trunk's input; (x - 127)/128 loses nothing in float16;
- `hash`, float32 [1, bits], the sigmoid's values; `category`, float32 [1, C], logits; `embedding`, float32 [1, 1280],
  computed in float32 from what float16 holds, with the heads as they are stored, float16;
- `attributes`, float32 [1, values], the logits of all attributes, one after the other, where the model has any.

Needs PyTorch 2, Pillow and safetensors.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "train"))

import efficientnet_lite0  # noqa: E402
from hasher import ATTRIBUTES  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="EfficientNet-Lite0's checkpoint")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "product-hasher" / "2")
    options = parser.parse_args()
    torch.set_num_threads(1)

    trunk = efficientnet_lite0.load(options.weights)
    heads = {name: tensor.float() for name, tensor in load_file(options.model / "heads.safetensors").items()}
    folder = options.model / "golden"
    image = efficientnet_lite0.prepare(Image.open(folder / "coffee.png")).unsqueeze(0).half()
    with torch.no_grad():
        embedding = trunk.features(image.float())

        def head(name: str) -> Tensor:
            return embedding @ heads[f"{name}.weight"].T + heads[f"{name}.bias"]

        activations = torch.sigmoid(head("hash"))
        category = head("category")
        attributes = {name: head(f"attribute.{name}") for name in ATTRIBUTES if f"attribute.{name}.weight" in heads}
    tensors = {
        "image": image.permute(0, 2, 3, 1).contiguous(),
        "hash": activations,
        "category": category,
        "embedding": embedding,
    }
    if attributes:
        tensors["attributes"] = torch.cat(list(attributes.values()), dim=1)
    path = folder / "coffee.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)
    categories = (options.model / "categories.txt").read_text().splitlines()
    best = category.softmax(1)[0].topk(3)
    print(", ".join(f"{categories[index]} {value:.2f}" for value, index in zip(best.values, best.indices)))
    for name, logits in attributes.items():
        value, index = logits.softmax(1)[0].max(0)
        print(f"{name}: {(options.model / 'attributes' / f'{name}.txt').read_text().splitlines()[index]} {value:.2f}")
    print(f"nearest activation to the threshold: {(activations - 0.5).abs().min():.4f} away")


if __name__ == "__main__":
    main()
