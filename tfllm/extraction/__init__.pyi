from tfllm.extraction.extractive import Lead as Lead
from tfllm.extraction.extractive import TextRank as TextRank
from tfllm.extraction.key_phrases import Keywords as Keywords
from tfllm.extraction.tf_idf import TfIdf as TfIdf
