"""Raw text -> tf.data datasets of dicts of scalar strings: files, public data sets, built-in corpora; cleaning."""

from tfllm.data.dates import dates
from tfllm.data.paragraphs import python_paragraphs
from tfllm.data.reading.babi_stories import babi
from tfllm.data.reading.dialogues import dialogue, dialogues
from tfllm.data.reading.documents import text
from tfllm.data.reading.filters import clean
from tfllm.data.reading.labelled_texts import labelled, labelled_tfds
from tfllm.data.reading.public_sources import tfds
from tfllm.data.reading.readers import lines, parallel, table
from tfllm.data.reading.squad_files import squad, squad_tfds
from tfllm.data.reading.summaries import summaries
from tfllm.data.reading.trees import sst
from tfllm.data.topics import python_topics

__all__ = [
    "babi", "clean", "dates", "dialogue", "dialogues", "labelled", "labelled_tfds", "lines", "parallel",
    "python_paragraphs", "python_topics", "squad", "squad_tfds", "sst", "summaries", "table", "text", "tfds",
]  # fmt: skip
