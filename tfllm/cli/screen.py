"""The log of tfllm on standard error, without times and tracebacks.

The run's log.txt has both. -q shows warnings only, -v also TensorFlow's log.
"""

import logging
import os
import sys
import warnings

LEVELS = {"-q": logging.WARNING, "--quiet": logging.WARNING, "-v": logging.DEBUG, "--verbose": logging.DEBUG}
log = logging.getLogger("tfllm")


def begin(arguments):
    """Apply -q and -v, and return the other arguments."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    asked = [word for word in arguments[:end] if word in LEVELS]
    warnings.formatwarning = lambda message, *_, **__: f"{message}\n"  # without the line of code
    if not any(type(handler) is Screen for handler in log.handlers):
        log.addHandler(Screen())
    log.setLevel(LEVELS[asked[-1]] if asked else logging.INFO)
    if log.level == logging.DEBUG:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
    else:
        if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0":
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # not even errors: they are raised too
        logging.getLogger("absl").setLevel(logging.ERROR)
    return [word for word in arguments[:end] if word not in LEVELS] + arguments[end:]


def watched():
    """Whether a person watches the progress: in a terminal, without -q."""
    return sys.stdout.isatty() and log.isEnabledFor(logging.INFO)


def device():
    """Log which device is used."""
    from tfllm.startup import device

    log.info("device: %s", device())


class Screen(logging.Handler):
    def emit(self, record):
        for handler in logging.root.handlers:  # some libraries add a handler that would print every message again
            if type(handler).__module__ == "absl.logging" or getattr(handler, "stream", None) is sys.stderr:
                handler.addFilter(not_ours)
        print(record.getMessage(), file=sys.stderr)


def not_ours(record):
    return record.name.split(".")[0] != "tfllm"
