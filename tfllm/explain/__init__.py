"""Explanations: attention maps, the facts behind an answer, and associations of word vectors."""

from tfllm.explain.attention_maps import AttentionMap, attention_map
from tfllm.explain.facts import FactMap, fact_map
from tfllm.explain.weat import Association, weat
from tfllm.explain.weat_words import WEAT_TESTS

__all__ = ["WEAT_TESTS", "Association", "AttentionMap", "FactMap", "attention_map", "fact_map", "weat"]
