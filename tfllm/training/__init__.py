"""Training of a keras.Model: recipe, schedules, run folder, exact resume; fine-tuning by names. Independent of tasks.

Submodules are imported on first use.
"""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "recipe": ["Recipe", "optimizer"],
    "schedules": ["Constant", "Cosine", "InverseRoot", "Linear"],
    "averaging": ["LastAverage", "MovingAverage", "average"],
    "validation": ["ValidationScore"],
    "freezing": ["Trained", "freeze", "trained", "unfreeze"],
    "pruning": ["prune"],
    "adapters": ["load_adapter", "lora", "merge", "remove_adapter", "save_adapter"],
    "layer_decay": ["LayerDecayAdam"],
    "lock": ["locked"],
    "run": ["best", "callbacks", "complete", "finished", "resume", "running", "settle", "start"],
})  # fmt: skip
