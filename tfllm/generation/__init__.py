"""Text generation: one sampling loop, one beam search, and pure functions as choices and rules.

It depends on a step function only, not on a model.
"""

from tfllm.generation.beam import Beams, beam_search, penalty
from tfllm.generation.byte_automata import of_choices, of_pattern
from tfllm.generation.choices import (
    check_sampling,
    greedy,
    keep_min,
    keep_top_k,
    keep_top_mass,
    keep_typical,
    sampling,
)
from tfllm.generation.constraint import Constraint
from tfllm.generation.contrastive import check_contrastive, contrasting, contrastive_search
from tfllm.generation.refusals import contains_any
from tfllm.generation.rules import (
    bad_words,
    forced_tokens,
    max_length,
    min_length,
    no_repeat_ngram,
    of_last_turn,
    repetition_penalty,
    suppressed,
)
from tfllm.generation.sample import Loop, Texts, drawing, sample
from tfllm.generation.script_rule import allowed_scripts
from tfllm.generation.steps import NOT_A_NUMBER, numbers
from tfllm.generation.stops import before_stops, readable, settled, stop_table
from tfllm.generation.stream import stream

__all__ = [
    "Beams", "Constraint", "Loop", "NOT_A_NUMBER", "Texts", "allowed_scripts", "bad_words", "beam_search",
    "before_stops", "check_contrastive", "check_sampling", "contains_any", "contrasting", "contrastive_search",
    "drawing", "forced_tokens", "greedy", "keep_min", "keep_top_k", "keep_top_mass", "keep_typical", "max_length",
    "min_length", "no_repeat_ngram", "numbers", "of_choices", "of_last_turn", "of_pattern", "penalty", "readable",
    "repetition_penalty", "sample", "sampling", "settled", "stop_table", "stream", "suppressed",
]  # fmt: skip
