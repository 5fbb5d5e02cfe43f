"""The question answering head of BERT in Hugging Face's format, BertForQuestionAnswering."""

from tfllm.interop import huggingface
from tfllm.interop.named import assign

WEIGHT, BIAS = "qa_outputs.weight", "qa_outputs.bias"  # logits of the start and the end of the answer


def fill(layer, folder):
    """Load the folder's weights into a Dense layer; False if it has none. Raises ValueError for other sizes."""
    if not (folder / "config.json").is_file():
        return False  # sentence-transformers has it in a subfolder
    weights = huggingface.Weights(folder)
    if WEIGHT not in weights:
        return False
    assign([layer.kernel], weights[WEIGHT].T, WEIGHT, folder)
    assign([layer.bias], weights[BIAS], BIAS, folder)
    return True
