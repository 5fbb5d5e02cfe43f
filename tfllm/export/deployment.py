"""What an operator needs beside a SavedModel: files for TensorFlow Serving, Compose, Kubernetes, KServe; clients.

The files are made of the templates in the folder `templates` (string.Template) and of the manifest.
"""

import json
import re
import shlex
from pathlib import Path
from string import Template
from urllib.parse import quote

from tfllm.export import manifest
from tfllm.export.versions import versions_of
from tfllm.files import written

PLACE = "deploy"
TEMPLATES = Path(__file__).with_name("templates")
MEBIBYTE = 1 << 20
RUNTIME = 1024  # MiB that a server needs beside the weights


def write_deployment(folder, name=None):
    """Write what is missing of folder/deploy for the newest version in `folder`, and return the new paths.

    name: of the model; default: that of the folder. Files that exist are kept, as their owner may have changed them.
    Raises FileNotFoundError if `folder` has no version, ValueError if the version has no manifest.
    """
    folder = Path(folder)
    versions = versions_of(folder)
    if not versions:
        raise FileNotFoundError(f"{folder} has no 1/saved_model.pb, which `export` writes")
    path = folder / str(versions[-1])
    about = manifest.read(path)
    if not about:
        raise ValueError(f"{path} has no {manifest.PLACE}, which `export` writes")
    values, result = values_of(about, path, name or folder.resolve().name), []
    for template in sorted(TEMPLATES.iterdir()):
        target = folder / PLACE / (template.stem if template.name.endswith(".py.txt") else template.name)
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            with written(target) as beside:
                beside.write_text(Template(template.read_text("utf-8")).substitute(values), "utf-8")
            result.append(target)
    return result


def values_of(about, path, name):
    """{placeholder of the templates: value}."""
    slug = slug_of(name)
    unbatched = [key for key, one in about["signatures"].items() if not is_batched(one)]
    flags = [] if unbatched else [
        "--enable_batching=true", f"--batching_parameters_file=/models/{slug}/{PLACE}/batching_parameters.txt",
    ]  # fmt: skip
    example = about["facts"].get("example", "a text")
    inputs = {key: example for key in texts_of(about["signatures"]["serving_default"])}
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) // MEBIBYTE
    payload = {"signature_name": "serving_default", "inputs": {key: [text] for key, text in inputs.items()}}
    return {
        "name": json.dumps(name, ensure_ascii=False),
        "url_name": quote(name, safe=""),
        "slug": slug,
        "tag": about["versions"]["tensorflow"],
        "batching": f"Batching is off: TensorFlow Serving cannot put together numbers, which {unbatched[0]} takes."
        if unbatched else "Batching is on: texts that arrive within 5 ms are answered together.",
        "flags": "".join(f"\n      - {flag}" for flag in flags),
        "k8s_flags": "".join(f"\n            - {flag}" for flag in flags),
        "inputs": json.dumps(inputs, ensure_ascii=False),
        "payload": shlex.quote(json.dumps(payload, ensure_ascii=False)),
        "memory": RUNTIME + 2 * size,
        "limit": 2 * RUNTIME + 4 * size,
    }  # fmt: skip


def slug_of(name):
    """A name that Kubernetes accepts: lower-case letters, digits and "-", of at most 40 characters (RFC 1123)."""
    return re.sub(r"^[^a-z]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", name.lower()))[:40].rstrip("-") or "model"


def texts_of(signature):
    """The names of the text inputs, the first of them "texts"."""
    found = [name for name, one in signature["inputs"].items() if one["dtype"] == "string" and len(one["shape"]) == 1]
    return sorted(found, key=lambda name: (name != "texts", name))


def is_batched(signature):
    """Whether requests of a signature can be put together: each input and output has rows."""
    return all(one["shape"] for one in (*signature["inputs"].values(), *signature["outputs"].values()))
