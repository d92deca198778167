"""What is prepared for the engines, once for a network and a batch.

network           weights.safetensors; input.safetensors, and expected.safetensors from it in float64;
                  calibration.safetensors, `input` float32 [16, H, W, 3], distributed as the input is
onnx              network.onnx
onnxruntime-int8  network.int8.onnx, quantised by ONNX Runtime
openvino          network.xml and network.bin
openvino-int8     network.int8.xml and network.int8.bin, quantised by NNCF
ncnn              network.ncnn.param and network.ncnn.bin, for one image
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from compare import Failure, reason
from compare.environment import install, variables
from compare_engines import Work

CALIBRATION_INPUTS = 16


@dataclass
class Request:
    """For what a step prepares its files, and where they go."""

    folder: pathlib.Path
    network: str
    shape: list[int]


def write_network(request: Request) -> None:
    import torch
    from safetensors.torch import save_file

    from compare_engines import networks

    folder = request.folder
    module = networks.made(request.network)
    weights = {name: value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "weights.safetensors")
    image = torch.rand(request.shape) * 2 - 1
    save_file({"input": image}, folder / "input.safetensors")
    generator = torch.Generator().manual_seed(20260102)
    calibration = torch.rand([CALIBRATION_INPUTS, *request.shape[1:]], generator=generator) * 2 - 1
    save_file({"input": calibration}, folder / "calibration.safetensors")
    # A GPU has float64 as well, and is not kept waiting for the processor's.
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.inference_mode():
        output = module.double().to(device)(image.permute(0, 3, 1, 2).double().to(device)).cpu()
    output = output.permute(0, 2, 3, 1) if output.dim() == 4 else output
    save_file({"output": output.contiguous()}, folder / "expected.safetensors")


def calibration_inputs(request: Request) -> Iterator["numpy.ndarray"]:
    """[N, 3, H, W] of N times the same image: a batch gives the ranges that the image alone would."""
    import numpy
    from safetensors.numpy import load_file

    for image in load_file(request.folder / "calibration.safetensors")["input"]:
        yield numpy.repeat(image.transpose(2, 0, 1)[None], request.shape[0], axis=0)


def write_onnx(request: Request) -> None:
    import torch

    from compare_engines import networks

    path = request.folder / "network.onnx"
    module = networks.loaded(request.network, request.folder / "weights.safetensors")
    batch, height, width, channels = request.shape
    x = torch.zeros(batch, channels, height, width)
    names = {"input_names": ["input"], "output_names": ["output"], "opset_version": 17}
    torch.onnx.export(module, (x,), str(path), dynamo=False, **names)
    fold_padding(path)


def fold_padding(path: pathlib.Path) -> None:
    """Gives zero padding in front of a convolution to the convolution. ONNX Runtime would not, and would leave its
    blocked layout for each: EfficientNet-Lite0 has 17."""
    import onnx
    import onnxruntime

    # Computes what does not depend on the input, the sizes among it.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    model = onnx.load(path)
    graph = model.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for pad in [node for node in graph.node if node.op_type == "Pad"]:
        mode = next((a.s for a in pad.attribute if a.name == "mode"), b"constant")
        value = constants.get(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else 0
        readers = [node for node in graph.node if pad.output[0] in node.input]
        is_zero = mode == b"constant" and pad.input[1] in constants and value is not None and value == 0
        if not is_zero or any(node.op_type != "Conv" for node in readers):
            continue
        # [N, C, H, W] before, then behind.
        amounts = constants[pad.input[1]].tolist()
        for conv in readers:
            own = next((list(a.ints) for a in conv.attribute if a.name == "pads"), [0, 0, 0, 0])
            kept = [a for a in conv.attribute if a.name not in ("pads", "auto_pad")]
            del conv.attribute[:]
            sides = [have + more for have, more in zip(own, amounts[2:4] + amounts[6:8])]
            conv.attribute.extend([*kept, onnx.helper.make_attribute("pads", sides)])
            conv.input[0] = pad.input[0]
        graph.node.remove(pad)
    onnx.save(model, path)


def write_onnxruntime_int8(request: Request) -> None:
    """Static quantisation as ONNX Runtime recommends it for x86: QDQ, uint8 activations, int8 weights by channel."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Calibration(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.inputs = calibration_inputs(request)

        def get_next(self) -> dict[str, "numpy.ndarray"] | None:
            image = next(self.inputs, None)
            return None if image is None else {"input": image}

    ready = request.folder / "network.inferred.onnx"
    quant_pre_process(str(request.folder / "network.onnx"), str(ready))
    quantization.quantize_static(
        str(ready),
        str(request.folder / "network.int8.onnx"),
        Calibration(),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
    )


def write_openvino(request: Request) -> None:
    import openvino

    model = openvino.convert_model(str(request.folder / "network.onnx"))
    openvino.save_model(model, str(request.folder / "network.xml"), compress_to_fp16=False)


def write_openvino_int8(request: Request) -> None:
    """NNCF's post-training quantisation: symmetric, weights by channel, biases corrected."""
    import nncf
    import openvino

    model = openvino.Core().read_model(str(request.folder / "network.xml"))
    inputs = nncf.Dataset(list(calibration_inputs(request)))
    preset = nncf.QuantizationPreset.PERFORMANCE
    quantised = nncf.quantize(model, inputs, preset=preset, subset_size=CALIBRATION_INPUTS)
    openvino.save_model(quantised, str(request.folder / "network.int8.xml"), compress_to_fp16=False)


def write_ncnn(request: Request) -> None:
    import pnnx
    import torch

    from compare_engines import networks

    module = networks.loaded(request.network, request.folder / "weights.safetensors")
    _, height, width, channels = request.shape
    torch.jit.trace(module, torch.zeros(1, channels, height, width)).save(str(request.folder / "network.pt"))
    command = [pnnx.EXEC_PATH, "network.pt", f"inputshape=[1,{channels},{height},{width}]", "fp16=0"]
    subprocess.run(command, cwd=request.folder, check=True)


@dataclass(frozen=True)
class Step:
    """Some files, the packages that make them, and the step that comes first."""

    write: Callable[[Request], None]
    packages: tuple[str, ...] = ()
    after: str | None = None


STEPS = {
    # The trained network's own module reads pictures, too.
    "network": Step(write_network, ("pillow",)),
    "onnx": Step(write_onnx, ("onnx", "onnxruntime"), after="network"),
    "onnxruntime-int8": Step(write_onnxruntime_int8, after="onnx"),
    "openvino": Step(write_openvino, ("openvino",), after="onnx"),
    "openvino-int8": Step(write_openvino_int8, ("nncf",), after="openvino"),
    "ncnn": Step(write_ncnn, ("pnnx",), after="network"),
}


class Files:
    """A folder that steps are done in when they are first asked for, each in a process of its own."""

    def __init__(self, folder: pathlib.Path, work: Work, batch: int) -> None:
        self.folder = folder
        self.network = work.network
        self.shape = [batch, work.height, work.width, 3]
        # Why a step that was tried failed, or None.
        self.tried: dict[str, str | None] = {}

    def need(self, name: str) -> None:
        step = STEPS[name]
        if step.after:
            self.need(step.after)
        install(step.packages)
        if name not in self.tried:
            command = [sys.executable, "-W", "ignore", "-m", "compare_engines.files", name]
            command += ["--folder", str(self.folder), "--network", self.network, "--shape", self.shape_text]
            # OpenVINO and NNCF send statistics of their use, but not where they believe to be tested.
            environment = variables({"CI": "true", "NNCF_CI": "true"})
            result = subprocess.run(command, env=environment, capture_output=True, text=True)
            self.tried[name] = reason(result.stderr) if result.returncode else None
        if why := self.tried[name]:
            raise Failure(f"its files ({name}) cannot be made: {why}")

    @property
    def shape_text(self) -> str:
        return ",".join(map(str, self.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description="Does one step.")
    parser.add_argument("step", choices=list(STEPS))
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--network", required=True)
    parser.add_argument("--shape", required=True)
    options = parser.parse_args()
    shape = [int(size) for size in options.shape.split(",")]
    STEPS[options.step].write(Request(options.folder, options.network, shape))


if __name__ == "__main__":
    main()
