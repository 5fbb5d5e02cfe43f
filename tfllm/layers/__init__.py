"""Keras layers built on `keras.ops` alone: masks, positions, attention, Transformer blocks, recurrence and more."""

from tfllm.layers import masks
from tfllm.layers.attention import MultiHeadAttention, scaled_dot_product_attention
from tfllm.layers.attention_flow import AttentionFlow, Highway
from tfllm.layers.bert_heads import MaskedTokenHead, NextSentenceHead
from tfllm.layers.bidirectional import BidirectionalEncoder
from tfllm.layers.convolution import CausalConvolution, ConvolutionStack, GatedConvolution
from tfllm.layers.decoders.bahdanau import BahdanauCell, BahdanauDecoder
from tfllm.layers.decoders.copying import CopyAttention, Copying, CoverageCell
from tfllm.layers.decoders.luong import InputFeedingCell, InputFeedingDecoder, LuongDecoder
from tfllm.layers.decoders.recurrent_attention import AdditiveAttention, MultiplicativeAttention
from tfllm.layers.gated_blocks import GatedBlock, GatedFeedForward
from tfllm.layers.lora import LowRank
from tfllm.layers.pooling import AttentionWeightedAverage, Pooling
from tfllm.layers.positions import LearnedPositions, SinusoidalPositions
from tfllm.layers.pretrained_embedding import PretrainedEmbedding, replace_embedding
from tfllm.layers.recurrent import Recurrent, RecurrentStack
from tfllm.layers.transformer_blocks import DecoderBlock, EncoderBlock, FeedForward, Residual

__all__ = [
    "AttentionFlow",
    "AttentionWeightedAverage",
    "AdditiveAttention",
    "BahdanauCell",
    "BahdanauDecoder",
    "BidirectionalEncoder",
    "CausalConvolution",
    "ConvolutionStack",
    "CopyAttention",
    "Copying",
    "CoverageCell",
    "DecoderBlock",
    "EncoderBlock",
    "FeedForward",
    "GatedBlock",
    "GatedConvolution",
    "GatedFeedForward",
    "Highway",
    "InputFeedingCell",
    "InputFeedingDecoder",
    "LearnedPositions",
    "LowRank",
    "LuongDecoder",
    "MaskedTokenHead",
    "MultiHeadAttention",
    "MultiplicativeAttention",
    "Pooling",
    "NextSentenceHead",
    "PretrainedEmbedding",
    "Recurrent",
    "RecurrentStack",
    "Residual",
    "SinusoidalPositions",
    "masks",
    "replace_embedding",
    "scaled_dot_product_attention",
]
