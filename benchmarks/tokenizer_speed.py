"""Encoding speed of `tfllm.text.Subwords` beside keras-nlp's WordPiece, sentencepiece and Hugging Face `tokenizers`.

    python benchmarks/tokenizer_speed.py [--repeats 5]

Each learns 8,000 pieces from the first 24,000 pairs of Multi30k (both languages); then all encode these lines, and
the 14,028 others four times over, in batches of 512: TensorFlow's in one `tf.data` pipeline, the rest by their own
batch call. Runs are interleaved; the table has medians. WordPiece gets its vocabulary from Hugging Face's trainer
(keras-nlp's own took minutes). Needs the folder TFLLM_DATA and the peers: pip install tokenizers keras-nlp.
"""

import argparse
import datetime
import gzip
import os
import platform
import statistics
import time
from pathlib import Path

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
    """One pass over `texts` in tf.data, built once; the number of ids it gives."""
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


def word_piece(train):
    import keras_nlp
    import tokenizers

    learner = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    learner.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=SIZE, special_tokens=["[UNK]"], show_progress=False)
    learner.train_from_iterator(train, trainer)
    vocabulary = sorted(learner.get_vocab(), key=learner.get_vocab().get)
    tokenizer = keras_nlp.tokenizers.WordPieceTokenizer(vocabulary)
    return pipeline, lambda texts: tokenizer(texts)


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


def byte_level_bpe(train):
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=SIZE, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(train, trainer)
    return calls, lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


CONTESTANTS = {
    "tfllm Subwords (tf.data, core ops)": ours,
    "keras-nlp WordPiece (tf.data, tensorflow_text)": word_piece,
    "sentencepiece unigram (C++, 2 threads)": sentence_piece,
    "Hugging Face tokenizers BPE (Rust)": byte_level_bpe,
}


def measure(repeats):
    everything = lines("train")
    train = everything[: 2 * LEARNED]
    unseen = 4 * (everything[2 * LEARNED :] + lines("val") + lines("test_2016_flickr"))
    rows, passes = {}, {}
    for name, learn in CONTESTANTS.items():
        started = time.perf_counter()
        way, encode = learn(train)
        learned = time.perf_counter() - started
        passes[name] = [(way(encode, texts), len(texts)) for texts in (train, unseen)]
        rows[name] = [learned, passes[name][1][0]() / len(unseen)]  # also warms up
    speeds = {name: ([], []) for name in CONTESTANTS}
    for _ in range(repeats):
        for name, runs in passes.items():
            for speed, (run, count) in zip(speeds[name], runs, strict=True):
                started = time.perf_counter()
                run()
                speed.append(count / (time.perf_counter() - started))
    return {name: rows[name] + [statistics.median(speed) for speed in speeds[name]] for name in CONTESTANTS}


def machine():
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    return f"{os.cpu_count()} cores of {model}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    results = measure(parser.parse_args().repeats)
    print(f"\n{datetime.date.today()}, {machine()}, Python {platform.python_version()}; Multi30k, batches of {BATCH}\n")
    print("| tokenizer | learned text, lines/s | unseen text, lines/s | ids a line (unseen) | learning, s |")
    print("|---|---:|---:|---:|---:|")
    for name, (learned, ids, seen, unseen) in results.items():
        print(f"| {name} | {seen:,.0f} | {unseen:,.0f} | {ids:.1f} | {learned:.1f} |")


if __name__ == "__main__":
    main()
