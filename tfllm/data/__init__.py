"""Raw text -> tf.data of dicts of scalar strings (readers, public sources, cleaning, the built-in corpus)."""

from tfllm.data.dates import dates
from tfllm.data.readers import lines, parallel, table

__all__ = ["dates", "lines", "parallel", "table"]
