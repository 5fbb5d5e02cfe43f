"""Serving: exported SavedModels answer over HTTP. Needs `tensorflow` and the extra `serve`; loads no Keras."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(
    __name__,
    {
        "app": ["application"],
        "registry": ["Registry"],
        "served_model": ["ServedModel"],
        "server": ["serve"],
        "service": ["Limits", "Service"],
    },
)
