"""Raw text -> tf.data of dicts of scalar strings: files, public sources, the built-in corpora; cleaning."""

from tfllm.data.babi import babi
from tfllm.data.dates import dates
from tfllm.data.dialogues import dialogue, dialogues
from tfllm.data.documents import text
from tfllm.data.filters import clean
from tfllm.data.labelled import labelled, labelled_tfds
from tfllm.data.paragraphs import python_paragraphs
from tfllm.data.readers import lines, parallel, table
from tfllm.data.sources import tfds
from tfllm.data.squad import squad, squad_tfds
from tfllm.data.summaries import summaries
from tfllm.data.topics import python_topics
from tfllm.data.trees import sst

__all__ = [
    "babi", "clean", "dates", "dialogue", "dialogues", "labelled", "labelled_tfds", "lines", "parallel",
    "python_paragraphs", "python_topics", "squad", "squad_tfds", "sst", "summaries", "table", "text", "tfds",
]  # fmt: skip
