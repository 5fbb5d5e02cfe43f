"""The readers on real corpora: as many records as their sources say, and the files' own bytes."""

import gzip
import os
from pathlib import Path

import pytest

import tfllm.data

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data"))
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real data, TFLLM_DATA"),
]


@pytest.mark.parametrize("part, pairs", [("train", 29_000), ("val", 1_014), ("test_2016_flickr", 1_000)])
def test_multi30k(part, pairs):
    german, english = (DATA / "multi30k" / "raw" / f"{part}.{language}.gz" for language in ("de", "en"))
    records = tfllm.data.parallel(german, english)
    assert records.cardinality() == pairs
    batches = records.batch(1_000).as_numpy_iterator()
    result = b"".join(text + b"\n" for batch in batches for text in batch["source"])
    assert result == gzip.decompress(german.read_bytes())


@pytest.mark.parametrize(
    "name, columns, count",
    [
        ("debian_desc/summ_en_train.tsv.gz", (3, 2), 7_000),
        ("debian_desc/par_en-zh_train.tsv.gz", (0, 1), 2_264),
        ("aeslc/dev.jsonl.gz", ("body", "subject"), 1_960),
    ],
)
def test_tables(name, columns, count):
    assert tfllm.data.table(DATA / name, columns).cardinality() == count
