"""Language models on tiny Shakespeare, by characters: `python benchmarks/shakespeare.py [RECIPE/MODEL ...]`.

Recipe `nanogpt` is the CPU configuration of nanoGPT's README (blocks of 64, batches of 12, 2,000 updates, no dropout,
its learning rates and weight decay); the model `gpt` is its model (4 layers, 4 heads, d 128), whose validation loss is
1.88 there, and `peer` is that model in PyTorch (transformers' GPT-2, where torch and transformers are installed).
Recipe `quick` takes the same time: four times the learning rate, decayed to 0, twice the batch, XLA.
The other models have the same number of weights and read the same windows. The loss is in nats per character, over the
whole last tenth of the text in blocks without overlap; nanoGPT's own number is for 20 random batches of it, and the
column next to the loss is the spread of such estimates. The text is expected in $TFLLM_DATA/tinyshakespeare/input.txt.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfllm.models import GPT, BigLanguageModel, LSTMLanguageModel
from tfllm.tasks import LanguageModel
from tfllm.text import Characters

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))


@dataclass(frozen=True)
class Recipe:
    learning_rate: float = 1e-3
    lowest: float = 0.1  # final learning rate, as a share of the highest
    batch: int = 12
    updates: int = 2000
    block: int = 64
    jit_compile: bool = False


RECIPES = {"nanogpt": Recipe(), "quick": Recipe(4e-3, 0.0, 24, 1400, jit_compile=True)}


def gpt(vocab_size, **options):
    return GPT(vocab_size, 64, 4, 128, 4, rate=0.0, use_bias=False, **options)


MODELS = {
    "gpt": gpt,
    "rotary gpt": lambda v: gpt(v, positions="rotary"),
    "lstm": lambda v: LSTMLanguageModel(v, 128, 234, num_layers=2),
    "big rnn": lambda v: BigLanguageModel(v, 128, 204, 2, "rnn", num_heads=4, rate=0.0),
    "big cnn": lambda v: BigLanguageModel(v, 128, 152, 4, "cnn", num_heads=4, rate=0.0),
}
RUNS = ["nanogpt/gpt", "quick/rotary gpt", *(f"{r}/{m}" for r in RECIPES for m in ("lstm", "big rnn", "big cnn"))]


def adamw(recipe):
    """nanoGPT's: warm-up over 100 updates, then a cosine; no weight decay for vectors."""
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, recipe.updates - 100, alpha=recipe.lowest, warmup_target=recipe.learning_rate, warmup_steps=100
    )
    optimizer = keras.optimizers.AdamW(rates, beta_2=0.99, weight_decay=0.1, global_clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def windows(ids, starts, block):
    """starts [..., B] -> (inputs, targets, weights), each [..., B, block]: what follows each start."""
    both = ids[starts[..., None] + np.arange(block + 1)]
    return both[..., :-1], both[..., 1:], np.ones(both[..., 1:].shape, "float32")


class Timed:
    """Wall-clock seconds and core seconds of a block."""

    def __enter__(self):
        self.seconds, self.worked = -time.perf_counter(), -time.process_time()
        return self

    def __exit__(self, *error):
        self.seconds, self.worked = self.seconds + time.perf_counter(), self.worked + time.process_time()


def ours(make, recipe, train, valid, tokenizer):
    """-> (weights, time of training, loss of each block of the validation text)."""
    task = LanguageModel(make(tokenizer.vocab_size), tokenizer)
    task.compile(adamw(recipe), jit_compile=recipe.jit_compile and not isinstance(task.model, LSTMLanguageModel))
    with Timed() as timed:
        task.fit(tf.data.Dataset.from_tensor_slices(train), epochs=1, verbose=2)
    losses = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(targets, task(inputs)).numpy().mean(axis=1)
        for inputs, targets, _ in tf.data.Dataset.from_tensor_slices(valid).batch(256)
    ]
    return task.model.count_params(), timed, np.concatenate(losses)


def peer(recipe, train, valid, tokenizer):
    """nanoGPT's model and updates in PyTorch; with biases, which nanoGPT omits."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import GPT2Config, GPT2LMHeadModel

    def losses_of(inputs, targets, reduction):
        logits = model(torch.tensor(inputs, dtype=torch.long)).logits.transpose(1, 2)
        return cross_entropy(logits, torch.tensor(targets, dtype=torch.long), reduction=reduction)

    torch.manual_seed(1)
    sizes = {"vocab_size": tokenizer.vocab_size, "n_positions": 64, "n_embd": 128, "n_layer": 4, "n_head": 4}
    model = GPT2LMHeadModel(GPT2Config(**sizes, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0))
    decayed = [{"params": [w for w in model.parameters() if w.dim() > 1], "weight_decay": 0.1},
               {"params": [w for w in model.parameters() if w.dim() == 1], "weight_decay": 0.0}]  # fmt: skip
    optimizer, rates = torch.optim.AdamW(decayed, betas=(0.9, 0.99)), adamw(recipe)._learning_rate
    with Timed() as timed:
        for i, (inputs, targets, _) in enumerate(zip(*train, strict=True)):
            for group in optimizer.param_groups:
                group["lr"] = float(rates(i))
            optimizer.zero_grad()
            losses_of(inputs, targets, "mean").backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    with torch.no_grad():
        parts = [losses_of(*(part[i : i + 256] for part in valid[:2]), "none") for i in range(0, len(valid[0]), 256)]
    return sum(w.numel() for w in model.parameters()), timed, torch.cat(parts).mean(dim=1).numpy()


def run(name, train, valid, tokenizer):
    recipe, model = RECIPES[name.partition("/")[0]], name.partition("/")[2]
    keras.utils.set_random_seed(1)
    starts = np.random.default_rng(1).integers(0, len(train) - recipe.block, (recipe.updates, recipe.batch))
    blocks = np.arange(0, len(valid) - recipe.block, recipe.block)
    data = windows(train, starts, recipe.block), windows(valid, blocks, recipe.block), tokenizer
    weights, timed, losses = peer(recipe, *data) if model == "peer" else ours(MODELS[model], recipe, *data)
    estimates = np.random.default_rng(1).choice(losses, (1000, 240)).mean(axis=1)  # nanoGPT's: 20 batches of 12
    print(f"{name:18} {weights:8,} weights  {recipe.updates * recipe.batch * recipe.block:,} characters  "
          f"{timed.seconds:4.0f} s, {timed.worked:4.0f} of a core  validation loss {losses.mean():.4f}, "
          f"of 20 batches +-{estimates.std():.3f}", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=RUNS, metavar="RECIPE/MODEL",
                        help=f"recipes {', '.join(RECIPES)}; models {', '.join(MODELS)}, peer")  # fmt: skip
    options = parser.parse_args()
    text = (DATA / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    tokenizer = Characters.learn([text])
    ids = tokenizer.encode([text])[0].numpy()
    cut = int(0.9 * len(ids))
    for name in options.names:
        run(name, ids[:cut], ids[cut:], tokenizer)


if __name__ == "__main__":
    main()
