"""How answers are searched for: one frozen dataclass that generation, export and the command line share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """Beam search; or, with a beam of 1, greedy decoding, or sampling where a temperature is given."""

    beam_width: int = 4  # hypotheses kept alive
    length_penalty: float = 0.6  # alpha of Wu et al. 2016, eq. 14; 0 ranks by log-probability
    temperature: float | None = None  # sample from softmax(logits / temperature)
    top_k: int | None = None  # sample from the k likeliest tokens
    top_p: float | None = None  # sample from the likeliest tokens whose mass reaches p
    seed: int = 0  # of sampling: same seed, same text

    def __post_init__(self):
        if self.beam_width < 1:
            raise ValueError(f"beam_width must be 1 or more, got {self.beam_width}")
        if self.length_penalty < 0:
            raise ValueError(f"length_penalty must be 0 or more, got {self.length_penalty}")
        if self.beam_width > 1 and self.temperature is not None:
            raise ValueError(f"sampling follows one hypothesis: beam_width=1 with a temperature, not {self.beam_width}")
        if self.temperature is None and (self.top_k is not None or self.top_p is not None):
            raise ValueError("top_k and top_p are of sampling: give a temperature, such as 1.0")
