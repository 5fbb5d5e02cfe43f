"""What a data report finds in three data sets, and the CPU time that it takes: `python benchmarks/data_reports.py`.

Multi30k (English, German), AESLC (bodies, subjects) and the sentences of SST-2, training and test, in $TFLLM_DATA. CPU
seconds are those of `audit.data_report` alone, of one thread, without imports and reading.
"""

import os
import time
from pathlib import Path

import classification_data
from machine import machine

from tfllm import audit
from tfllm.data.reading.opening import read_lines
from tfllm.data.reading.readers import rows_of

DATA = Path(os.environ.get("TFLLM_DATA", "../shared/data"))


def multi30k(part):
    name = {"train": "train", "test": "test_2016_flickr"}[part]
    return {language: read_lines(DATA / f"multi30k/raw/{name}.{language}.gz") for language in ("en", "de")}


def aeslc(part):
    rows = [row for _, row in rows_of(DATA / f"aeslc/{part}.jsonl.gz", {"body": "body", "subject": "subject"})]
    return dict(zip(("body", "subject"), zip(*rows, strict=True), strict=True))


def sst2(part):
    records = classification_data.sst2(part)
    return {name: [record[name] for record in records] for name in ("text", "label")}


def main():
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}")
    audit.data_report(["a b c", "a b d"])  # imports
    for read in (multi30k, aeslc, sst2):
        train, test = read("train"), read("test")
        start = time.process_time()
        report = audit.data_report(train, test)
        print(f"\n{read.__name__}: {time.process_time() - start:.1f} s of CPU\n{report}", flush=True)


if __name__ == "__main__":
    main()
