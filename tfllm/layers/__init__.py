"""Layers on `keras.ops` alone: masks, positions, attention, the blocks of a Transformer."""

from tfllm.layers import masks
from tfllm.layers.attention import MultiHeadAttention, scaled_dot_product_attention
from tfllm.layers.positions import LearnedPositions, SinusoidalPositions
from tfllm.layers.transformer import DecoderBlock, EncoderBlock, FeedForward, Residual

__all__ = [
    "DecoderBlock",
    "EncoderBlock",
    "FeedForward",
    "LearnedPositions",
    "MultiHeadAttention",
    "Residual",
    "SinusoidalPositions",
    "masks",
    "scaled_dot_product_attention",
]
