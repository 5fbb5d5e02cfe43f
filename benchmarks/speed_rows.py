"""The rows of speed.py, and their models and inputs: `python benchmarks/speed_rows.py FOLDER ROW ... [--quick]`.

GPT: 4 layers of width 128, 512 tokens, random weights; 16 tokens are read and 128 generated, none of them END.
Translation: the Transformer-tiny of multi30k.py on its bpe files, 1,000 test sentences in batches of 32 of similar
length. Its weights only have to give sentences of usual length.
"""

import argparse
import importlib.util
import json
from pathlib import Path
from typing import NamedTuple

from speed_training import SIZES as TRAINED
from speed_training import forward_operations, train

READ, NEW, BATCH = 16, 128, 32


class Row(NamedTuple):
    unit: str
    peers: tuple
    same: float = 1.0  # the share of outputs that must be equal
    close: float = 0.0  # largest relative difference of equal outputs, if these are numbers
    texts: int = 0  # decode: number of texts
    beam: int = 1


ENGINES = ("tfllm", "tfllm-xla", "ctranslate2")
TRAINERS = ("tfllm", "tfllm-xla", "torch", "torch-compile")
ROWS = {
    "decode-1": Row("tokens", ENGINES, texts=1),
    "decode-16": Row("tokens", ENGINES, texts=16),
    "translate-greedy": Row("sentences", ENGINES, 0.99),
    "translate-beam": Row("sentences", ENGINES, 0.9, beam=5),  # CTranslate2 ends a search by another rule
    **{name: Row("tokens", TRAINERS, close=1e-3) for name in TRAINED},
    "train-lstm-2x256": Row("tokens", ("tfllm", "torch", "torch-compile"), close=1e-3),
    "train-transformer": Row("tokens", ("tfllm", "torch", "torch-compile"), close=1e-3),  # XLA compiles it for minutes
    "encode": Row("sentences", ("tfllm", "onnxruntime"), close=2e-3),
    "start": Row("answers", ("tfllm", "import")),
}


def decode(folder, quick):
    """A random GPT in the forms that the peers read, and prompts of READ tokens."""
    import numpy as np

    from tfllm import data, tasks
    from tfllm.models import GPTConfig
    from tfllm.tasks.text_generation.decoding import Continuation

    texts = [record["text"].decode() for record in data.python_paragraphs("train").take(200).as_numpy_iterator()]
    sizes = GPTConfig(READ + NEW, *((1, 16, 2) if quick else (4, 128, 4)))
    task = tasks.LanguageModel.from_text(texts, tasks.LanguageModelConfig(vocab_size=512, model=sizes))
    draw = np.random.default_rng(0)
    for weight in task.model.weights:  # large, so that texts are not one token again and again
        scale = 0.1 if len(weight.shape) < 2 else 2 / weight.shape[0 if "kernel" in weight.path else 1] ** 0.5
        weight.assign((weight.name == "gamma") + draw.normal(0, scale, weight.shape))
    away = draw.normal(size=sizes.d_model)  # END is far from all features
    embeddings = task.model.embed.embeddings.numpy()
    embeddings[task.tokenizer.end] = -away
    task.model.embed.embeddings.assign(embeddings)
    task.model.norm.beta.assign(task.model.norm.beta.numpy() + away)
    prompts = [prompt for text in texts if (prompt := beginning(task, text))][:16]
    task.export(folder / "decode", Continuation(max_length=READ + NEW))
    save(folder / "decode.json", task.tokenizer, task.prepare(prompts), prompts)
    if importlib.util.find_spec("ctranslate2"):
        task.export(folder / "decode.ct2", format="ctranslate2")
    size = forward_operations({weight.path: weight.numpy() for weight in task.model.weights}, 0, 1)  # 2 for each weight
    rows = {
        f"decode-{n}": {"amount": n * NEW, "operations": size * n * (READ + NEW), "bytes": 2 * size * NEW}
        for n in (1, 16)
    }
    return rows | {"start": {"amount": 1}}


def beginning(task, text):
    """The beginning of the text that has READ tokens, or None."""
    whole = task.prepare([text])[:, :READ]
    result = task.tokenizer.decode(whole).numpy()[0].decode("utf-8", "ignore")
    ids = task.prepare([result])[0]
    return result if len(ids) == READ else None


def translate(folder, quick, path=None):
    """A Transformer-tiny in the forms that the peers read, and batches of test sentences."""
    import tensorflow as tf

    import tfllm

    task = tfllm.load_model(path) if path else translator(quick)
    sources = test_sentences(quick)
    for name, beam in (("translate-greedy", 1), ("translate-beam", ROWS["translate-beam"].beam)):
        task.export(folder / name, tfllm.tasks.Decoding(beam_width=beam, length_penalty=0.0))
    sources = sorted(sources, key=len)
    ids = tf.concat([task.source.encode(sources), [[task.source.end]] * len(sources)], axis=1)
    save(folder / "translate.json", task.source, ids, sources, task.model.pe_target)
    if importlib.util.find_spec("ctranslate2"):
        task.export(folder / "translate.ct2", format="ctranslate2")
    weights, tokens = {w.path: w.numpy() for w in task.model.weights}, int(ids.shape[0] and ids.flat_values.shape[0])
    return {  # as many target tokens as source tokens
        name: {"amount": len(sources), "operations": forward_operations(weights, tokens, ROWS[name].beam * tokens)}
        for name in ("translate-greedy", "translate-beam")
    }


def translator(quick):
    """A Transformer-tiny, trained on 8,000 pairs for some minutes; quick: a random one of another size."""
    import keras
    import yaml
    from multi30k import HERE, pairs, untrained

    from tfllm import config, tasks, training
    from tfllm.models import TransformerConfig

    keras.utils.set_random_seed(1)
    if quick:
        model = TransformerConfig(1, 16, 2, 16, pe_input=24, pe_target=12, shared="all", pre_norm=False)
        return tasks.Translator.from_text(*QUICK, tasks.TranslatorConfig("words", model=model))
    values = yaml.safe_load((HERE / "multi30k_bpe.yaml").read_text())["translator"]
    train = pairs("bpe", "train").take(8000)
    result = untrained("bpe", train, config.build(tasks.TranslatorConfig, values))
    recipe = training.Recipe(epochs=4, learning_rate=2e-3, warmup=100, beta_2=0.98, clip_norm=1.0)
    result.fit(train, recipe=recipe, epochs=4, verbose=2, batch_tokens=1024)
    return result


QUICK = ["a dog runs .", "the red cat sat", "a cat", "no"], ["runs a dog", "cat", "the cat", "yes no"]


def test_sentences(quick):
    if quick:
        return QUICK[0]
    from multi30k import pairs

    from tfllm.tasks.user_data import strings

    return strings(pairs("bpe", "test"), "source")[0]


def save(path, tokenizer, ids, texts, limit=None):
    """What a peer without tfllm needs: the texts, their tokens, what each token means, the limit of an answer."""
    from tfllm.tasks.text_generation.ctranslate2_export import names

    known = names(tokenizer)
    tokens = [[known[i] for i in row] for row in ids.to_list()]
    meant = dict(zip(known, (token.decode("latin1") for token in tokenizer.tokens), strict=True)) | {known[3]: ""}
    path.write_text(json.dumps({"texts": texts, "tokens": tokens, "meant": meant, "limit": limit}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", nargs="+", choices=ROWS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--translator")
    options = parser.parse_args()
    kinds, amounts = {row.partition("-")[0] for row in options.rows}, {}
    if kinds & {"decode", "start"}:
        amounts |= decode(options.folder, options.quick)
    if "translate" in kinds:
        amounts |= translate(options.folder, options.quick, options.translator)
    if "encode" in kinds:
        from speed_encoder import encode

        amounts |= encode(options.folder, options.quick)
    for row in set(options.rows) & set(TRAINED):
        amounts |= train(options.folder, options.quick, row)
    (options.folder / "amount.json").write_text(json.dumps(amounts))


if __name__ == "__main__":
    main()
