"""The linear layer above BERT that finds answers, in Hugging Face's format: BertForQuestionAnswering."""

from tfllm.interop import huggingface
from tfllm.interop.named import assign

WEIGHT, BIAS = "qa_outputs.weight", "qa_outputs.bias"  # of begin and end


def fill(layer, folder):
    """The weights of the folder in a Dense layer; False where there are none. ValueError for other sizes."""
    if not (folder / "config.json").is_file():
        return False  # of sentence-transformers, in a folder of its own
    weights = huggingface.Weights(folder)
    if WEIGHT not in weights:
        return False
    assign([layer.kernel], weights[WEIGHT].T, WEIGHT, folder)
    assign([layer.bias], weights[BIAS], BIAS, folder)
    return True
