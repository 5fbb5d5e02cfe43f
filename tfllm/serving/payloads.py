"""JSON of clients -> columns of texts and scalars; answers -> JSON. The forms are TensorFlow Serving's and KServe's.

TensorFlow Serving: https://www.tensorflow.org/tfx/serving/api_rest. KServe, open inference protocol, version 2:
https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

import base64
import binascii
import json

import numpy as np
import tensorflow as tf

from tfllm.serving.served_model import BadRequest

DTYPES = {"float32": "FLOAT", "float64": "DOUBLE"}
LARGEST = 3.4e38  # about that of float32
KINDS = {"object": "BYTES", "float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64", "bool": "BOOL"}


def body(raw):
    """The JSON object of a request's bytes. Raises BadRequest."""
    try:
        content = json.loads(raw, parse_constant=not_json)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"JSON Parse error: {error}") from None
    if not isinstance(content, dict):
        raise BadRequest("the body must be a JSON object")
    return content


def not_json(word):
    raise ValueError(f"{word} is not JSON")


def text_of(value, name):
    """A JSON string, or {"b64": ...}, as bytes. Raises BadRequest."""
    if isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest(f"{name}: b64 is not base64") from None
    if not isinstance(value, str):
        raise BadRequest(f'{name} must be a string or {{"b64": ...}}, got {json.dumps(value)[:80]}')
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{name} has half of a surrogate pair, which is no character") from None


def is_text(value):
    return isinstance(value, str) or isinstance(value, dict) and value.keys() == {"b64"}


# TensorFlow Serving


def predict_request(content, model):
    """The body of `:predict` -> (signature, columns, scalars, True for rows). Raises BadRequest."""
    name = content.get("signature_name")
    if not (name is None or isinstance(name, str)):
        raise BadRequest("signature_name must be a string")
    signature = model.signature(name or None)
    if ("instances" in content) == ("inputs" in content):
        raise BadRequest('expected "instances" (a list of rows) or "inputs" (columns), one of them')
    if "inputs" in content:
        return signature, *columns_of(content["inputs"], signature), False
    return signature, rows_of(content["instances"], signature), {}, True


def rows_of(rows, signature):
    """A list of texts, or of {input: text}, as columns of bytes."""
    if not isinstance(rows, list) or not rows:
        raise BadRequest("instances must be a list with at least one row")
    columns = [[] for _ in signature.texts]
    for i, row in enumerate(rows):
        if is_text(row) and len(signature.texts) == 1:
            row = {signature.texts[0]: row}
        if not isinstance(row, dict) or row.keys() != set(signature.texts):
            extra = signature.scalars.keys() & (row.keys() if isinstance(row, dict) else set())
            hint = f'; {", ".join(sorted(extra))} belongs to all rows: use "inputs"' if extra else ""
            raise BadRequest(f"instances[{i}] must have the inputs {', '.join(signature.texts)}{hint}")
        for column, name in zip(columns, signature.texts, strict=True):
            column.append(text_of(row[name], f"instances[{i}].{name}"))
    return columns


def columns_of(inputs, signature):
    """{input: list of texts, or a scalar}, or what the only input has, as (columns, scalars)."""
    if len(signature.texts) == 1 and (isinstance(inputs, list) or is_text(inputs)):
        inputs = {signature.texts[0]: inputs}
    if not isinstance(inputs, dict):
        raise BadRequest("inputs must be an object with a list for each input")
    missing = [name for name in signature.texts if name not in inputs]
    if missing:
        raise BadRequest(f"missing inputs: {', '.join(missing)}")
    columns = []
    for name in signature.texts:
        values = [inputs[name]] if is_text(inputs[name]) else inputs[name]
        if not isinstance(values, list):
            raise BadRequest(f"{name} must be a list of texts")
        columns.append([text_of(value, name) for value in values])
    if len({len(column) for column in columns}) > 1:
        raise BadRequest(f"{' and '.join(signature.texts)} must be of equal length")
    return columns, signature.read_scalars({n: v for n, v in inputs.items() if n not in signature.texts})


def predict_response(outputs, by_rows):
    """{output: array [N, ...]} as TensorFlow Serving writes it: one output alone has no name."""
    values = {name: value_of(part, name) for name, part in outputs.items()}
    alone = next(iter(values.values())) if len(values) == 1 else None
    if not by_rows:
        return {"outputs": values if alone is None else alone}
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return {"predictions": rows if alone is None else alone}


def signature_def(definition):
    """A SignatureDef as TensorFlow Serving writes it in the metadata of a model."""
    return {
        "inputs": {name: tensor_info(one) for name, one in sorted(definition.inputs.items())},
        "outputs": {name: tensor_info(one) for name, one in sorted(definition.outputs.items())},
        "method_name": definition.method_name,
    }


def tensor_info(info):
    name = tf.as_dtype(info.dtype).name
    dims = [{"size": str(dim.size), "name": ""} for dim in info.tensor_shape.dim]
    shape = {"dim": dims, "unknown_rank": info.tensor_shape.unknown_rank}
    return {"dtype": f"DT_{DTYPES.get(name, name.upper())}", "tensor_shape": shape, "name": info.name}


def value_of(part, name=""):
    """A NumPy array as nested lists for JSON: bytes as text; as {"b64": ...} if the output's name ends with _bytes.

    JSON has neither infinity nor NaN: the largest number and null stand for them.
    """
    if part.dtype.kind == "f":
        numbers = np.clip(part, -LARGEST, LARGEST)
        return (np.where(np.isnan(part), None, numbers) if np.isnan(part).any() else numbers).tolist()
    if part.dtype != object:
        return part.tolist()
    if part.ndim > 1:
        return [value_of(row, name) for row in part]
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(value).decode()} for value in part]
    return [value.decode("utf-8", "replace") for value in part]


# KServe


def infer_request(content, model):
    """The body of `/infer` -> (signature, columns, scalars). Texts are BYTES tensors; scalars are `parameters`."""
    parameters = content.get("parameters", {})
    if not isinstance(parameters, dict):
        raise BadRequest("parameters must be an object")
    scalars = {
        name: value for name, value in parameters.items() if name not in ("signature_name", "binary_data_output")
    }
    signature = model.signature(parameters.get("signature_name"))
    tensors = content.get("inputs")
    if not isinstance(tensors, list) or not all(isinstance(one, dict) for one in tensors):
        raise BadRequest("inputs must be a list of tensors")
    given = {}
    for one in tensors:
        name, data, shape = one.get("name"), one.get("data"), one.get("shape")
        if not isinstance(name, str) or not isinstance(data, list) or not isinstance(shape, list):
            raise BadRequest("each input needs name, shape, datatype and data")
        if name in given:
            raise BadRequest(f"input {name!r} is repeated")
        if one.get("datatype") != ("BYTES" if name in signature.texts else KINDS.get(kind_of(name, signature))):
            raise BadRequest(f"input {name!r} has the wrong datatype {one.get('datatype')!r}, or is unknown")
        if name in signature.texts and shape not in ([len(data)], [len(data), 1]):
            raise BadRequest(f"input {name!r}: shape {shape} is not that of {len(data)} texts")
        if name in signature.texts:
            given[name] = [row[0] if isinstance(row, list) and len(row) == 1 else row for row in data]
        elif len(data) == 1:
            given[name] = data[0]
        else:
            raise BadRequest(f"input {name!r} is one number")
    for name in scalars.keys() & given.keys():
        raise BadRequest(f"{name} is an input and a parameter")
    return signature, *columns_of(given | scalars, signature)


def kind_of(name, signature):
    return str(signature.scalars[name].dtype) if name in signature.scalars else None


def infer_response(outputs, name, version):
    return {
        "model_name": name,
        "model_version": str(version),
        "outputs": [
            {"name": key, "shape": list(part.shape), "datatype": KINDS[str(part.dtype)], "data": flat(part)}
            for key, part in outputs.items()
        ],
    }


def flat(part):
    return value_of(part.reshape(-1))


def infer_metadata(model, name, versions):
    """The metadata of KServe's protocol, of serving_default or the first signature."""
    signature = model.signatures.get("serving_default") or next(iter(model.signatures.values()))
    outputs = [
        {"name": key, "datatype": KINDS[str(one.dtype)], "shape": [-1 if size is None else size for size in one.shape]}
        for key, one in signature.outputs.items()
    ]
    inputs = [{"name": key, "datatype": "BYTES", "shape": [-1]} for key in signature.texts]
    return {"name": name, "versions": [str(one) for one in versions], "platform": "tensorflow_savedmodel",
            "inputs": inputs, "outputs": outputs}  # fmt: skip
