"""ONNX export of the classifier; a method of `spars.Classifier`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from spars._support.checks import check_bool, sentence
from spars._support.extras import require
from spars._support.files import write_bytes
from spars._support.formats import check_ending
from spars._support.types import FloatArray, PathLike
from spars._support.version import __version__
from spars.volume.protocol import IntensityWindow

if TYPE_CHECKING:
    from spars.classifier.network import Classifier

# 17 is what ONNX Runtime 1.12 and everything later reads; no layer here has changed since.
_OPSET = 17
_IR_VERSION = 8


def save_onnx(self: Classifier, path: PathLike, *, intensity_window: bool = False) -> None:
    """Write the classifier in evaluation mode as an ONNX model.

    The graph has the network's own layers, batch norm included, under PyTorch's parameter names,
    and is checked by `onnx.checker` before it is written. Input `x` is float32 of shape
    (batch, 1, X, Y, Z), X, Y and Z those of `input_shape`; the batch may have any size. Outputs are
    `logits`, (batch, 2), and `score`, (batch,), softmax(logits)[1]. The model's metadata holds
    `spars.version`, `spars.input_shape`, `spars.intensity_window` as JSON (null for none),
    `spars.input`: "HU", or "seen" where the graph takes what the network sees, and `spars.recipe`
    where the classifier has one. Opset 17.

    Resizing windows to the input stays the caller's: nearest neighbour by PyTorch's index rule
    (`spars.resample(crop, input_shape, "nearest")`).

    Parameters
    ----------
    path : str or path-like
        Where; an existing file is replaced at once and only by a whole one.
    intensity_window : bool
        Whether the graph begins by applying the classifier's intensity window, so that it takes HU.
        False takes values as `logits` does.

    Raises
    ------
    ImportError
        The extra "onnx" is not installed.
    ValueError
        `intensity_window` is True and the classifier has none, or the path's ending is that of
        another format.
    OSError
        It cannot be written.

    Examples
    --------
    >>> spars.Classifier((108, 108, 108), seed=0).save_onnx("classifier.onnx")
    """
    owner = "save_onnx"
    window = self.intensity_window
    if check_bool(intensity_window, "intensity_window", owner) and window is None:
        raise ValueError(
            sentence("intensity_window", owner, "False for a classifier without one", True)
        )
    try:
        path = os.fspath(path)
    except TypeError:
        raise TypeError(sentence("path", owner, "a path", path)) from None
    check_ending(path, (".onnx",), owner)
    onnx = require("onnx", "onnx", "ONNX export")
    model = _model(onnx, self, window if intensity_window else None)
    metadata = {
        "spars.version": model.producer_version,
        "spars.input_shape": json.dumps(self.input_shape),
        "spars.intensity_window": json.dumps(window and [window.level, window.width]),
        "spars.input": "HU" if intensity_window else "seen",
    }
    if self.recipe is not None:
        metadata["spars.recipe"] = self.recipe.to_json()
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())


def _model(onnx: ModuleType, classifier: Classifier, window: IntensityWindow | None) -> Any:
    """Return the model, with an intensity window in front where one is given."""
    parameters = classifier.parameters()
    graph = _Graph(onnx, parameters)
    x = "x"
    if window is not None:
        # In float32 and in this order, as the core computes it.
        low = np.float32(window.level) - np.float32(window.width) / np.float32(2)
        x = graph.node("Sub", x, graph.constant("intensity.low", low))
        x = graph.node("Div", x, graph.constant("intensity.width", window.width))
        zero, one = (graph.constant(f"intensity.{name}", name == "one") for name in ("zero", "one"))
        x = graph.node("Clip", x, zero, one)
    for i in range(1, 5):
        stride = [1 if i == 1 else 2] * 3
        x = graph.layer("Conv", x, f"conv{i}", kernel_shape=[3] * 3, strides=stride)
        x = graph.layer(
            "BatchNormalization", x, f"bn{i}", ("running_mean", "running_var"), epsilon=1e-5
        )
        x = graph.node("Relu", x)
        if i < 4:
            x = graph.node("MaxPool", x, kernel_shape=[2] * 3, strides=[2] * 3)
    x = graph.node("Flatten", x, axis=1)
    for i in range(1, 6):
        x = graph.layer("Gemm", x, f"fc{i}", output="logits" if i == 5 else None, transB=1)
        if i < 5:
            x = graph.node("Relu", x)
    shares = graph.node("Softmax", x, axis=1)
    index = graph.constant("score.index", np.int64(1), np.int64)
    graph.node("Gather", shares, index, output="score", axis=1)

    def value(name: str, shape: Sequence[int | str]) -> Any:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    return onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "spars.Classifier",
            [value("x", ["batch", 1, *classifier.input_shape])],
            [value("logits", ["batch", 2]), value("score", ["batch"])],
            graph.tensors,
        ),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="spars",
        producer_version=__version__,
    )


class _Graph:
    """Gathers nodes, each with one output, and the tensors they use."""

    def __init__(self, onnx: ModuleType, parameters: Mapping[str, FloatArray]) -> None:
        self.onnx = onnx
        self.parameters = parameters
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def constant(self, name: str, value: ArrayLike, dtype: type[np.generic] = np.float32) -> str:
        array = np.asarray(value, dtype)
        self.tensors.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        output = output or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def layer(
        self, kind: str, x: str, name: str, more: Sequence[str] = (), **attributes: Any
    ) -> str:
        names = [f"{name}.{part}" for part in ("weight", "bias", *more)]
        tensors = [self.constant(each, self.parameters[each]) for each in names]
        return self.node(kind, x, *tensors, **attributes)
