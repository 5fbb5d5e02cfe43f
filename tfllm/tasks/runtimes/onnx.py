"""A task as ONNX files of its networks, in float32 or with weights in 8 bits, for onnxruntime."""

import logging
import shutil
import tempfile

import numpy as np

from tfllm.export import saved_model
from tfllm.files import written
from tfllm.tasks.runtimes import folder as parts
from tfllm.tasks.runtimes.id_graphs import id_graphs

OPSET = 18
LOOPS = {"While", "StatelessWhile"}


def export(task, folder, weights="float"):
    """Write folder/1, or the next free number, and return its path as a str: NAME.onnx for each of `id_graphs`, and
    what folder.py writes.

    weights: "float"; or "int8", those of products in 8 bits, inputs quantized as they come (onnxruntime's dynamic
    quantization). Raises ImportError without the packages tf2onnx and onnxruntime, and ValueError for tasks without
    such graphs. Recurrences over whole texts are loops, which tf2onnx does not convert: a recurrent language model has
    "step" alone.
    """
    tf2onnx, onnxruntime, quantization = imported()
    graphs = {name: graph for name, graph in id_graphs(task).items() if not has_loop(graph)}
    if not graphs or ("decoder" in graphs) != ("encoder" in graphs):
        raise ValueError("the recurrence of this model is a loop, which tf2onnx cannot convert; the format litert can")
    final = saved_model.next_folder(folder)
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    with written(final) as beside, tempfile.TemporaryDirectory() as place:
        beside.mkdir(exist_ok=True)
        for name, graph in graphs.items():
            file, plain, prepared = str(beside / f"{name}.onnx"), f"{place}/plain.onnx", f"{place}/prepared.onnx"
            tf2onnx.convert.from_function(
                graph.compiled, graph.inputs, opset=OPSET, output_path=plain, custom_op_handlers={"Erfc": (erfc, [])}
            )
            if weights == "int8":
                quantization.shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
                quantization.quantize_dynamic(prepared, file)
            else:
                shutil.copy(plain, file)
            onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])  # fails if an operation is unknown
        parts.write(task, beside, graphs)
    return str(final)


def imported():
    try:
        import onnxruntime
        import tf2onnx
        from onnxruntime import quantization
    except ImportError:
        raise ImportError("the format onnx needs tf2onnx and onnxruntime: pip install 'tfllm[onnx]'") from None
    return tf2onnx, onnxruntime, quantization


def erfc(graph, node, name, arguments):
    """erfc(x) = 1 - erf(x), which ONNX has; for the exact GELU."""
    node.type = "Erf"
    one = graph.make_const(f"{name}__one", np.array(1, "float32"))
    graph.insert_new_node_on_output("Sub", node.output[0], f"{name}__sub", inputs=[one.output[0], node.output[0]])


def has_loop(graph):
    operations = graph.compiled.get_concrete_function().graph.get_operations()
    return any(operation.type in LOOPS for operation in operations)
