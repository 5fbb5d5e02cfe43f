"""Raw text -> tf.data of dicts of scalar strings: files, public sources, the built-in corpus; cleaning."""

from tfllm.data.dates import dates
from tfllm.data.filters import clean
from tfllm.data.readers import lines, parallel, table
from tfllm.data.sources import tfds

__all__ = ["clean", "dates", "lines", "parallel", "table", "tfds"]
