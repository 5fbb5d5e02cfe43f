"""Files of gensim that would run something, fill the memory or read elsewhere; and what gensim itself makes of them."""

import pickle
import struct

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec, keyedvectors

from tests.vectors.tables import table
from tfllm.vectors import load


class Evil:
    """Makes the folder `place` when it is unpickled."""

    def __init__(self, position):
        self.place = str(position)

    def __reduce__(self):
        return __import__("os").mkdir, (self.place,)


def vectors():
    result = KeyedVectors(2)
    result.add_vectors(["a", "b"], np.float32([[1, 2], [3, 4]]))
    return result


def by_scipys(path, position):
    result = vectors()
    result.__dict__["__scipys"] = ["more"]
    path.write_bytes(pickle.dumps(result, 4))
    path.with_name(path.name + ".more.npy").write_bytes(pickle.dumps(Evil(position), 4))


def by_recursion(path, position):
    inner, outer = vectors(), vectors()
    inner.__dict__["__scipys"] = ["more"]
    outer.__dict__ |= {"inner": inner, "__recursive_saveloads": ["inner"]}
    path.write_bytes(pickle.dumps(outer, 4))
    path.with_name(path.name + ".inner.more.npy").write_bytes(pickle.dumps(Evil(position), 4))


def by_a_model(path, position):
    model = Word2Vec(min_count=1, vector_size=2)
    model.wv = vectors()
    model.wv.__dict__["__scipys"] = ["more"]
    model.__dict__["__recursive_saveloads"] = ["wv"]
    path.write_bytes(pickle.dumps(model, 4))
    path.with_name(path.name + ".wv.more.npy").write_bytes(pickle.dumps(Evil(position), 4))


def by_another_folder(path, position):
    result = vectors()
    other = path.parent / "other"
    result.__dict__["__scipys"] = [f"x/../{other.name}/more"]
    path.write_bytes(pickle.dumps(result, 4))
    path.with_name(path.name + ".x").mkdir()
    other.mkdir()
    (other / "more.npy").write_bytes(pickle.dumps(Evil(position), 4))


@pytest.mark.parametrize("make", [by_scipys, by_recursion, by_a_model, by_another_folder])
@pytest.mark.parametrize("options", [{}, {"format": "gensim"}, {"limit": 1}])
def test_no_file_beside_a_pickle_runs_code(tmp_path, make, options):
    path, position = tmp_path / "x.kv", tmp_path / "marker"
    make(path, position)
    with pytest.raises(ValueError, match=r"x\.kv: expected .* in one table, got more files in __(scipys|rec)"):
        load(path, **options)
    assert not position.exists()
    with pytest.raises(Exception):  # noqa: B017  gensim runs it, and falls over what it gives
        KeyedVectors.load(str(path))
    assert position.exists()


@pytest.mark.parametrize("name", ["../vectors", "/etc/vectors", "a/b", "..", "", "__class__", 7, "a\0b"])
def test_arrays_have_plain_names(tmp_path, name):
    result = vectors()
    result.__dict__["__numpys"] = [name]
    (tmp_path / "x.kv").write_bytes(pickle.dumps(result, 4))
    with pytest.raises(ValueError, match=r"x\.kv: expected plain names of arrays in __numpys, got \["):
        load(tmp_path / "x.kv")


def test_arrays_beside_are_arrays_of_numbers(tmp_path):
    path, position = tmp_path / "x.kv", tmp_path / "marker"
    array = tmp_path / "x.kv.vectors.npy"
    vectors().save(str(path), separately=["vectors"])
    whole = array.read_bytes()
    objects = np.empty(1, object)
    objects[0] = Evil(position)
    for write, output in [
        (lambda: np.save(array, objects), "expected an array as gensim writes it"),
        (lambda: array.write_bytes(pickle.dumps(Evil(position), 4)), "expected an array as gensim writes it"),
        (lambda: array.write_bytes(whole[:-3]), "expected an array as gensim writes it"),
        (lambda: array.write_bytes(whole.replace(b"(2, 2)", b"(9**9, 2)"[:6])), "expected an array"),
        (lambda: array.write_bytes(whole.replace(b"(2, 2)", b"(2,-2)")), "expected an array"),
        (lambda: array.write_bytes(b""), "expected an array"),
        (lambda: np.save(array, np.int64([[1, 2], [3, 4]])), "have a fault: .*floating point numbers, got int64"),
        (lambda: np.save(array, np.float32([[1, 2]])), "have a fault: .*a row for each of the 2 words"),
    ]:
        write()
        with pytest.raises(ValueError, match=rf"x\.kv.*{output}"):
            load(path)
    assert not position.exists()
    array.unlink()
    with pytest.raises(FileNotFoundError, match=r"x\.kv: its vectors are in .*x\.kv\.vectors\.npy, which is missing"):
        load(path)


def call(function, *arguments):
    """A pickle of protocol 2 that calls module.name with arguments."""
    module, _, name = function.rpartition(".")
    return b"\x80\x02c%b\n%b\n" % (module.encode(), name.encode()) + pickle.dumps(arguments, 2)[2:-1] + b"R."


BOMBS = {  # few bytes that ask for a terabyte
    "memo": b"\x80\x02Nr" + struct.pack("<I", 2**32 - 1) + b".",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
    "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"N.",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**38) + b"x.",
    "array": call("numpy.core.multiarray._reconstruct", None, (10**12,), b"b"),
    "ndarray": call("numpy.ndarray", (10**12,)),
    "bytearray of a number": call("builtins.bytearray", 10**12),
    "digits": b"\x80\x02L" + b"9" * 10_000 + b"L\n.",
    "dtype": call("numpy.dtype", "V999999999"),
    "nested": b"\x80\x02" + b"(" * 100_000 + b".",
    "nested tuples": b"\x80\x02N" + b"\x85" * 100_000 + b".",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_in_one_line(write, content):
    import tracemalloc

    path = write(content, "x.kv")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"^.*x\.kv: expected word vectors.*$") as result:
            load(path)
        assert "\n" not in str(result.value) and tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def laughing(part, levels=14):
    for _ in range(levels):
        part = type(part)([part] * 9)
    return part


@pytest.mark.parametrize("name", ["__scipys", "__numpys", "index_to_key", "vectors"])
def test_what_holds_itself_many_times_is_not_written_out(tmp_path, name):
    result = vectors()
    result.__dict__[name] = [laughing([]), "a"]
    (tmp_path / "x.kv").write_bytes(pickle.dumps(result, 4))
    with pytest.raises(ValueError, match=r"^.*x\.kv: .{1,300}$"):
        load(tmp_path / "x.kv")


def test_tuples_of_tuples_are_not_hashed(write):
    levels = b"".join(b"0(" + (b"h" + bytes([i])) * 9 + b"tq" + bytes([i + 1]) for i in range(14))
    with pytest.raises(ValueError, match=r"x\.kv: .* a tuple of more than 10000 parts$"):
        load(write(b"\x80\x02}()q\x00" + levels + b"K\x01u.", "x.kv"))


def test_one_file_changes_nothing_for_the_next(write, tmp_path):
    state = b"N}X\x0c\x00\x00\x00__defaults__)s\x86b."
    for name in (b"_codecs\nencode", b"numpy\ndtype", b"gensim.models.keyedvectors\nKeyedVectors"):
        with pytest.raises(ValueError, match=r"x\.kv: .* a state of a (function|type)$"):
            load(write(b"\x80\x02c" + name + b"\n" + state, "x.kv"))
    (tmp_path / "y.kv").write_bytes(pickle.dumps(vectors(), 2))
    assert load(tmp_path / "y.kv").index_to_key == ["a", "b"]


OTHERS = ["posix.system", "builtins.eval", "numpy.load", "numpy.f2py.compile", "importlib.import_module"]


@pytest.mark.parametrize("name", OTHERS)
def test_names_of_others_are_refused(write, name):
    with pytest.raises(ValueError, match=rf"x\.kv: .* a pickle that runs {name}\. If you trust"):
        load(write(call(name, "true"), "x.kv"))


@pytest.mark.parametrize("seed", range(3))
def test_a_pickle_with_changed_bytes_is_read_or_refused_in_one_line(tmp_path, seed):
    generator, path = np.random.default_rng(seed), tmp_path / "x.kv"
    model = FastText([["ab", "b"]], vector_size=2, min_count=1, bucket=5)
    wholes = [pickle.dumps(result, protocol) for result in (vectors(), model.wv, model) for protocol in (2, 4, 5)]
    for number in range(60):
        data = bytearray(wholes[number % len(wholes)])
        for _ in range(int(generator.integers(1, 4))):
            data[generator.integers(2, len(data))] = generator.integers(256)
        path.write_bytes(data[: generator.integers(len(data) // 2, len(data) + 1)])
        try:
            load(path, format="gensim")
        except (ValueError, FileNotFoundError) as error:
            assert "x.kv" in str(error) and "\n" not in str(error), error


class Vocab:
    """As gensim 3 had one for each word."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Table:
    """KeyedVectors of gensim 3, or, with other names, of gensim 0."""


@pytest.mark.parametrize("matrix", ["vectors", "syn0"])
@pytest.mark.parametrize("words", ["index2word", "index2entity"])
def test_files_of_gensim_3_are_read(tmp_path, monkeypatch, matrix, words):
    for kind, name in ((Vocab, "Vocab"), (Table, "Word2VecKeyedVectors")):
        kind.__module__, kind.__qualname__ = keyedvectors.__name__, name
        monkeypatch.setattr(keyedvectors, name, kind)
    old = Table()
    old.__dict__ |= {matrix: np.float32([[1, 2], [3, 4]]), words: ["a", "b"], "vector_size": 2, "vectors_norm": None}
    old.vocab = {"a": Vocab(index=0, count=7), "b": Vocab(index=1, count=5)}
    (tmp_path / "x.kv").write_bytes(pickle.dumps(old, 2))
    monkeypatch.undo()
    result = load(tmp_path / "x.kv")
    assert table(result) == {"a": [1, 2], "b": [3, 4]} == table(KeyedVectors.load(str(tmp_path / "x.kv")))
    assert [result.get_vecattr(word, "count") for word in "ab"] == [7, 5]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_that_gensim_keeps_is_kept(tmp_path, protocol):
    words = [["ab", "b"]] * 2
    for model in (FastText(words, vector_size=3, min_count=1, bucket=7), Word2Vec(words, min_count=1)):
        for saved, separately in ((model, []), (model.wv, []), (model.wv, ["vectors_ngrams", "vectors"])):
            separately = [name for name in separately if hasattr(saved, name)]
            saved.save(str(tmp_path / "x"), separately=separately, pickle_protocol=protocol)
            result = load(tmp_path / "x")
            assert type(result) is type(model.wv) and result.key_to_index == model.wv.key_to_index
            assert result.most_similar("b") == model.wv.most_similar("b")
            assert result.get_vecattr("b", "count") == model.wv.get_vecattr("b", "count")
            if isinstance(model, FastText):
                np.testing.assert_array_equal(result["unseen"], model.wv["unseen"])
            result.save(str(tmp_path / "again"))
            assert load(tmp_path / "again").index_to_key == result.index_to_key
