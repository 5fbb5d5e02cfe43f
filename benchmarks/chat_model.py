"""A pretrained chat model from a GGUF file, against transformers: tokens, logits, greedy texts, CPU time of a token.

    python benchmarks/chat_model.py SmolLM2-135M-Instruct.Q4_1.gguf [--tokens 20] [--prompts 20]

Each side runs in a process of its own, with two threads. transformers needs torch, accelerate and gguf.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

PROMPTS = (
    "What is the capital of France?", "Write a haiku about rain.", "Who wrote Hamlet?", "List three colours.",
    "2 + 2 =", "Explain photosynthesis in one sentence.", "Translate to French: good morning", "What is Python?",
    "Give me a recipe for pancakes.", "Why is the sky blue?", "Name a planet.", "What's 10 times 12?",
    "Tell me a joke.", "Who was Ada Lovelace?", "Define entropy.", "How do I boil an egg?",
    "What is the largest ocean?", "Summarize: The cat sat on the mat.", "Is water wet?", "Say hello in Japanese.",
)  # fmt: skip


def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours(file, prompts, tokens):
    import numpy as np

    from tfllm import DialogueGenerator

    start = seconds()
    task = DialogueGenerator.from_pretrained(file)
    loaded = seconds() - start
    texts = [task.text([prompt]) for prompt in prompts]
    ids = task.prepare(texts).to_list()
    logits = task.model(np.array([ids[0]]))[0, -1].numpy().tolist()
    start = seconds()
    replies = task.generate(texts[:1], max_new_tokens=tokens, verbose=0)
    first = seconds() - start
    start = seconds()
    replies += task.generate(texts[1:], max_new_tokens=tokens, batch_size=1, verbose=0)
    used = seconds() - start
    made = sum(len(row) for row in task.tokenizer.encode(replies[1:]).to_list())
    return {"ids": ids, "logits": logits, "replies": replies, "load": loaded, "first": first, "token": used / made}


def transformers(file, prompts, tokens):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(2)
    folder, name = str(Path(file).parent), Path(file).name
    start = seconds()
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    loaded, ids, replies, made = seconds() - start, [], [], 0
    for prompt in prompts:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False
        )
        ids.append(tokenizer(text, add_special_tokens=False)["input_ids"])
    with torch.no_grad():
        logits = model(torch.tensor(ids[:1])).logits[0, -1].tolist()
        for number, row in enumerate(ids):
            start = seconds() if number == 1 else start
            whole = model.generate(torch.tensor([row]), max_new_tokens=tokens, do_sample=False)
            replies.append(tokenizer.decode(whole[0][len(row) :], skip_special_tokens=True))
            made += len(tokenizer(replies[-1])["input_ids"]) if number else 0
    return {"ids": ids, "logits": logits, "replies": replies, "load": loaded, "token": (seconds() - start) / made}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    parser.add_argument("--side", choices=("ours", "transformers"))
    given = parser.parse_args()
    if given.side:
        result = {"ours": ours, "transformers": transformers}[given.side](
            given.file, PROMPTS[: given.prompts], given.tokens
        )
        result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        return print(json.dumps(result))
    sides = {}
    for side in ("ours", "transformers"):
        began = time.time()
        run = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--side", side], capture_output=True, text=True, check=False,
            env=os.environ | {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "1"},
        )  # fmt: skip
        if run.returncode:
            raise SystemExit(f"{side}: {run.stderr[-2000:]}")
        sides[side] = result = json.loads(run.stdout.splitlines()[-1])
        print(f"{side}: loads in {result['load']:.1f} s of CPU, {1000 * result['token']:.0f} ms of CPU for a token, "
              f"peak memory {result['memory']:.0f} MB, {time.time() - began:.0f} s in all")  # fmt: skip
    a, b = sides.values()
    print("first answer, with tracing:", f"{a['first']:.1f} s of CPU")
    print("equal prompts:", sum(x == y for x, y in zip(a["ids"], b["ids"], strict=True)), "of", given.prompts)
    print("largest difference of logits:", max(abs(x - y) for x, y in zip(a["logits"], b["logits"], strict=True)))
    same = [x.strip() == y.strip() for x, y in zip(a["replies"], b["replies"], strict=True)]
    print("equal texts:", sum(same), "of", given.prompts)
    for prompt, x, y, equal in zip(PROMPTS, a["replies"], b["replies"], same, strict=False):
        if not equal:
            print(f"{prompt}\n  ours:         {x!r}\n  transformers: {y!r}")


if __name__ == "__main__":
    main()
