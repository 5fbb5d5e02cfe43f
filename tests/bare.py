"""Run SavedModels in a process that can import neither tfllm nor Keras: `answers(asked)`."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

MISSING = ("tfllm", "keras", "tensorflow_text", "keras_nlp")


def answers(asked):
    """[(path, signature, {text input: strings}, {scalar input: number})] -> [{output: array}], by one process.

    Numbers that are left out are those in the file.
    """
    run = subprocess.run(
        [sys.executable, "-m", "tests.bare"], input=json.dumps(asked), cwd=Path(__file__).parent.parent,
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return [{name: array(*part) for name, part in result.items()} for result in json.loads(run.stdout.splitlines()[-1])]


def array(values, shape, kind):
    result = np.array(values, kind).reshape(shape)
    return np.vectorize(str.encode, otypes=[object])(result) if kind == "object" and result.size else result


def main():
    sys.modules |= dict.fromkeys(MISSING)  # importing them is an error
    import tensorflow as tf

    models, result = {}, []
    for path, name, texts, scalars in json.load(sys.stdin):
        models[path] = models.get(path) or tf.saved_model.load(path)
        signature = models[path].signatures[name]
        kinds = signature.structured_input_signature[1]
        inputs = {key: tf.constant(value, kinds[key].dtype) for key, value in (texts | scalars).items()}
        if inputs.keys() < kinds.keys():  # Python's `signatures` know no defaults
            signature = getattr(models[path], name)
        parts = {key: part.numpy() for key, part in signature(**inputs).items()}
        result.append({key: (written(part).tolist(), part.shape, str(part.dtype)) for key, part in parts.items()})
    print(json.dumps(result))


def written(part):
    return np.vectorize(bytes.decode, otypes=[object])(part) if part.dtype == object and part.size else part


if __name__ == "__main__":
    main()
