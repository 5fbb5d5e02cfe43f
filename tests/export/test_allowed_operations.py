"""The list of allowed operations has all that any tokenizer and any rule of decoding brings into an export."""

import pytest
import tensorflow as tf

from tests.tasks.text_generation.fading import fading
from tests.test_laws import LOSSLESS
from tests.text.test_byte_pairs import PAIRS, VOCABULARY
from tfllm.export.operations import allowed
from tfllm.tasks import Continuation, LanguageModel
from tfllm.text import BytePairs, Bytes, Characters, Segments, WordPieces, Words
from tfllm.text.bytepair.splitting_rules import Rules

TEXTS = ["a b", "Ab, c? 你好"]
EVERYTHING = Rules("gpt4", 3, "NFC", True, ("<think>",))
TOKENIZERS = LOSSLESS | {
    "words": lambda: Words.learn(TEXTS), "characters": lambda: Characters.learn(TEXTS),
    "word pieces": lambda: WordPieces.learn(TEXTS, vocab_size=40), "segments": lambda: Segments.learn(TEXTS),
    "byte pairs of all rules": lambda: BytePairs([*VOCABULARY, "<think>"], PAIRS, rules=EVERYTHING),
}  # fmt: skip
DECODINGS = {
    "every filter": {"temperature": 1.0, "top_k": 3, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.9},
    "every rule": {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "bad_words": ("a b",), "stop": ("c",),
                   "allowed_scripts": ("Latin",), "refused": ("d",), "prefix": "e", "max_new_tokens": 4},
    "beams": {"beam_width": 2}, "contrastive": {"penalty_alpha": 0.5, "top_k": 3},
    "choices": {"choices": ("a", "b")}, "pattern": {"pattern": "[a-c]+"},
}  # fmt: skip


def others(function, *inputs):
    graph = tf.function(function, autograph=False).get_concrete_function(*inputs).graph.as_graph_def()
    nodes = [*graph.node, *(node for one in graph.library.function for node in one.node_def)]
    return {node.op for node in nodes} - allowed() - {one.signature.name for one in graph.library.function}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizers(name):
    tokenizer = TOKENIZERS[name]()
    assert not others(lambda texts: tokenizer.decode(tokenizer.encode(texts)), tf.TensorSpec([None], tf.string))


@pytest.mark.parametrize("name, jit_compile", [(name, jit) for name in DECODINGS for jit in (False, True)
                                               if not (jit and name == "beams")])  # fmt: skip
def test_decodings(name, jit_compile):
    lm, decoding = LanguageModel(fading(260), Bytes(), length=8), Continuation(**DECODINGS[name])
    answer = lambda texts: lm.candidates(texts, 1, decoding, jit_compile)  # noqa: E731
    assert not others(answer, tf.TensorSpec([None], tf.string))
