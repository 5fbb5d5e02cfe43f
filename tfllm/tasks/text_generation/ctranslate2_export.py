"""A task as a folder for CTranslate2: its model, its vocabulary, and its tokenizer as a SavedModel beside.

folder/1: model.bin, config.json and the vocabularies, which CTranslate2 loads; tokenizer, a SavedModel with the
signatures `encode` (texts [B] -> tokens [B, S], "" after the end) and `decode` (tokens [B, L] -> text [B]).
A tokenizer in Hugging Face's format (BytePairs) also has its files there.
"""

import tensorflow as tf

from tfllm.export import saved_model
from tfllm.files import written
from tfllm.interop import ctranslate2_files
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.text_generation.continuation import forbidden_ids
from tfllm.tasks.translator import Translator
from tfllm.text import BytePairs
from tfllm.text.cleaning import replace_invalid
from tfllm.text.word_index import WordIndex


def export(task, folder, weights="float"):
    """Write folder/1, or the next free number, and return its path as a str. weights: "float", float32; or "int8".

    Raises ImportError without the package ctranslate2, and ValueError for other tasks than a Translator with a
    Transformer and a LanguageModel with a GPT, as interop/ctranslate2_files.py does for some options of these.
    """
    if isinstance(task, Translator):
        source, target, never = task.source, task.target, task.writer.codec.forbidden
    elif isinstance(task, LanguageModel):
        source = target = task.tokenizer
        never = forbidden_ids(target)
    else:
        raise ValueError(
            "CTranslate2's format is for a Translator with a Transformer and a LanguageModel with a GPT; "
            f"a {type(task).__name__} is not supported"
        )
    ctranslate2_files.check(task.model)
    ctranslate2_files.imported()
    final = saved_model.next_folder(folder)
    words, end = names(target), target.end
    start, unknown = (words[end if i is None else i] for i in (target.start, target.unknown))
    with written(final) as beside:
        ctranslate2_files.save(task.model, beside, words, start, words[end], unknown, never, names(source), weights)
        saved_model.save(task, beside / "tokenizer", signatures(task, source, target))
        if isinstance(target, BytePairs):
            target.save_files(beside / "tokenizer")
    return str(final)


def names(tokenizer):
    """The tokens as unique str, in the order of their ids: text; or bytes such as <0xE4>."""
    if isinstance(tokenizer, BytePairs):
        return list(tokenizer.vocabulary)
    result = {}  # as an ordered set
    for token in tokenizer.tokens:
        name = token.decode("utf-8", "replace")
        if name.encode() != token or not name.isprintable() or name in result:
            name = "".join(f"<0x{value:02X}>" for value in token)
        while name in result:
            name = f"<{name}>"
        result[name] = None
    return list(result)


def signatures(task, source, target):
    """{"encode", "decode"}: tf.functions between texts and the tokens of `names`."""
    source_names = tf.constant(names(source))
    ids = WordIndex([name.encode() for name in names(target)], 0, -1)

    def encode(texts):
        token_ids = task.prepare(texts)
        return {"tokens": token_ids.with_values(tf.gather(source_names, token_ids.values)).to_tensor("")}

    def decode(tokens):
        token_ids = tf.reshape(ids(tf.reshape(tokens, [-1])), tf.shape(tokens))
        return {"text": replace_invalid(target.decode(tf.where(tokens == "", target.end, token_ids)))}

    inputs = tf.TensorSpec([None], tf.string, name="texts"), tf.TensorSpec([None, None], tf.string, name="tokens")
    return {
        function.__name__: tf.function(function, input_signature=[one], autograph=False)
        for function, one in zip((encode, decode), inputs, strict=True)
    }
