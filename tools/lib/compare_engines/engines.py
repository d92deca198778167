"""The peers: what is to be known of each before it starts, and each behind the protocol of tools/compare-engines."""

from __future__ import annotations

import argparse
import functools
import importlib
import pathlib
import time
from typing import Any, ClassVar

from compare.service import Reply, memory_mb, milliseconds_since, serve


class Engine:
    """A peer with a network loaded. Takes float32 and answers float32, whatever it computes in."""

    # What is to be installed, and what it imports of that and besides.
    packages: ClassVar[tuple[str, ...]] = ()
    modules: ClassVar[tuple[str, ...]] = ()
    # By precision, the step of files.py that makes what it loads; or why it cannot.
    files: ClassVar[dict[str, str]] = {}
    unable: ClassVar[dict[str, str]] = {}
    # Where it is compared.
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    # The environment that holds it to AVX2. Without one it runs as it is. bfloat16 in AVX2 is left out: these
    # engines have no kernels for it, or only slow references.
    avx2: ClassVar[dict[str, str]] = {}
    # What to know of figures that were taken so.
    note_of_avx2: ClassVar[str] = ""
    note_of_batch: ClassVar[str] = ""

    version: str

    def __init__(self, folder: pathlib.Path, network: str, precision: str, threads: int, device: str) -> None:
        raise NotImplementedError

    def take(self, image: "numpy.ndarray") -> None:
        """Keeps [N, H, W, 3] in the layout that the engine likes."""
        raise NotImplementedError

    def run(self) -> Any:
        """Runs the network on what was taken: what is timed."""
        raise NotImplementedError

    def channels_last(self, output: Any) -> "numpy.ndarray":
        """[N, H, W, 3] or [N, classes] of what `run` gave."""
        raise NotImplementedError


class Torch(Engine):
    """PyTorch, channels last, inference mode: on the CPU as it comes, eager; on a GPU compiled, with CUDA graphs."""

    packages = ("torch",)
    modules = ("compare_engines.networks",)
    files = {"float32": "network", "bfloat16": "network"}
    unable = {"int8": "its eager mode has no quantised network"}
    devices = ("cpu", "cuda")
    avx2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}

    def __init__(self, folder: pathlib.Path, network: str, precision: str, threads: int, device: str) -> None:
        import torch

        from compare_engines import networks

        self.torch = torch
        torch.set_num_threads(threads)
        self.version = torch.__version__.split("+")[0]
        self.type = getattr(torch, precision)
        self.module = networks.loaded(network, folder / "weights.safetensors")
        self.module.to(device=device, dtype=self.type, memory_format=torch.channels_last)
        self.device = device
        if device == "cuda":
            # float32 is float32.
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.benchmark = True
            self.module = torch.compile(self.module, mode="max-autotune")

    def take(self, image: "numpy.ndarray") -> None:
        # A view: [N, H, W, 3] in memory is channels last.
        self.input = self.torch.from_numpy(image).permute(0, 3, 1, 2)
        if self.device == "cuda":
            self.input = self.input.pin_memory()

    def run(self) -> "torch.Tensor":
        with self.torch.inference_mode():
            # On a GPU the copy back waits for the result.
            x = self.input.to(self.device, non_blocking=True).to(self.type)
            return self.module(x).float().cpu()

    def channels_last(self, output: "torch.Tensor") -> "numpy.ndarray":
        return (output.permute(0, 2, 3, 1) if output.dim() == 4 else output).contiguous().numpy()


class OnnxRuntime(Engine):
    """ONNX Runtime's CPU provider, all optimisations, [N, C, H, W]."""

    packages = ("onnxruntime",)
    files = {"float32": "onnx", "int8": "onnxruntime-int8"}
    unable = {"bfloat16": "its CPU provider has no bfloat16 convolution"}

    def __init__(self, folder: pathlib.Path, network: str, precision: str, threads: int, device: str) -> None:
        import onnxruntime

        self.version = onnxruntime.__version__
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        path = str(folder / ("network.int8.onnx" if precision == "int8" else "network.onnx"))
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def take(self, image: "numpy.ndarray") -> None:
        self.input = image.transpose(0, 3, 1, 2).copy()

    def run(self) -> "numpy.ndarray":
        return self.session.run(None, {"input": self.input})[0]

    def channels_last(self, output: "numpy.ndarray") -> "numpy.ndarray":
        return output.transpose(0, 2, 3, 1).copy() if output.ndim == 4 else output


class OpenVINO(Engine):
    """OpenVINO's CPU plugin, told that latency counts, [N, C, H, W]."""

    packages = ("openvino",)
    files = {"float32": "openvino", "bfloat16": "openvino", "int8": "openvino-int8"}
    avx2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}
    note_of_avx2 = "its convolutions keep to AVX2, a few of its other kernels do not"

    def __init__(self, folder: pathlib.Path, network: str, precision: str, threads: int, device: str) -> None:
        import openvino

        self.openvino = openvino
        self.version = openvino.__version__.split("-")[0]
        core = openvino.Core()
        hint = "bf16" if precision == "bfloat16" else "f32"
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": hint}
        model = core.read_model(str(folder / ("network.int8.xml" if precision == "int8" else "network.xml")))
        compiled = core.compile_model(model, "CPU", settings)
        taken = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if taken != hint:
            raise RuntimeError(f"it computes in {taken} on this processor")
        self.request = compiled.create_infer_request()

    def take(self, image: "numpy.ndarray") -> None:
        self.request.set_input_tensor(self.openvino.Tensor(image.transpose(0, 3, 1, 2).copy()))

    def run(self) -> "numpy.ndarray":
        self.request.infer()
        return self.request.get_output_tensor().data

    def channels_last(self, output: "numpy.ndarray") -> "numpy.ndarray":
        return (output.transpose(0, 2, 3, 1) if output.ndim == 4 else output).copy()


class Ncnn(Engine):
    """ncnn, [C, H, W]."""

    packages = ("ncnn",)
    files = {"float32": "ncnn", "bfloat16": "ncnn"}
    unable = {"int8": "its package comes without the tool that quantises"}
    note_of_batch = "runs one image after another: its own batches take longer"

    def __init__(self, folder: pathlib.Path, network: str, precision: str, threads: int, device: str) -> None:
        import ncnn

        self.ncnn = ncnn
        self.version = ncnn.__version__
        self.net = ncnn.Net()
        options = self.net.opt
        options.num_threads = threads
        # What it would do by itself is not float32.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = precision == "bfloat16"
        self.net.load_param(str(folder / "network.ncnn.param"))
        self.net.load_model(str(folder / "network.ncnn.bin"))

    def take(self, image: "numpy.ndarray") -> None:
        # A Mat of an array is a view that does not keep the array.
        self.images = image.transpose(0, 3, 1, 2).copy()
        self.inputs = [self.ncnn.Mat(one) for one in self.images]

    def run(self) -> list["ncnn.Mat"]:
        outputs = []
        for one in self.inputs:
            extractor = self.net.create_extractor()
            extractor.input("in0", one)
            outputs.append(extractor.extract("out0")[1])
        return outputs

    def channels_last(self, output: list["ncnn.Mat"]) -> "numpy.ndarray":
        import numpy

        images = numpy.stack([numpy.array(one) for one in output])
        return images.transpose(0, 2, 3, 1).copy() if images.ndim == 4 else images


ENGINES: dict[str, type[Engine]] = {
    "torch": Torch,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVINO,
    "ncnn": Ncnn,
}


def reply(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    from safetensors.numpy import load_file, save_file

    if "run" in request:
        engine.take(load_file(request["run"])["input"])
        start = time.perf_counter()
        output = engine.run()
        ms = milliseconds_since(start)
        save_file({"output": engine.channels_last(output)}, request["out"])
        return {"ok": True, "ms": ms}
    if "time" in request:
        times = []
        for _ in range(request["time"]):
            start = time.perf_counter()
            engine.run()
            times.append(milliseconds_since(start))
        return {"ms": times}
    if "rss" in request:
        return {"rss_mb": memory_mb("VmHWM")}
    raise ValueError(f"unknown request {request}")


def start(options: argparse.Namespace) -> tuple[dict[str, Any], Reply]:
    kind = ENGINES[options.engine]
    # Before the clock starts: all that loading will import.
    for package in (*kind.packages, *kind.modules, "safetensors.numpy"):
        importlib.import_module(package)
    start = time.perf_counter()
    engine = kind(options.folder, options.network, options.precision, options.threads, options.device)
    hello = {"load_ms": milliseconds_since(start), "version": engine.version}
    return hello, functools.partial(reply, engine)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves one engine on standard input and output.")
    parser.add_argument("engine", choices=list(ENGINES))
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--network", required=True)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    serve(lambda: start(options))


if __name__ == "__main__":
    main()
