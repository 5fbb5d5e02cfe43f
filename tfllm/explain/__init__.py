"""Looking into a model: what it attends to."""

from tfllm.explain.attention import AttentionMap, attention_map

__all__ = ["AttentionMap", "attention_map"]
