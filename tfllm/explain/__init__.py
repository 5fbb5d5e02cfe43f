"""Explanations: token scores of an answer, attention maps, the facts behind an answer, associations of word vectors."""

from tfllm.explain.attention_maps import AttentionMap, attention_map
from tfllm.explain.explanation import Explanation
from tfllm.explain.facts import FactMap, fact_map
from tfllm.explain.faithfulness import Faithfulness, faithfulness
from tfllm.explain.weat import Association, weat
from tfllm.explain.weat_words import WEAT_TESTS

__all__ = [
    "WEAT_TESTS", "Association", "AttentionMap", "Explanation", "FactMap", "Faithfulness", "attention_map",
    "fact_map", "faithfulness", "weat",
]  # fmt: skip
