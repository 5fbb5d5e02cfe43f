"""SavedModels that are made in a moment, without Keras: what services are tested with."""

import numpy as np
import tensorflow as tf

from tfllm.export import manifest
from tfllm.serving.served_model import ServedModel

TEXTS = tf.TensorSpec([None], tf.string, name="texts")

LENGTH, SEED = tf.constant(20), tf.constant(0)  # tensors, so that a SavedModel keeps them as defaults


class Tagger(tf.Module):
    """serving_default: texts, questions -> their lengths, upper case, and words, padded to the longest of the batch.

    sample: like a language model; continues a prompt by "a b c ...", max_length counts characters of the whole.
    """

    @tf.function(input_signature=[TEXTS, tf.TensorSpec([None], tf.string, name="questions")])
    def serving_default(self, texts, questions):
        tf.debugging.assert_none_equal(texts, "refused", message="a text that is refused")
        words = tf.strings.split(texts).to_tensor("")
        return {"text": tf.strings.lower(texts + questions), "length": tf.strings.length(texts), "words": words}

    @tf.function(input_signature=[TEXTS, tf.TensorSpec([], tf.int32, name="max_length"),
                                  tf.TensorSpec([], tf.int32, name="seed")])  # fmt: skip
    def sample(self, texts, max_length=LENGTH, seed=SEED):
        rows = tf.range(tf.size(texts)) + seed
        letters = tf.strings.join([tf.gather(["a", "b", "c"], rows % 3), "lpha be 中文 gamma delta"])
        size = tf.strings.length(texts, "UTF8_CHAR")
        new = tf.maximum(max_length - size, 0)
        text = texts + tf.strings.substr(letters, tf.zeros_like(new), new, "UTF8_CHAR")
        return {"text": text, "max_new_tokens": new}


class Scorer(tf.Module):
    """serving_default: texts -> for each letter of "ab" 0 if a text has it, else -infinity; NaN for an empty text."""

    @tf.function(input_signature=[TEXTS])
    def serving_default(self, texts):
        has = tf.stack([tf.strings.regex_full_match(texts, f".*{letter}.*") for letter in "ab"], 1)
        scores = tf.where(has, 0.0, -np.inf)
        return {"scores": tf.where((texts == "")[:, None], np.nan, scores)}


def written(folder, facts=None, version=1, kind=Tagger):
    """The folder of version `version` of a Tagger or Scorer, with its manifest."""
    module, path = kind(), folder / str(version)
    names = [name for name in ("serving_default", "sample") if hasattr(module, name)]
    tf.saved_model.save(module, str(path), signatures={name: getattr(module, name) for name in names})
    manifest.write(path, kind.__name__, {"writes": "continuation"} if facts is None else facts)
    return path


def loaded(folder):
    return ServedModel(written(folder))
