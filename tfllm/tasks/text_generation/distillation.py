"""Sequence-level knowledge distillation: a student is trained on what its teacher writes. Kim & Rush 2016, sec. 3.2.

The teacher's distribution over texts is replaced by its mode, which beam search approximates: the loss of the student
is the usual one, with the teacher's answers as targets.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import keras

from tfllm.partial import Part
from tfllm.tasks.text_generation.encoder_decoder import EncoderDecoder

CHUNK = 512  # texts that are sorted by length together, and lost if the process is killed


def distil(teacher: EncoderDecoder, x: Any, path: str | Path, batch_size: int = 32, restart: bool = False,
           verbose: int | str = "auto", **decoding: Any) -> str:  # fmt: skip
    """Write the teacher's answers to the sources as lines of JSON {"source", "target"}, and return the path as a str.

    The file is the training data of a student: `student.fit(data.table(path))`.
    x: sources in any form, or records with "source", such as the teacher's training data. decoding: as in `generate`;
    by default beam_width=5. The file appears when it is complete; a call that was interrupted is continued by the same
    call, except with restart=True. Raises TypeError for other tasks than an encoder-decoder, and ValueError if the
    unfinished file has answers of another teacher, to other sources or by another decoding, and if all answers are
    empty.
    """
    if not isinstance(teacher, EncoderDecoder):
        raise TypeError(f"a teacher is a Translator or a Summarizer; got a {type(teacher).__name__}")
    (column,) = teacher.asked(x)
    sources = [text.decode("utf-8", "replace") for text in column]
    decoding = {"beam_width": 5} | decoding
    what = {"teacher": fingerprint(teacher), "sources": hashed(json.dumps(sources).encode()), "decoding": decoding}
    part = Part(path, what)
    done = part.begin(restart)
    bar = keras.utils.Progbar(len(sources), verbose=int(verbose in ("auto", 1, True)), unit_name="text")
    with open(part.path, "a", encoding="utf-8") as file:
        for start in range(done, len(sources), CHUNK):
            chunk = sources[start : start + CHUNK]
            targets = teacher.generate(chunk, batch_size=batch_size, verbose=0, **decoding)
            pairs = ({"source": source, "target": target} for source, target in zip(chunk, targets, strict=True))
            file.writelines(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
            file.flush()
            bar.update(start + len(chunk))
    with open(part.path, encoding="utf-8") as file:
        if not any(json.loads(line)["target"].strip() for line in file):
            raise ValueError("all answers of the teacher are empty: train it longer")
    part.finish()
    return str(path)


def fingerprint(task):
    """A checksum of the weights of a task."""
    return hashed(*(keras.ops.convert_to_numpy(weight).tobytes() for weight in task.weights))


def hashed(*parts):
    result = hashlib.sha256()
    for part in parts:
        result.update(part)
    return result.hexdigest()
