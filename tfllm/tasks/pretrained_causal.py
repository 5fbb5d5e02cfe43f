"""Causal models with their tokenizers in formats of others: folders of Hugging Face, GGUF files, keras-nlp presets."""

from pathlib import Path
from typing import NamedTuple

from tfllm import text
from tfllm.files import json_object
from tfllm.interop import gguf, gpt2, huggingface, keras_nlp, llama
from tfllm.models.causal import CausalModel
from tfllm.models.gpt import GPT
from tfllm.models.llama import Llama

TEMPLATE = "chat_template.jinja"


class Pretrained(NamedTuple):
    """A model, its tokenizer, and the source of its chat template, or None."""

    model: CausalModel
    tokenizer: text.BytePairs
    template: str | None


def load(path_or_name, rate=None, **options) -> Pretrained:
    """From a .gguf file, a folder in Hugging Face's format, a name on its hub, or a keras-nlp preset.

    rate: probability of dropout, to override the checkpoint's. options: of GPT or Llama, such as dtype="bfloat16".
    Raises FileNotFoundError if it does not exist, ValueError for what the model or the tokenizer does not support.
    """
    if str(path_or_name).endswith(".gguf"):
        file = gguf.read(path_or_name)
        tokenizer = text.BytePairs.from_gguf(file.metadata)
        return Pretrained(gguf.load(file, rate, **options), tokenizer, file.metadata.get("tokenizer.chat_template"))
    folder = huggingface.folder(path_or_name)
    if keras_nlp.is_preset(folder):
        files = folder / "assets" / "tokenizer"
        tokenizer = text.BytePairs.from_files(files / "vocabulary.json", files / "merges.txt")
        return Pretrained(keras_nlp.load(folder, rate, **options), tokenizer, None)
    kind = huggingface.config(folder)["model_type"]
    tokenizer = text.BytePairs.from_folder(folder)
    if kind in llama.DEFAULTS:
        return Pretrained(llama.load(folder, rate, **options), tokenizer, template_of(folder))
    if kind != "gpt2":
        known = ", ".join(("gpt2", *llama.DEFAULTS))
        raise ValueError(f"{folder}: model_type must be one of {known}; got {kind!r:.60}")
    return Pretrained(gpt2.load(folder, rate, **options), tokenizer, template_of(folder))


def template_of(folder):
    """The source of the chat template in a folder of Hugging Face's, or None; of several the one named "default"."""
    if (folder / TEMPLATE).is_file():
        return (folder / TEMPLATE).read_text(encoding="utf-8")
    file = folder / "tokenizer_config.json"
    template = json_object(file).get("chat_template") if file.is_file() else None
    if isinstance(template, list):
        template = {one.get("name"): one.get("template") for one in template}.get("default")
    return template if isinstance(template, str) else None


def save(model, tokenizer, folder, template=None):
    """Write model, tokenizer and template in Hugging Face's format.

    Raises ValueError unless it is a GPT in GPT-2's layout, or a Llama, with a BytePairs tokenizer.
    """
    if not isinstance(model, (GPT, Llama)) or not isinstance(tokenizer, text.BytePairs):
        kinds = type(model).__name__, type(tokenizer).__name__
        raise ValueError(
            f"Hugging Face's format is for a GPT or Llama with BytePairs; this is a {' with '.join(kinds)}"
        )
    if isinstance(model, GPT):
        gpt2.save(model, folder, tokenizer.end, tokenizer.end)
    else:
        llama.save(model, folder, tokenizer.start, tokenizer.end)
    tokenizer.save_files(folder)
    if template is not None:
        (Path(folder) / TEMPLATE).write_text(template, encoding="utf-8", newline="\n")
