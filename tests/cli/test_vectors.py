"""`tfllm vectors ...` by `main([...])`: what it prints and writes is what the Python functions give."""

import random
import warnings

import numpy as np
import pytest

from tests.cli.test_road import stderr_of
from tfllm import text
from tfllm.cli import main
from tfllm.cli.vectors import terms
from tfllm.explain import WEAT_TESTS, weat
from tfllm.vectors import GloVe, Word2Vec, coverage, load, save
from tfllm.vectors.keyed import keyed_vectors

CORNERS = {"man": (1, 0, 0.1), "woman": (1, 1, 0.1), "king": (1, 0, 2), "queen": (1, 1, 2), "New York": (-1, -1, -1)}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, with v.txt (five words), pairs.txt, questions.txt and corpus.txt."""
    monkeypatch.chdir(tmp_path)
    save(keyed_vectors(list(CORNERS), np.array(list(CORNERS.values()))), "v.txt")
    (tmp_path / "pairs.txt").write_text("man\twoman\t5\nking\tqueen\t9\nman\tqueen\t1\nking\tdog\t3\n")
    (tmp_path / "questions.txt").write_text(": family\nman woman king queen\nking queen man dog\n")
    draw = random.Random(1)
    lines = [" ".join(draw.choices("one two red dog Dog cat".split(), k=6)) for _ in range(60)]
    (tmp_path / "corpus.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def output_of(capsys, line):
    """What a command line, cut at blanks, prints on stdout."""
    main(["vectors", *line.split()])
    return capsys.readouterr().out


SIZES = {"vector_size": 6, "window": 2, "min_count": 2, "epochs": 2, "seed": 3, "workers": 1}


@pytest.mark.parametrize("kind", ["word2vec", "fasttext", "glove"])
def test_train_gives_what_python_gives(kind, here, capsys):
    options = dict(SIZES, tokenizer=text.Words(lowercase=True))
    line = " ".join(f"--{name} {value}" for name, value in SIZES.items())
    more = {"word2vec": {"sg": 1, "negative": 2}, "fasttext": {"bucket": 50, "min_n": 2}, "glove": {"x_max": 7.0}}[kind]
    line += "".join(f" --{name} {value}" for name, value in more.items())
    if kind == "glove":
        pytest.importorskip("numba")
    main_line = f"train --text corpus.txt --out made.kv --kind {kind} --lowercase true {line}"
    assert output_of(capsys, main_line).splitlines()[-1] == "made.kv: 5 words, 6 numbers each"
    lines = (here / "corpus.txt").read_text().splitlines()
    if kind == "glove":
        expected = GloVe(**options, **more).fit(lines, verbose=0).vectors
    else:
        expected = Word2Vec(subwords=kind == "fasttext", **options, **more).fit(lines).vectors
    result = load("made.kv")
    assert result.index_to_key == expected.index_to_key and set(result.index_to_key) == {*"one two red dog cat".split()}
    np.testing.assert_array_equal(result.vectors, expected.vectors)
    assert ("cats" in result) == (kind == "fasttext")  # by its n-grams


def test_convert_and_read_with_options(here, capsys):
    assert "'binary' cannot represent 'New York'" in stderr_of(capsys, *"vectors convert v.txt v.bin".split())
    assert not (here / "v.bin").exists()
    assert output_of(capsys, "convert v.txt v.bin --limit 4") == "v.bin: 4 words, 3 numbers each\n"
    assert load("v.bin").index_to_key == list(CORNERS)[:4]
    output_of(capsys, "convert v.txt plain.txt --to glove")
    assert (here / "plain.txt").read_text().startswith("man 1.0 0.0 0.1\n")
    (here / "plain.txt").write_text("a 1 2\nb 1\nc 3 4\n")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert (
            output_of(capsys, "convert plain.txt two.vec.gz --errors skip") == "two.vec.gz: 2 words, 2 numbers each\n"
        )
    assert "line 2" in str(warned[0].message)
    assert load("two.vec.gz").index_to_key == ["a", "c"]


def test_evaluate_prints_similarity_analogies_and_weat(here, capsys):
    from tfllm.vectors import analogies, similarity

    vectors = load("v.txt")
    printed = output_of(capsys, "evaluate v.txt --similarity pairs.txt pairs.txt --analogies questions.txt")
    line = f"pairs.txt: {similarity(vectors, 'pairs.txt')}\n"
    assert printed == f"{line}{line}{analogies(vectors, 'questions.txt')}\n" and "4 pairs, 1 unknown" in line
    printed = output_of(capsys, "evaluate v.txt --similarity pairs.txt --dummy4unknown true --restrict-vocab 4")
    assert printed == f"pairs.txt: {similarity(vectors, 'pairs.txt', True, 4, True)}\n"
    draw = np.random.default_rng(1)
    words = {word: draw.normal(size=4).astype("float32") for test in WEAT_TESTS for word in sum(test.words, ())}
    save(words, "english.kv")
    printed = output_of(capsys, "evaluate english.kv --weat true").splitlines()
    assert len(printed) == 10 and printed[5] == f"{WEAT_TESTS[5].name}: {weat(words, *WEAT_TESTS[5].words)}"


def test_nearest_of_words_and_sums(here, capsys):
    vectors = load("v.txt")

    def expected(plus, minus=None, topn=10):
        return "".join(f"{word}\t{cosine:.3f}\n" for word, cosine in vectors.most_similar(plus, minus, topn=topn))

    assert output_of(capsys, "nearest v.txt king") == expected(["king"])
    both = f"king\n{expected(['king'], topn=2)}man\n{expected(['man'], topn=2)}"
    assert output_of(capsys, "nearest v.txt king man --topn 2") == both
    answer = expected(["king", "woman"], ["man"], 1)
    assert output_of(capsys, "nearest v.txt king - man + woman --topn 1") == answer and answer.startswith("queen\t")
    main(["vectors", "nearest", "v.txt", "king - man + woman", "New York", "--topn", "1"])
    assert capsys.readouterr().out == f"king - man + woman\n{answer}New York\n{expected(['New York'], topn=1)}"


@pytest.mark.parametrize(
    "written, plus, minus",
    [
        ("king", ["king"], []),
        ("king - man + woman", ["king", "woman"], ["man"]),
        ("a - b - c", ["a"], ["b", "c"]),
        ("well-known", ["well-known"], []),
        ("-", ["-"], []),
        ("- + -", ["-", "-"], []),
        ("New York", ["New York"], []),
        ("a b c", ["a b c"], []),
    ],
)
def test_terms(written, plus, minus):
    assert terms(written) == (plus, minus)


def test_coverage_prints_the_report(here, capsys):
    save(keyed_vectors(["dog", "two", "zebra"], np.eye(3)), "few.txt")
    lines = (here / "corpus.txt").read_text().splitlines()
    expected = coverage(text.Words.learn(lines), "few.txt", lines)
    assert output_of(capsys, "coverage few.txt --text corpus.txt") == f"{expected}\n"
    assert "most frequent missing" in str(expected)
    expected = coverage(text.Characters.learn(lines, vocab_size=8, lowercase=True), "few.txt", lines)
    more = "--tokenizer characters --vocab_size 8 --lowercase true"
    assert output_of(capsys, f"coverage few.txt --text corpus.txt {more}") == f"{expected}\n"


@pytest.mark.parametrize(
    "line, parts",
    [
        ("trian --text F", ["no action 'trian': did you mean 'train'", "train, convert, evaluate, nearest, coverage"]),
        ("train --text corpus.txt", ["no output file: use --out V"]),
        ("train --out made.txt", ["--text F [F ...]"]),
        ("train --text corpus.txt --out made.vectors", ["expected .txt or .vec"]),
        ("train --text corpus.txt --out made.kv.gz", ["--out made.kv.gz: expected"]),
        ("train --text corpus.txt --out no/made.txt", ["there is no folder no"]),
        ("train --text corpus.txt --out made.txt --x_max 3", ["--x_max belongs to glove, not to word2vec"]),
        ("train --text corpus.txt --out made.txt --kind glove --sg 1", ["--sg belongs to word2vec and fasttext"]),
        ("train --text corpus.txt --out made.txt --windw 3", ["no option --windw", "'--window'"]),
        ("train --text corpus.txt --out made.txt --min_count 99", ["min_count=99"]),
        ("train --text corpus.txt --out made.txt --kind bert", ["word2vec, fasttext, glove"]),
        ("convert v.txt", ["expected A B, got v.txt"]),
        ("convert no.txt v.bin", ["no.txt"]),
        ("convert v.txt v.xyz", ["v.xyz", ".bin"]),
        ("convert pairs.txt v.bin --format gensim", ["pairs.txt", "gensim"]),
        ("evaluate v.txt", ["--similarity F"]),
        ("evaluate v.txt --similarity questions.txt", ["questions.txt, line 1"]),
        ("evaluate v.txt --analogys questions.txt", ["no option --analogys", "'--analogies'"]),
        ("nearest v.txt", ["expected V WORD [WORD ...], got v.txt"]),
        ("nearest v.txt king --topn 0", ["--topn must be at least 1; got 0"]),
        ("nearest v.txt King", ["v.txt has no vector for 'King': did you mean 'king'?"]),
        ("nearest v.txt king quen", ["no vector for 'quen': did you mean 'queen'?"]),
        ("nearest v.txt zzzzzz", ["no vector for 'zzzzzz'"]),
        ("coverage v.txt", ["--text F [F ...]"]),
        ("coverage v.txt --text corpus.txt --tokenizer bytes", ["tokenizer"]),
    ],
)
def test_errors_say_what_to_do(line, parts, here, capsys):
    before = sorted(here.iterdir())
    printed = stderr_of(capsys, "vectors", *line.split())
    assert printed.startswith("tfllm vectors: ") and all(part in printed for part in parts), printed
    assert sorted(here.iterdir()) == before


def test_help_lists_actions_and_options(capsys):
    for line in ("", "--help"):
        printed = output_of(capsys, line)
        assert printed.startswith("usage: tfllm vectors ACTION") and "king - man + woman" in printed
    for action, option in [("train", "--window "), ("convert", "--to "), ("evaluate", "--similarity "),
                           ("nearest", "--topn "), ("coverage", "--tokenizer ")]:  # fmt: skip
        printed = output_of(capsys, f"{action} --help")
        assert printed.startswith(f"usage: tfllm vectors {action} ") and option in printed
    assert "--out " in output_of(capsys, "train --help")
