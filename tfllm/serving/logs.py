"""The log of a service: a line of JSON for each event, on standard error."""

import json
import logging
import sys
import time

log = logging.getLogger("tfllm.serving")


def log_to_stderr():
    handler = logging.StreamHandler(sys.stderr)
    handler.format = event_log
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def event_log(record):
    """A log record as one line of JSON."""
    fields = {"time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)), "event": record.getMessage()}
    fields |= getattr(record, "fields", {})
    if record.exc_info:
        fields["traceback"] = logging.Formatter().formatException(record.exc_info)
    return json.dumps(fields, ensure_ascii=False, default=str)
