"""The libraries that only a service needs."""

import importlib

NAMES = ("fastapi", "starlette", "uvicorn", "prometheus_client")


def require():
    """Raises ImportError, with what to install, if one of the libraries of the extra `serve` is missing."""
    for name in NAMES:
        try:
            importlib.import_module(name)
        except ImportError:
            raise ImportError(f"a service needs {name}: pip install 'tfllm[serve]'") from None
