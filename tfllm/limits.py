"""Files that are small and would fill the memory, or that lead elsewhere: told before a library reads them.

A file of weights is hardly packed: what it unpacks to is about its own size.
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

FREE, RATIO = 2**26, 20  # bytes, and times its size, that a file may unpack to
TEXT = 100  # times its size, that a packed text may unpack to
LAYERS = 1000  # of a model


def check_unpacked(path: str | Path):
    """ValueError for a zip archive whose members are far larger than itself."""
    with zipfile.ZipFile(path) as archive:
        check_size(path, sum(member.file_size for member in archive.infolist()))


def check_size(path: str | Path, unpacked: int):
    """ValueError where a file would become so many bytes more than it is."""
    size = os.stat(path).st_size
    if unpacked > FREE + RATIO * size:
        raise ValueError(f"{path} has {size} bytes and would unpack to {unpacked}: no file of weights does so")


def most_text(path: str | Path) -> int:
    """Bytes that a packed text may unpack to."""
    return FREE + TEXT * os.stat(path).st_size


def check_text(path: str | Path, unpacked: int):
    """ValueError where so many bytes were unpacked, and more than a text has."""
    if unpacked > most_text(path):
        raise ValueError(f"{path} unpacks to more than {TEXT} times its size: no text does so")


def lines(path: str | Path):
    """The lines of a file in bytes, with their ends; one that is named .gz is unpacked. ValueError as `check_text`."""
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
    """How many numbers an HDF5 file holds; `file`: it, opened, where it lies within `path`.

    ValueError where they would be far larger than the file, or lie in another one.
    """
    import h5py

    numbers = unpacked = 0
    with h5py.File(path if file is None else file, "r") as opened:
        groups, seen = [opened], set()
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{path}: {group.name}/{name} leads to another place, which is not followed")
                part = group[name]
                if (home := h5py.h5o.get_info(part.id).addr) in seen:
                    continue
                seen.add(home)
                if isinstance(part, h5py.Group):
                    groups.append(part)
                elif isinstance(part, h5py.Dataset):
                    if part.external or part.is_virtual or part.dtype.kind == "O":
                        raise ValueError(f"{path}: {part.name} is no array of numbers in this file")
                    numbers += part.size or 0
                    unpacked += part.nbytes
    check_size(path, unpacked)
    return numbers


def check_keras(path: str | Path):
    """ValueError for a `.keras` archive that would fill the memory when it is loaded.

    Its model is made once without memory for its weights, to count them; the classes that it names are registered.
    """
    import keras

    check_unpacked(path)
    with zipfile.ZipFile(path) as archive:
        if "model.weights.h5" not in archive.namelist():
            return
        held = check_h5(path, io.BytesIO(archive.read("model.weights.h5")))
        config = json.loads(archive.read("config.json"))
    if deep := [number for number in _layers(config) if number > LAYERS]:
        raise ValueError(f"{path}: its config asks for {deep[0]} layers; at most {LAYERS} are made")
    config.pop("compile_config", None)
    state, wanted = random.getstate(), 0
    with contextlib.suppress(Exception), without_memory():  # loading tells faults
        model = keras.saving.deserialize_keras_object(config)
        wanted = sum(math.prod(variable.shape) for variable in model.variables)
    random.setstate(state)
    if wanted > 2 * held + FREE // 4:
        raise ValueError(f"{path}: its config asks for {wanted} weights, it holds {held}")


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
