"""Rules and choices against Hugging Face's processors, on random logits and random texts."""

import numpy as np
import pytest
import tensorflow as tf

from tfllm import generation

pytestmark = pytest.mark.peers
ROWS, SIZE, LENGTH, END = 20, 300, 40, 3
WORDS = [[7], [5, 9], [9, 9], [1, 2, 3], [4, 5, 9, 9], [11, 3]]

RULES = [
    ("RepetitionPenaltyLogitsProcessor", (1.3,), generation.repetition_penalty(1.3)),
    ("RepetitionPenaltyLogitsProcessor", (0.7,), generation.repetition_penalty(0.7)),
    ("NoRepeatNGramLogitsProcessor", (1,), generation.no_repeat_ngram(1)),
    ("NoRepeatNGramLogitsProcessor", (2,), generation.no_repeat_ngram(2)),
    ("NoRepeatNGramLogitsProcessor", (4,), generation.no_repeat_ngram(4)),
    ("NoBadWordsLogitsProcessor", (WORDS,), generation.bad_words(WORDS)),
    ("MinLengthLogitsProcessor", (8, END), generation.min_length(8)),
    ("MinNewTokensLengthLogitsProcessor", (3, 5, END), generation.min_length(5, after=3)),
    ("ForcedBOSTokenLogitsProcessor", (6,), generation.forced_tokens({1: 6})),
    ("ForcedEOSTokenLogitsProcessor", (8, END), generation.forced_tokens({7: END})),
    ("SuppressTokensLogitsProcessor", ([5, 250, 8],), generation.suppressed([5, 250, 8])),
]
CHOICES = [
    ("TopKLogitsWarper", (10,), lambda x: generation.keep_top_k(x, 10)),
    ("TopKLogitsWarper", (1000,), lambda x: generation.keep_top_k(x, 1000)),
    ("TopPLogitsWarper", (0.9,), lambda x: generation.keep_top_mass(x, 0.9)),
    ("TopPLogitsWarper", (0.2,), lambda x: generation.keep_top_mass(x, 0.2)),
    ("MinPLogitsWarper", (0.05,), lambda x: generation.keep_min(x, 0.05)),
    ("MinPLogitsWarper", (0.9,), lambda x: generation.keep_min(x, 0.9)),
    ("TypicalLogitsWarper", (0.9,), lambda x: generation.keep_typical(x, 0.9)),
    ("TypicalLogitsWarper", (0.2,), lambda x: generation.keep_typical(x, 0.2)),
]


def theirs(name, arguments, ids, logits):
    torch = pytest.importorskip("torch")
    processor = getattr(pytest.importorskip("transformers.generation.logits_process"), name)(*arguments)
    return processor(torch.tensor(ids, dtype=torch.long), torch.tensor(logits)).numpy()


def random_logits(seed, spread):
    return np.random.default_rng(seed).normal(0, spread, (ROWS, SIZE)).astype("float32")


@pytest.mark.parametrize(("name", "arguments", "rule"), RULES)
def test_rules_are_hugging_faces(name, arguments, rule):
    """At many positions; 12 ids, or 3, repeat often. The tokens after the position differ, and must not matter."""
    ids, changes = np.random.default_rng(1).integers(0, 12, (ROWS, LENGTH)), 0
    ids[::2] %= 3
    for position in (1, 2, 3, 4, 7, 8, 9, 20, 40):
        logits = random_logits(position, 3.0)
        expected = theirs(name, arguments, ids[:, :position], logits)
        result = rule(tf.constant(logits), tf.constant(ids, tf.int32), tf.constant(position)).numpy()
        np.testing.assert_allclose(result, expected, rtol=1e-6)
        changes += (expected != logits).sum()
    assert changes


@pytest.mark.parametrize("spread", [0.3, 2.0, 9.0])
@pytest.mark.parametrize(("name", "arguments", "keep"), CHOICES)
def test_choices_are_hugging_faces(name, arguments, keep, spread):
    logits = random_logits(5, spread)
    expected = theirs(name, arguments, np.zeros((ROWS, 1)), logits)
    np.testing.assert_array_equal(keep(tf.constant(logits)).numpy(), expected)


def test_the_order_is_hugging_faces():
    """One draw's law through all of theirs, in the order of their `generate`, against frequencies of `sampling`."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    limits = {"temperature": 1.5, "top_k": 7, "top_p": 0.8, "min_p": 0.25, "typical_p": 0.9}
    logits = np.random.default_rng(8).normal(0, 1.5, (1, 30)).astype("float32")
    config = transformers.GenerationConfig(do_sample=True, **limits)
    config._eos_token_tensor = None
    small = transformers.GPT2Config(vocab_size=30, n_positions=8, n_embd=4, n_layer=1, n_head=1)
    their = transformers.GPT2LMHeadModel(small)._get_logits_processor(config, logits_processor=[])
    assert len(their) == 5
    law = their(torch.zeros((1, 1), dtype=torch.long), torch.tensor(logits)).softmax(-1).numpy()[0]
    counts = np.bincount(generation.sampling(4, **limits)(tf.repeat(logits, 40_000, 0), 1).numpy(), minlength=30)
    assert set(np.flatnonzero(counts)) == set(np.flatnonzero(law)) and len(np.flatnonzero(law)) > 2
    np.testing.assert_allclose(counts / counts.sum(), law, atol=0.01)


def test_contrastive_search_is_hugging_faces():
    """Their GPT-2 in our loop, reread for each token. Version 5 of their library removed the search."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    if not hasattr(transformers.GPT2LMHeadModel, "_contrastive_search"):
        pytest.skip("this transformers has no contrastive search of its own")
    size = {"vocab_size": 60, "n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.5}
    torch.manual_seed(1)
    gpt = transformers.GPT2LMHeadModel(transformers.GPT2Config(**size)).eval()

    def features(token_ids, seen, position):
        end = position + token_ids.shape[1]
        seen = np.concatenate([seen[:, :position], token_ids, seen[:, end:]], axis=1)
        with torch.no_grad():
            x = gpt.transformer(torch.tensor(seen, dtype=torch.long))[0]
        return tf.constant(x.numpy()[:, position:end]), tf.constant(seen)

    def logits(x):
        return tf.constant(gpt.lm_head(torch.tensor(x.numpy())).detach().numpy())

    prompt, given = np.zeros((1, 24), "int32"), np.arange(24)[None] < 5
    for row in np.random.default_rng(2).integers(4, 60, (6, 5)):
        prompt[0, :5] = row
        output = gpt.generate(
            torch.tensor(prompt[:, :5], dtype=torch.long), attention_mask=torch.ones((1, 5), dtype=torch.long),
            penalty_alpha=0.6, top_k=4, max_length=24, eos_token_id=END, pad_token_id=0,
        )[0].tolist()  # fmt: skip
        state = tf.zeros([1, 24], tf.int32)
        result = generation.contrastive_search(
            features, logits, state, prompt, given, k=4, alpha=0.6, forbidden=(), prefill=5
        )
        assert result.token_ids.numpy()[0, : result.lengths.numpy()[0]].tolist() == output
        assert len(set(output[5:])) > 3
