#!/usr/bin/env python3
"""Makes the checkpoints that ZooWeights' tests read, and the safetensors files that say what must come out.

Needs PyTorch 2.3 or later and safetensors:
    python3 tools/make-goldens/checkpoints.py Tests/Fixtures/weights

Every case is written in both of PyTorch's layouts (`<case>.zip.pth`, `<case>.legacy.pth`), beside the expected
`<case>.safetensors`. A second run gives files with the same tensors but not the same bytes: PyTorch names the
storages of the older layout after their addresses.
"""

import pathlib
import sys
from collections import OrderedDict

import torch
from safetensors.torch import save


def element_types():
    """One tensor of every element type. What zoo has no type for is expected in the type it is converted to."""
    numbers = torch.tensor([[0.0, -1.5, 2.25], [1e-3, 300.0, -0.0]])
    whole = torch.tensor([[0, 1, 2], [100, 126, 127]])
    as_they_are = {
        "float32": numbers,
        "float16": numbers.half(),
        "bfloat16": numbers.bfloat16(),
        "int64": whole - (1 << 40),
        "int32": whole.int() - (1 << 20),
        "int8": whole.to(torch.int8),
        "uint8": (whole + 100).to(torch.uint8),
    }
    converted = {
        "float64": (numbers.double() / 3, (numbers.double() / 3).float()),
        "int16": (whole.short() - 30000, whole.int() - 30000),
        "bool": (whole > 1, (whole > 1).to(torch.uint8)),
        "uint16": ((whole.int() + 65000).to(torch.uint16), whole.int() + 65000),
        "uint32": ((whole + 4_000_000_000).to(torch.uint32), whole + 4_000_000_000),
    }
    checkpoint = as_they_are | {name: stored for name, (stored, _) in converted.items()}
    expected = as_they_are | {name: read for name, (_, read) in converted.items()}
    return checkpoint, expected


def views():
    """Tensors that share storages: slices, transposes, repetitions, and the degenerate shapes."""
    base = torch.arange(120.0).reshape(2, 3, 4, 5)
    checkpoint = {
        "whole": base,
        "offset": base[1],
        "transposed": base.transpose(0, 3),
        "every_second": base[:, :, ::2, 1::3],
        "expanded": base[:, :, :1, :1].expand(2, 3, 7, 2),
        "diagonal": base[0, 0].diagonal(),
        "channels_last": torch.arange(48.0).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last),
        "double_transposed": torch.arange(6, dtype=torch.float64).reshape(2, 3).t(),
        "bytes_transposed": torch.arange(6, dtype=torch.uint8).reshape(2, 3).t(),
        "scalar": base[1, 2, 3, 4],
        "empty": torch.empty(3, 0, 2),
        "empty_slice": base[2:],
    }
    expected = {name: tensor.contiguous().clone() for name, tensor in checkpoint.items()}
    expected["double_transposed"] = expected["double_transposed"].float()
    return checkpoint, expected


def module():
    """The state dictionary of a module, with batch normalisation's statistics and counter."""
    torch.manual_seed(1)
    network = torch.nn.Sequential(
        OrderedDict(conv=torch.nn.Conv2d(2, 3, 3), norm=torch.nn.BatchNorm2d(3), linear=torch.nn.Linear(4, 2)))
    network(torch.randn(2, 2, 4, 6))
    return network.state_dict()


def parameters():
    """Parameters instead of tensors, under DataParallel's prefix."""
    state = module()
    checkpoint = {f"module.{name}": torch.nn.Parameter(t, requires_grad=False) for name, t in state.items()}
    return checkpoint, state


def training():
    """A training checkpoint: the weights among an optimiser's tensors, settings and scalars."""
    state = module()
    checkpoint = {
        "epoch": 3,
        "loss": 0.25,
        "arch": "résnet",
        "shape": torch.Size([2, 3]),
        "history": [1.0, None, True, (1, 2, 3, 4), -(1 << 70)],
        "model": state,
        "optimizer": {"state": {0: {"step": 1, "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-3}]},
    }
    return checkpoint, state


def networks():
    """Two networks side by side, one of them with a list of tensors."""
    state = module()
    blocks = [torch.ones(2), {"bias": torch.zeros(2)}]
    checkpoint = {"netG_A": state, "netG_B": {"blocks": blocks}, "optim_G": {"exp_avg": torch.ones(3)}, "epoch": 1}
    expected = {f"netG_A.{name}": tensor for name, tensor in state.items()}
    return checkpoint, expected | {"netG_B.blocks.0": blocks[0], "netG_B.blocks.1.bias": blocks[1]["bias"]}


def main(folder: pathlib.Path):
    folder.mkdir(parents=True, exist_ok=True)
    state = module()
    cases = {
        "element-types": element_types(),
        "views": views(),
        "module": (state, state),
        "parameters": parameters(),
        "training": training(),
        "networks": networks(),
    }
    for case, (checkpoint, expected) in cases.items():
        contiguous = {name: tensor.contiguous() for name, tensor in expected.items()}
        (folder / f"{case}.safetensors").write_bytes(save(contiguous))
        for layout in ("zip", "legacy"):
            protocols = (2, 3, 4, 5) if case == "module" else (2,)
            for protocol in protocols:
                suffix = "" if protocol == 2 else f".protocol{protocol}"
                with open(folder / f"{case}{suffix}.{layout}.pth", "wb") as file:
                    torch.save(
                        checkpoint, file, pickle_protocol=protocol, _use_new_zipfile_serialization=layout == "zip")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
