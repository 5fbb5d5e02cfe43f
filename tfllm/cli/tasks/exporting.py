"""The options of `tfllm export` that all tasks have."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ExportForm:
    # ctranslate2: files for the engine of that name, of a Transformer that translates or a GPT; onnx, litert: networks
    # on token ids, of classifiers, language models and encoder-decoders
    format: Literal["tf_saved_model", "ctranslate2", "onnx", "litert"] = "tf_saved_model"
    weights: Literal["float", "int8"] = "float"  # int8: kernels and embeddings as integers, a quarter of the size
