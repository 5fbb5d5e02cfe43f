"""Public summarization data sets by name -> records {"source", "target"}, from tensorflow-datasets.

cnn_dailymail: news and their highlights (Hermann et al. 2015; See et al. 2017). gigaword: the first sentence of an
article and its headline, lower-cased, digits as #, rare words as UNK (Rush et al. 2015). xsum: news and their first
sentence (Narayan et al. 2018); its files must be downloaded by hand, as tensorflow-datasets explains. aeslc: mails and
their subjects (Zhang & Tetreault 2019).
"""

import tensorflow as tf

from tfllm.data.reading.public_sources import tfds

COLUMNS = {
    "cnn_dailymail": {"source": "article", "target": "highlights"},
    "gigaword": {"source": "document", "target": "summary"},
    "xsum": {"source": "document", "target": "summary"},
    "aeslc": {"source": "email_body", "target": "subject_line"},
}


def summaries(name, split="train", data_dir=None):
    """A split of one of these sets, "train", "validation" or "test" (or "test[:10%]") -> a dataset of records.

    Runs of white space, such as the line breaks between highlights, become one space; records with an empty side are
    skipped. A version or configuration may follow the name: "cnn_dailymail:3.4.0". Raises ValueError for an unknown
    name.
    """
    base = name.partition(":")[0].partition("/")[0]
    if base not in COLUMNS:
        raise ValueError(f"name must be one of {', '.join(COLUMNS)}; got {name!r}. For others use data.tfds")

    def plain(record):
        return {field: tf.strings.strip(tf.strings.regex_replace(text, r"\s+", " ")) for field, text in record.items()}

    def full(record):
        return tf.logical_and(record["source"] != "", record["target"] != "")

    return tfds(name, split, COLUMNS[base], data_dir).map(plain, tf.data.AUTOTUNE).filter(full)
