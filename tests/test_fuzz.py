"""Valid tiny files with bytes changed: each is read, or refused by ValueError or OSError in one line that names it.

Seeded. Left out: whether what is read is right, which the tests of each reader ask.
"""

import gzip
import json
import os
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

import tfllm
from tfllm import config, training
from tfllm.cli.info import about
from tfllm.cli.run_options import options_of
from tfllm.data.reading.opening import iterate_lines
from tfllm.text import BytePairs, WordPieces
from tfllm.text.bytepair.byte_pair_files import letters
from tfllm.text.chinese.dictionaries import read_dictionary
from tfllm.training.averaging import average
from tfllm.vectors import load
from tfllm.vectors.intrinsic import analogies, similarity

VALUES = [0, -1, 10**12, 10**400, "text", None, True, [], {}, [[]], 0.5, "NaN", {"a": 1}, "../x"]


def told_in_one_line(ask, path):
    """Whether it was read."""
    try:
        ask()
        return True
    except (ValueError, OSError) as error:
        assert path.name in str(error), repr(error)
        assert "\n" not in str(error) and len(str(error)) < 1500, str(error)
    return False


def changed_bytes(generator, data):
    data = bytearray(data)
    for _ in range(int(generator.integers(1, 4))):
        data[generator.integers(len(data))] = generator.integers(256)
    if generator.random() < 0.3:
        del data[generator.integers(len(data)) :]
    return bytes(data)


def changed_values(generator, result):
    """A copy of what JSON gives, with one value, somewhere, another."""
    result = json.loads(json.dumps(result))
    position = result
    while True:
        names = list(position) if isinstance(position, dict) else list(range(len(position)))
        name = names[generator.integers(len(names))]
        if isinstance(position[name], (dict, list)) and position[name] and generator.random() < 0.7:
            position = position[name]
            continue
        position[name] = VALUES[generator.integers(len(VALUES))]
        return result


def repacked(path, parts, **changed):
    """A `.keras` file of {member: bytes}."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | changed).items():
            archive.writestr(name, content)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A tiny BERT in a `.keras` file, and its members."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("bert") / "a.keras"
    tfllm.BERT(vocab_size=9, max_length=4, num_layers=1, d_model=4, num_heads=1, dff=4, num_segments=2).save(path)
    with zipfile.ZipFile(path) as archive:
        return path, {name: archive.read(name) for name in archive.namelist()}


READERS = {
    "a.txt": lambda path: load(path, cache=False), "a.bin": lambda path: load(path, cache=False),
    "a.vec.gz": lambda path: load(path, cache=False), "a.yaml": lambda path: config.load(training.Recipe, path),
    "a.keras": tfllm.load_model,
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_changed_bytes(tmp_path, bert, name):
    path, generator = tmp_path / name, np.random.default_rng(7)
    if name == "a.yaml":
        path.write_text(config.dump(training.Recipe()))
    elif name == "a.keras":
        shutil.copy(bert[0], path)
    else:
        tfllm.vectors.save(tfllm.vectors.keyed_vectors(["a", "bc"], np.eye(2, 3)), path)
    whole = path.read_bytes()
    assert told_in_one_line(lambda: READERS[name](path), path)
    for _ in range(8 if name == "a.keras" else 60):
        path.write_bytes(changed_bytes(generator, whole))
        told_in_one_line(lambda: READERS[name](path), path)


def test_changed_configs_of_models(tmp_path, bert):
    path, generator, result = tmp_path / "a.keras", np.random.default_rng(7), json.loads(bert[1]["config.json"])
    for _ in range(12):
        repacked(path, bert[1], **{"config.json": json.dumps(changed_values(generator, result))})
        told_in_one_line(lambda: tfllm.load_model(path), path)


@pytest.mark.parametrize("name", ["vocab_size", "max_length", "d_model", "num_layers", "dff"])
@pytest.mark.parametrize("size", [0, -1, 10**8, 10**30, "9", None, 1.5, [9]])
def test_sizes_of_models(tmp_path, bert, name, size):
    result = json.loads(bert[1]["config.json"])
    if name == "num_layers" and size in (0, -1):
        return  # a BERT without blocks
    result["config"][name] = size
    repacked(tmp_path / "a.keras", bert[1], **{"config.json": json.dumps(result)})
    assert not told_in_one_line(lambda: tfllm.load_model(tmp_path / "a.keras"), tmp_path / "a.keras")


def test_archives_that_would_fill_the_memory(tmp_path, bert):
    path = tmp_path / "a.keras"
    repacked(path, bert[1], more=bytes(2**27))
    with pytest.raises(ValueError, match=r"a\.keras has \d+ bytes and would unpack to"):
        tfllm.load_model(path)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("layers/a", (2**30,), "f4", chunks=(2**20,))  # nothing is stored
    repacked(path, bert[1], **{"model.weights.h5": (tmp_path / "a.h5").read_bytes()})
    with pytest.raises(ValueError, match=r"a\.keras has \d+ bytes and would unpack to 4294967296"):
        tfllm.load_model(path)
    for link in (h5py.ExternalLink("b.h5", "/"), h5py.SoftLink("/layers")):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["layers"] = link
        repacked(path, bert[1], **{"model.weights.h5": (tmp_path / "a.h5").read_bytes()})
        with pytest.raises(ValueError, match=r"a\.keras: //layers is a link"):
            tfllm.load_model(path)


def tokenizers(folder):
    ids = {letter: number for number, letter in enumerate(letters())} | {"ab": 256, "<|endoftext|>": 257}
    end = {"id": 257, "content": "<|endoftext|>", "special": True}
    cut = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    model = {"type": "BPE", "vocab": ids, "merges": ["a b"]}
    files = {"tokenizer.json": {"added_tokens": [end], "pre_tokenizer": cut, "model": model}}
    files["tokenizer_config.json"] = {"eos_token": end["content"], "added_tokens_decoder": {"257": end}}
    yield BytePairs, files, {}
    config = {
        "do_lower_case": True,
        "unk_token": "[UNK]",
        "added_tokens_decoder": {"0": {"content": "[PAD]", "special": True}},
    }
    yield WordPieces, {"tokenizer_config.json": config}, {"vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n"}


def test_changed_files_of_tokenizers(tmp_path):
    generator = np.random.default_rng(7)
    for kind, objects, texts in tokenizers(tmp_path):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text)
        for number in range(12):
            chosen = number % len(objects)
            for i, (name, result) in enumerate(objects.items()):
                result = changed_values(generator, result) if number and i == chosen else result
                (folder / name).write_text(json.dumps(result))
            read = told_in_one_line(lambda kind=kind, folder=folder: kind.from_folder(folder), folder)
            assert read or number


HEADERS = [
    b"9" * 5000 + b" 3\n",
    b"2 " + b"9" * 5000 + b"\n",
    b"2 1000000000000\n",
    b"1000000000000 2\n",
    b"2 999999999999999999\n",
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("format", [None, "binary", "word2vec"])
def test_headers_that_ask_for_more_than_the_file_holds(tmp_path, header, format):
    (tmp_path / "a.bin").write_bytes(header + b"a " + np.float32([1, 2]).tobytes())
    assert not told_in_one_line(lambda: load(tmp_path / "a.bin", format, cache=False), tmp_path / "a.bin")


NESTED = b"".join(b"%c: &%c [%b]\n" % (i, i, b", ".join([b"*%c" % (i - 1)] * 9)) for i in range(98, 120))  # 9^22 times
YAML = [
    b"[" * 5000,
    b"a: " * 5000,
    b"\xff\xfe",
    b"\x00",
    b"epochs: " + b"9" * 5000,
    b"epochs: 2001-99-99",
    b"? [a]\n: b",
    b"a: &a [x, x]\n" + NESTED,
    b"epochs: &a [x, x]\nb: &b [*a, *a]",
    b"!!python/name:os.system a",
]


@pytest.mark.parametrize("content", YAML, ids=range(len(YAML)))
def test_settings_that_are_none(tmp_path, content):
    (tmp_path / "a.yaml").write_bytes(content)
    assert not told_in_one_line(lambda: config.load(training.Recipe, tmp_path / "a.yaml"), tmp_path / "a.yaml")


def test_a_file_that_is_no_run(tmp_path):
    for content in ("[]", "{}", '{"registered_name": []}', "{", "[" * 100_000):
        repacked(tmp_path / "a.keras", {"config.json": content})
        assert not told_in_one_line(lambda: options_of(tmp_path / "a.keras", "Generation"), tmp_path / "a.keras")


def test_old_models_of_fasttext_are_named(tmp_path):
    import struct

    settings = (100, 5, 5, 5, 5, 1, 1, 2, 2_000_000, 3, 6, 100)
    (tmp_path / "a.bin").write_bytes(struct.pack("<12id3iq", *settings, 1e-4, 2, 2, 0, 9) + b"the\0" + bytes(50))
    with pytest.raises(
        ValueError, match=r"a\.bin: .*FastText model in its format of before 2017.*load_facebook_vectors"
    ):
        load(tmp_path / "a.bin")


@pytest.mark.parametrize("name", ["a.txt.gz", "a.csv.gz", "a.dict.gz", "a.pairs.gz"])
def test_packed_texts_that_would_fill_the_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr("tfllm.limits.FREE", 2**12)
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"a" * 2**20))
    read = {
        "txt": lambda: list(iterate_lines(path)), "csv": lambda: tfllm.data.table(path),
        "dict": lambda: read_dictionary(path), "pairs": lambda: similarity({}, path),
    }[name.split(".")[1]]  # fmt: skip
    with pytest.raises(ValueError, match=r"^.*\.gz unpacks to more than 100 times its size, which text never does$"):
        read()


def test_archives_are_not_unpacked_to_be_looked_at(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(2**27))
    os.link(tmp_path / "a.keras", tmp_path / "000001.npz")
    looks = [lambda: options_of(tmp_path / "a.keras", "Generation"), lambda: about(tmp_path / "a.keras")]
    for look in (*looks, lambda: average([tmp_path / "000001.npz"])):
        with pytest.raises(ValueError, match=r"^.*(a\.keras|000001\.npz) has \d+ bytes and would unpack to \d+"):
            look()


def test_weights_of_epochs_of_other_models(tmp_path):
    np.savez(tmp_path / "1.npz", np.ones(2))
    for others in ([np.ones(3)], [np.ones(2), np.ones(2)], [np.array(["x", "y"])]):
        np.savez(tmp_path / "2.npz", *others)
        assert not told_in_one_line(lambda: average([tmp_path / "1.npz", tmp_path / "2.npz"]), tmp_path / "2.npz")


WORDS_SETS = [b"\xff a 1\n", b"", b"\n# a\n", b"x" * 10**6, b"a b 1\nc d\n", "a b 1".encode("utf-16")]


@pytest.mark.parametrize("content", WORDS_SETS, ids=range(len(WORDS_SETS)))
@pytest.mark.parametrize("ask", [similarity, analogies])
def test_sets_of_words_that_are_none(tmp_path, ask, content):
    (tmp_path / "a.txt").write_bytes(content)
    vectors = tfllm.vectors.keyed_vectors(["a", "b"], np.eye(2, 3))
    assert not told_in_one_line(lambda: ask(vectors, tmp_path / "a.txt"), tmp_path / "a.txt")
