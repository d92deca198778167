#!/usr/bin/env python3
"""Writes what PyTorch answers for small inputs of every operation: Tests/Fixtures/operations/pytorch.json.

The reference backend is held against these numbers, and every other backend against the reference. PyTorch computes in
float64 on inputs that float32 holds exactly, so the two may differ only by the rounding of the last bits.

    python3 tools/make-goldens/operations.py

Needs PyTorch (2.x). Pictures are turned from PyTorch's [N, C, H, W] to [N, H, W, C] before they are written.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(20240917)
cases = []


def numbers(*shape, low=-16, high=16):
    """Multiples of 1/8: exact in float32, and short as text."""
    return torch.randint(low, high + 1, shape, generator=generator, dtype=torch.float64) / 8


def channels_last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def tensor(x):
    return {"shape": list(x.shape), "values": [int(v) if v == int(v) else v for v in x.flatten().tolist()]}


def case(name, operation, inputs, output, **options):
    cases.append(
        {
            "name": name,
            "operation": operation,
            "inputs": [tensor(x) for x in inputs],
            "output": tensor(output),
            "options": options,
        }
    )


def same_padding(size, kernel, stride, dilation):
    """TensorFlow's 'SAME' (tensorflow/core/framework/kernel_shape_util.cc)."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


MODES = {"zero": "constant", "reflect": "reflect", "replicate": "replicate"}


def convolutions():
    rows = [
        # name, x, filter, stride, dilation, groups, [top, bottom, leading, trailing] or "same", mode
        ("plain", (1, 3, 5, 4), (2, 3, 3, 3), (1, 1), (1, 1), 1, [0, 0, 0, 0], "zero"),
        ("padded", (2, 3, 4, 5), (4, 3, 3, 3), (1, 1), (1, 1), 1, [1, 1, 1, 1], "zero"),
        ("strides", (1, 2, 7, 8), (3, 2, 3, 2), (2, 3), (1, 1), 1, [1, 1, 0, 0], "zero"),
        ("dilations", (1, 2, 8, 7), (3, 2, 3, 2), (1, 2), (2, 3), 1, [2, 1, 0, 1], "zero"),
        ("reflect", (1, 2, 4, 5), (3, 2, 3, 3), (1, 1), (1, 1), 1, [2, 1, 3, 0], "reflect"),
        ("replicate", (1, 2, 2, 3), (3, 2, 3, 3), (2, 1), (1, 1), 1, [3, 1, 2, 1], "replicate"),
        ("groups", (1, 6, 4, 3), (4, 3, 3, 3), (1, 1), (1, 1), 2, [1, 1, 1, 1], "zero"),
        ("depthwise", (2, 5, 4, 3), (5, 1, 3, 3), (1, 1), (1, 1), 5, [1, 1, 1, 1], "zero"),
        ("depthwise multiplier", (1, 3, 4, 4), (6, 1, 3, 3), (2, 2), (1, 1), 3, [1, 1, 1, 1], "zero"),
        ("pointwise", (1, 7, 3, 2), (5, 7, 1, 1), (1, 1), (1, 1), 1, [0, 0, 0, 0], "zero"),
        ("same odd", (1, 2, 5, 7), (3, 2, 3, 3), (2, 2), (1, 1), 1, "same", "zero"),
        ("same even", (1, 2, 6, 8), (3, 2, 3, 3), (2, 2), (1, 1), 1, "same", "zero"),
        ("same even kernel", (1, 2, 5, 4), (2, 2, 2, 4), (1, 1), (1, 1), 1, "same", "zero"),
        ("same dilated", (1, 1, 6, 5), (2, 1, 3, 3), (2, 1), (2, 2), 1, "same", "zero"),
    ]
    for name, x_shape, filter_shape, stride, dilation, groups, padding, mode in rows:
        x, filter, bias = numbers(*x_shape), numbers(*filter_shape), numbers(filter_shape[0])
        insets = padding
        if padding == "same":
            insets = [
                *same_padding(x_shape[2], filter_shape[2], stride[0], dilation[0]),
                *same_padding(x_shape[3], filter_shape[3], stride[1], dilation[1]),
            ]
        top, bottom, leading, trailing = insets
        padded = F.pad(x, (leading, trailing, top, bottom), mode=MODES[mode])
        options = {"stride": stride, "dilation": dilation, "groups": groups, "mode": mode, "padding": padding}
        if padding == "same":
            del options["padding"]
        y = F.conv2d(padded, filter, bias, stride=stride, dilation=dilation, groups=groups)
        case(f"convolution {name}", "convolution", [channels_last(x), filter, bias], channels_last(y), **options)


def transposed_convolutions():
    rows = [
        ("plain", (1, 3, 3, 4), (3, 2, 3, 3), (1, 1), (1, 1), 1, (0, 0), (0, 0)),
        ("enlarging", (1, 4, 3, 2), (4, 3, 3, 3), (2, 2), (1, 1), 1, (1, 1), (1, 1)),
        ("uneven", (2, 2, 2, 3), (2, 3, 4, 2), (3, 2), (1, 1), 1, (1, 0), (2, 1)),
        ("dilated", (1, 2, 3, 3), (2, 2, 3, 2), (1, 2), (2, 3), 1, (2, 1), (1, 2)),
        ("groups", (1, 6, 3, 2), (6, 2, 3, 3), (2, 2), (1, 1), 3, (1, 1), (0, 1)),
        ("depthwise", (1, 4, 2, 3), (4, 1, 2, 2), (2, 2), (1, 1), 4, (0, 0), (0, 0)),
    ]
    for name, x_shape, filter_shape, stride, dilation, groups, padding, output_padding in rows:
        x, filter, bias = numbers(*x_shape), numbers(*filter_shape), numbers(filter_shape[1] * groups)
        y = F.conv_transpose2d(x, filter, bias, stride, padding, output_padding, groups, dilation)
        case(
            f"transposed convolution {name}", "transposedConvolution", [channels_last(x), filter, bias],
            channels_last(y), stride=stride, dilation=dilation, groups=groups, extent=padding,
            outputPadding=output_padding,
        )


def matrices():
    for shape in [(3, 5), (2, 3, 5), (5,)]:
        x, weight, bias = numbers(*shape), numbers(4, 5), numbers(4)
        case(f"linear {shape}", "linear", [x, weight, bias], F.linear(x, weight, bias))
    for a_shape, b_shape in [((3, 4), (4, 2)), ((2, 3, 4), (2, 4, 5)), ((2, 2, 3, 4), (4, 3))]:
        a, b = numbers(*a_shape), numbers(*b_shape)
        case(f"matrix product {a_shape} {b_shape}", "matrixMultiply", [a, b], a @ b)
    for shape, axis in [((2, 7), -1), ((2, 3, 4), 1), ((3, 2), 0)]:
        x = numbers(*shape, low=-80, high=80)
        case(f"softmax {shape} axis {axis}", "softmax", [x], F.softmax(x, dim=axis), axis=axis)


def normalizations():
    x, scale, shift, mean = numbers(2, 3, 4, 2), numbers(3), numbers(3), numbers(3)
    variance = numbers(3, low=1, high=16)
    y = F.batch_norm(x, mean, variance, scale, shift, eps=2**-10)
    vectors = [scale, shift, mean, variance]
    case("batch norm pictures", "batchNorm", [channels_last(x), *vectors], channels_last(y), epsilon=2**-10)
    rows = numbers(5, 3)
    y = F.batch_norm(rows, mean, variance, scale, shift, eps=2**-10)
    case("batch norm rows", "batchNorm", [rows, *vectors], y, epsilon=2**-10)
    y = F.instance_norm(x, eps=2**-10)
    case("instance norm", "instanceNorm", [channels_last(x)], channels_last(y), epsilon=2**-10)
    y = F.instance_norm(x, weight=scale, bias=shift, eps=2**-10)
    case("instance norm affine", "instanceNorm", [channels_last(x), scale, shift], channels_last(y), epsilon=2**-10)


def activations():
    x = torch.arange(-64, 65, 4, dtype=torch.float64) / 8
    functions = {
        "relu": F.relu,
        "relu6": F.relu6,
        "leakyReLU": lambda x: F.leaky_relu(x, 0.125),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "silu": F.silu,
        "hardSwish": F.hardswish,
    }
    for name, function in functions.items():
        case(f"activation {name}", "activation", [x], function(x), activation=name, slope=0.125)


def pictures():
    for mode in MODES:
        x = numbers(2, 2, 3, 4)
        y = F.pad(x, (3, 1, 0, 2), mode=MODES[mode])
        case(f"pad {mode}", "pad", [channels_last(x)], channels_last(y), mode=mode, padding=[0, 2, 3, 1])
    for window, stride, padding in [((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 3), (1, 0)), ((3, 3), (2, 2), (1, 1))]:
        x = numbers(2, 3, 5, 6, low=-32, high=-1)
        insets = [padding[0], padding[0], padding[1], padding[1]]
        options = {"window": window, "stride": stride, "padding": insets}
        y = F.max_pool2d(x, window, stride, padding)
        case(f"maximum pool {window}", "maximumPool", [channels_last(x)], channels_last(y), **options)
        for counts in [False, True]:
            y = F.avg_pool2d(x, window, stride, padding, count_include_pad=counts)
            case(
                f"average pool {window} {counts}", "averagePool", [channels_last(x)], channels_last(y),
                countsPadding=counts, **options,
            )
    x = numbers(2, 3, 4, 5)
    case("global average pool", "globalAveragePool", [channels_last(x)], channels_last(F.adaptive_avg_pool2d(x, 1)))
    for method, extra in [("nearest", {}), ("bilinear", {"align_corners": False})]:
        for scale in [(2, 2), (3, 1), (1, 4)]:
            x = numbers(1, 2, 3, 4)
            y = F.interpolate(x, scale_factor=scale, mode=method, **extra)
            case(f"resize {method} {scale}", "resize", [channels_last(x)], channels_last(y), method=method, scale=scale)


def layout():
    for a_shape, b_shape in [((2, 3), (2, 3)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2, 2))]:
        a, b = numbers(*a_shape), numbers(*b_shape)
        case(f"add {a_shape} {b_shape}", "add", [a, b], a + b)
        case(f"multiply {a_shape} {b_shape}", "multiply", [a, b], a * b)
    for axis in range(3):
        shape = [2, 3, 2]
        shape[axis] = 1
        a, b = numbers(2, 3, 2), numbers(*shape)
        case(f"concatenate axis {axis}", "concatenate", [a, b], torch.cat([a, b], dim=axis), axis=axis)
    x = numbers(2, 3, 4)
    case("reshape", "reshape", [x], x.reshape(2, -1, 2), dimensions=[0, -1, 2])
    case("flatten", "flatten", [x], x.flatten(1), axis=1)


convolutions()
transposed_convolutions()
matrices()
normalizations()
activations()
pictures()
layout()

target = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/operations/pytorch.json"
target.parent.mkdir(parents=True, exist_ok=True)
rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in cases)
target.write_text(f'{{"generator":"PyTorch {torch.__version__.split("+")[0]}","cases":[\n{rows}\n]}}\n')
print(f"{target.name}: {len(cases)} cases, {target.stat().st_size} bytes")
