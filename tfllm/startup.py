"""TensorFlow's settings and output when it is first imported in a process.

oneDNN's kernels are switched on where TensorFlow leaves them off. What TensorFlow's C++ prints to standard error while
it is imported and looks for a GPU (without a GPU it looks like errors) is hidden; all other output is kept.
TF_CPP_MIN_LOG_LEVEL=0 in the environment shows everything.
"""

import importlib.util
import os
import re
import sys
import tempfile
from contextlib import contextmanager

DEFAULTS = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"}  # 2: errors only
NOISE = re.compile(  # a line of TensorFlow's C++ that is not a fatal error, and its related lines
    r"(WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d .*: [IWE] |"
    r"To enable the following instructions:)"
)


def prepare():
    """Set the environment and prepare for the import of TensorFlow; does nothing if it is imported already."""
    if "tensorflow" in sys.modules:
        return
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Imports TensorFlow inside `quiet`, once."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
            return spec
        load = spec.loader.exec_module

        def exec_module(module):
            with quiet():
                load(module)
                module.config.list_physical_devices()  # the search for a GPU also prints

        spec.loader.exec_module = exec_module
        return spec


@contextmanager
def quiet():
    """Context manager: lines of NOISE that C or C++ writes to standard error are hidden.

    All lines are printed if the block fails, since they may say why.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        whole = True
        try:
            yield
            whole = False
        except KeyboardInterrupt:
            whole = False
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines = [line for line in file if whole or not NOISE.match(line.decode("utf-8", "replace"))]
            if lines:
                os.write(2, b"".join(lines))


def device():
    """The device that TensorFlow uses: "GPU (NVIDIA A100)", "CPU (2 cores)"."""
    import tensorflow as tf

    if gpus := tf.config.list_physical_devices("GPU"):
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", "unknown") for gpu in gpus]
        return f"GPU ({', '.join(names)})"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU ({cores} core{'s' if cores != 1 else ''})"
