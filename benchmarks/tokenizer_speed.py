"""Encoding speed of our tokenizers compared with keras-nlp's WordPiece, sentencepiece and Hugging Face `tokenizers`.

    python benchmarks/tokenizer_speed.py [--repeats 5] [--only PART-OF-A-NAME ...]

Each learns 8,000 tokens from the first 24,000 pairs of Multi30k (both languages); then all encode these lines, and the
14,028 others four times, in batches of 512: TensorFlow's in one `tf.data` pipeline, the rest by their own batch call.
Runs are interleaved; the table has medians. All WordPieces get their vocabulary from Hugging Face's trainer
(keras-nlp's own took minutes), and BytePairs, which cannot learn one, has the vocabulary of the last row. CPU seconds
are those of all threads, over both texts. Needs the folder TFLLM_DATA and the peers: pip install tokenizers keras-nlp.
"""

import argparse
import datetime
import gzip
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from machine import machine

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data"))
BATCH = 512
SIZE = 8000


LEARNED = 24_000


def lines(part):
    """English and German lines, alternating."""
    files = [DATA / "multi30k" / "raw" / f"{part}.{language}.gz" for language in ("en", "de")]
    texts = [gzip.open(file, "rt", encoding="utf-8").read().splitlines() for file in files]
    return [line for pair in zip(*texts, strict=True) for line in pair]


def pipeline(encode, texts):
    """One pass over `texts` in tf.data, built once; returns the number of ids."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(texts).batch(BATCH).map(encode, num_parallel_calls=2).prefetch(2)
    return lambda: sum(int(batch.flat_values.shape[0]) for batch in data)


def calls(encode, texts):
    """One pass over `texts` by a library's own batch call."""
    batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
    return lambda: sum(len(ids) for batch in batches for ids in encode(batch))


def ours(train):
    from tfllm.text import Subwords

    return pipeline, Subwords.learn(train, vocab_size=SIZE).encode


def learned_word_pieces(train):
    import tokenizers

    learner = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    learner.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=SIZE, special_tokens=["[UNK]"], show_progress=False)
    learner.train_from_iterator(train, trainer)
    return sorted(learner.get_vocab(), key=learner.get_vocab().get)


def word_piece(train):
    import keras_nlp

    tokenizer = keras_nlp.tokenizers.WordPieceTokenizer(learned_word_pieces(train))
    return pipeline, lambda texts: tokenizer(texts)


def word_pieces(train):
    from tfllm.text import WordPieces
    from tfllm.text.wordpiece.word_piece_files import NAMES

    tokenizer = WordPieces(list(dict.fromkeys([*NAMES, *learned_word_pieces(train)])), lowercase=False)
    return pipeline, tokenizer.encode


def bert_word_pieces(train):
    import tokenizers

    vocabulary = {token: i for i, token in enumerate(learned_word_pieces(train))}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return calls, lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


def sentence_piece(train):
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(train), model_writer=model, vocab_size=SIZE, byte_fallback=True, minloglevel=2,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False,
    )  # fmt: skip
    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return calls, lambda texts: tokenizer.encode(texts, num_threads=2)


def learned_pairs(train):
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=SIZE, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(train, trainer)
    return tokenizer


def byte_pairs(train):
    from tfllm.text import BytePairs

    with tempfile.TemporaryDirectory() as folder:
        learned_pairs(train).save(f"{folder}/tokenizer.json")
        return pipeline, BytePairs.from_folder(folder).encode


def byte_level_bpe(train):
    tokenizer = learned_pairs(train)
    return calls, lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


CONTESTANTS = {
    "tfllm Subwords (tf.data, core ops)": ours,
    "tfllm BytePairs (tf.data, core ops)": byte_pairs,
    "tfllm WordPieces (tf.data, core ops)": word_pieces,
    "keras-nlp WordPiece (tf.data, tensorflow_text)": word_piece,
    "Hugging Face tokenizers WordPiece (Rust)": bert_word_pieces,
    "sentencepiece unigram (C++, 2 threads)": sentence_piece,
    "Hugging Face tokenizers BPE (Rust)": byte_level_bpe,
}


def measure(contestants, repeats):
    everything = lines("train")
    train = everything[: 2 * LEARNED]
    unseen = 4 * (everything[2 * LEARNED :] + lines("val") + lines("test_2016_flickr"))
    rows, passes = {}, {}
    for name, learn in contestants.items():
        started = time.perf_counter()
        way, encode = learn(train)
        learned = time.perf_counter() - started
        passes[name] = [(way(encode, texts), len(texts)) for texts in (train, unseen)]
        rows[name] = [passes[name][1][0]() / len(unseen), learned]  # also warms up
    speeds = {name: ([], [], []) for name in contestants}
    for _ in range(repeats):
        for name, runs in passes.items():
            used = time.process_time()
            for speed, (run, count) in zip(speeds[name], runs, strict=False):
                started = time.perf_counter()
                run()
                speed.append(count / (time.perf_counter() - started))
            speeds[name][2].append((len(train) + len(unseen)) / (time.process_time() - used))
    return {name: [statistics.median(speed) for speed in speeds[name]] + rows[name] for name in contestants}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of those that take part")
    options = parser.parse_args()
    chosen = {name: learn for name, learn in CONTESTANTS.items() if any(part in name for part in options.only)}
    results = measure(chosen, options.repeats)
    print(f"\n{datetime.date.today()}, {machine()}, Python {platform.python_version()}; Multi30k, batches of {BATCH}\n")
    print("| tokenizer | learned text, lines/s | unseen text, lines/s | lines/CPU s | ids a line | learning, s |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (seen, unseen, cpu, ids, learned) in results.items():
        print(f"| {name} | {seen:,.0f} | {unseen:,.0f} | {cpu:,.0f} | {ids:.1f} | {learned:.1f} |")


if __name__ == "__main__":
    main()
