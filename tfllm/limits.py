"""Checks before a library reads a file: small files that would fill the memory, and links to other files.

Files of weights are hardly compressed: decompressed they have about the same size.
"""

import contextlib
import gzip
import io
import json
import math
import os
import random
import zipfile
from pathlib import Path

from tfllm.private_api import without_memory

FREE, RATIO = 2**26, 20  # a file may decompress to this many bytes, plus so many times its size
TEXT = 100  # a compressed text may decompress to so many times its size
LAYERS = 1000  # maximum number of layers of a model


def check_unpacked(path: str | Path):
    """Raises ValueError for a zip archive whose members are far larger than itself."""
    with zipfile.ZipFile(path) as archive:
        check_size(path, sum(member.file_size for member in archive.infolist()))


def check_size(path: str | Path, unpacked: int):
    """Raises ValueError if a file would decompress to far more bytes than it has."""
    size = os.stat(path).st_size
    if unpacked > FREE + RATIO * size:
        raise ValueError(f"{path} has {size} bytes and would unpack to {unpacked}, which weights never do")


def most_text(path: str | Path) -> int:
    """The maximum number of bytes of a decompressed text."""
    return FREE + TEXT * os.stat(path).st_size


def check_text(path: str | Path, unpacked: int):
    """Raises ValueError if this many decompressed bytes are too many for a text."""
    if unpacked > most_text(path):
        raise ValueError(f"{path} unpacks to more than {TEXT} times its size, which text never does")


def lines(path: str | Path):
    """The lines of a file as bytes, with line ends; .gz files are decompressed. Raises ValueError as `check_text`."""
    if Path(path).suffix.lower() != ".gz":
        with open(path, "rb") as file:
            yield from file
        return
    unpacked, most = 0, most_text(path)
    with gzip.open(path) as file:
        while line := file.readline(most + 1 - unpacked):
            unpacked += len(line)
            check_text(path, unpacked)
            yield line


def check_h5(path: str | Path, file=None) -> int:
    """The number of elements in an HDF5 file; `file`: the open file, if it is inside `path`.

    Raises ValueError if they would be far larger than the file, or are in another file.
    """
    import h5py

    numbers = unpacked = 0
    with h5py.File(path if file is None else file, "r") as opened:
        groups, seen = [opened], set()
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{path}: {group.name}/{name} is a link, which is not followed")
                part = group[name]
                if (home := h5py.h5o.get_info(part.id).addr) in seen:
                    continue
                seen.add(home)
                if isinstance(part, h5py.Group):
                    groups.append(part)
                elif isinstance(part, h5py.Dataset):
                    if part.external or part.is_virtual or part.dtype.kind == "O":
                        raise ValueError(f"{path}: {part.name} is not an array of numbers in this file")
                    numbers += part.size or 0
                    unpacked += part.nbytes
    check_size(path, unpacked)
    return numbers


def check_keras(path: str | Path):
    """Raises ValueError for a `.keras` archive that would fill the memory when it is loaded.

    Its model is created once without memory for its weights, to count them; this registers the classes that it names.
    """
    import keras

    check_unpacked(path)
    with zipfile.ZipFile(path) as archive:
        if "model.weights.h5" not in archive.namelist():
            return
        size = check_h5(path, io.BytesIO(archive.read("model.weights.h5")))
        config = json.loads(archive.read("config.json"))
    if deep := [number for number in _layers(config) if number > LAYERS]:
        raise ValueError(f"{path}: its config asks for {deep[0]} layers; at most {LAYERS} are supported")
    config.pop("compile_config", None)
    state, needed = random.getstate(), 0
    with contextlib.suppress(Exception), without_memory():  # loading reports other errors
        model = keras.saving.deserialize_keras_object(config)
        needed = sum(math.prod(variable.shape) for variable in model.variables)
    random.setstate(state)
    if needed > 2 * size + FREE // 4:
        raise ValueError(f"{path}: its config asks for {needed} weights, it holds {size}")


def _layers(config):
    """The numbers of layers in a config."""
    parts = [config]
    while parts:
        part = parts.pop()
        for name, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, (dict, list)):
                parts.append(value)
                if name == "layers":
                    yield len(value)
            elif type(value) is int and str(name).endswith("layers"):
                yield value
