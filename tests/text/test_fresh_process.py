"""All tokenizers in one SavedModel: a fresh process with TensorFlow alone gets the same ids and the same texts."""

import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from tests.text import test_byte_pairs, test_tokenizer, test_word_pieces
from tfllm.text import BytePairs

MAKERS = test_tokenizer.MAKERS | {
    "word_pieces": lambda: test_word_pieces.made()[0],
    "byte_pairs": lambda: BytePairs(test_byte_pairs.VOCABULARY, test_byte_pairs.PAIRS),
}
# {name: (texts, what stands behind the ids of a shorter one)}
ASKED = {name: (test_tokenizer.TEXTS, 0) for name in test_tokenizer.MAKERS} | {
    "word_pieces": (test_word_pieces.TEXTS, 0),
    "byte_pairs": (test_byte_pairs.TEXTS, test_byte_pairs.END),
}
CLIENT = """
import sys
for name in ("tensorflow_text", "tfllm", "keras", "keras_nlp", "tokenizers"):
    sys.modules[name] = None
import tensorflow as tf
served, result = tf.saved_model.load(sys.argv[1]), {}
for name, (texts, pad) in eval(sys.argv[2]).items():
    ids = getattr(served, f"encode_{name}")(tf.constant(texts))
    texts = getattr(served, f"decode_{name}")(ids.to_tensor(pad))
    result[name] = ids.to_list(), texts.numpy().tolist()
print(result)
"""


@pytest.fixture(scope="module")
def tokenizers():
    return {name: make() for name, make in MAKERS.items()}


@pytest.fixture(scope="module")
def result(tokenizers, tmp_path_factory):
    """{name: (ids, texts)} that the process prints."""
    folder, archive = tmp_path_factory.mktemp("tokenizers") / "1", keras.export.ExportArchive()
    for name, tokenizer in tokenizers.items():
        archive.track(tokenizer)
        archive.add_endpoint(f"encode_{name}", tokenizer.encode, [tf.TensorSpec([None], tf.string)])
        archive.add_endpoint(f"decode_{name}", tokenizer.decode, [tf.TensorSpec([None, None], tf.int32)])
    archive.write_out(folder, verbose=False)
    command = [sys.executable, "-c", CLIENT, str(folder), repr(ASKED)]
    return eval(subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder.parent).stdout)


@pytest.mark.parametrize("name", MAKERS)
def test_a_fresh_process_with_tensorflow_alone_gets_the_same(name, tokenizers, result):
    ids = tokenizers[name].encode(ASKED[name][0])
    assert result[name] == (ids.to_list(), tokenizers[name].decode(ids).numpy().tolist())
