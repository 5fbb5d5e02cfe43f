"""Settings of a task that are changed after it was made: each is checked, effective at once, or refused."""

from tfllm import sizes
from tfllm.saving import parameters


class Changeable:
    """Mixin, listed before a Keras class, whose settings are the constructor's arguments of the same name.

    fixed: settings that determine weights or other parts. Without a new object a change would have no effect, or the
    file could not be loaded: it raises ValueError. Any other value is checked by sizes.py and `check_settings`; if one
    of them raises ValueError, the setting keeps its value.
    """

    fixed: tuple[str, ...] = ()

    def check_settings(self):
        """Raise ValueError for settings that do not fit the model; here a `length` above its limit."""
        most = getattr(getattr(self, "encoder", None) or getattr(self, "model", None), "max_length", None)
        if most is not None and getattr(self, "length", 0) > most:
            raise ValueError(f"length is {self.length} tokens, but the model's limit is {most}")

    def __setattr__(self, name, value):
        kind, own = type(self), vars(self)
        if not own.get("built") or name not in own or name not in parameters(kind):
            return super().__setattr__(name, value)
        before = getattr(self, name)
        if name in self.fixed and plain(value) != plain(before):
            raise ValueError(
                f"{name} of a {kind.__name__} cannot be changed, since it is part of the model: make a new one with "
                f"{name}={value!r:.60}"
            )
        if kind.__module__.startswith("tfllm."):
            sizes.check(kind.__name__, {name: value})
        super().__setattr__(name, value)
        try:
            self.check_settings()
        except ValueError:
            super().__setattr__(name, before)
            raise
        if name == "label_smoothing" and getattr(getattr(self, "loss", None), name, None) == before:
            self.loss.label_smoothing = value  # of the compiled loss; the step is traced again


def plain(value):
    """A list as a tuple."""
    return tuple(value) if isinstance(value, list) else value
