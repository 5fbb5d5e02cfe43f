"""The rule of scripts, against a search for a character that the bytes so far could still become."""

import unicodedata
from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Markov
from tfllm.generation import allowed_scripts, beam_search, sample, sampling
from tfllm.generation.script_rule import canonical
from tfllm.tasks.text_generation.script_names import SCRIPTS

LETTERS = "aé中Д한א😀1, 。̈"
NAMES = {"Latin": "LATIN", "Han": "CJK", "Cyrillic": "CYRILLIC", "Hangul": "HANGUL"}
WHOLE = [letter.encode() for letter in LETTERS]
BYTES = [bytes([byte]) for byte in sorted({byte for letter in WHOLE for byte in letter})]
PARTS = ["é中".encode()[1:3], "中한".encode()[:5], "😀é".encode()[2:5], "ДД".encode(), "a中".encode(), b"a1,"]
SILENT, END = [b"", b"", b"", b""], 3


def fits(letter, scripts):
    """By the name of a letter, which Unicode's property of the script does not come from; of others by the property."""
    if not letter.isalpha():
        return ord(letter) < 0x80 or letter.encode() in known(*scripts)
    return unicodedata.name(letter).split()[0] in [NAMES[script] for script in scripts]


@cache
def known(*scripts):
    """The bytes of every character of the scripts, and of no script."""
    letters = [chr(code).encode() for code in range(0x80, 0x40000) if not 0xD800 <= code < 0xE000]
    of = "".join(rf"\p{{{name}}}" for name in ("Common", "Inherited", *scripts))
    found = tf.strings.regex_full_match(tf.constant(letters), f"[{of}]").numpy()
    return {letter for letter, one in zip(letters, found, strict=True) if one}


@cache
def beginnings(*scripts):
    return {letter[:size] for letter in known(*scripts) for size in (1, 2, 3)}


def expected(text, pieces, scripts):
    """bool [V]: whether all characters of text + piece fit, and an incomplete last one can become one that fits."""
    result = [piece != b"" and possible(text + piece, scripts) for piece in pieces]
    return [one or i == END and (decoded(text) or not any(result)) for i, one in enumerate(result)]


def possible(text, scripts):
    size = next((size for size in range(4) if decoded(text[: len(text) - size])), 4)
    whole, rest = text[: len(text) - size], text[len(text) - size :]
    if not decoded(whole) or rest and rest not in beginnings(*scripts):
        return False
    return all(fits(letter, scripts) for letter in whole.decode())


def decoded(text):
    return text.decode("utf-8", "ignore").encode() == text


@pytest.mark.parametrize("scripts", [["Latin"], ["han"], ["Latin", "Han"], ["CYRILLIC", "Hangul"]])
@pytest.mark.parametrize("pieces", [SILENT + WHOLE, SILENT + BYTES, SILENT + BYTES + PARTS], ids=len)
def test_what_may_follow_a_text_is_what_a_search_finds(pieces, scripts):
    """Texts grow by random tokens that are allowed; every token is tried behind every beginning."""
    draw, rule = np.random.default_rng(1), allowed_scripts(pieces, scripts, END)
    names, inside = [name.capitalize() for name in scripts], 0
    for _ in range(6):
        before = 2 * (len(pieces) == len(SILENT + WHOLE))  # a prompt, which may have other scripts
        ids, text = list(draw.integers(4, len(pieces), before)), b""
        for _ in range(12):
            text = b"".join(pieces[i] for i in ids[before:])
            logits = draw.normal(size=(1, len(pieces) + 2)).astype("float32")
            tokens = tf.constant([[*ids, *[5] * (16 - len(ids))]], tf.int32)
            result = rule(tf.constant(logits), tokens, len(ids)).numpy()[0]
            wanted = np.array([*expected(text, pieces, names), False, False])  # two copies of words of a source
            assert np.array_equal(result, np.where(wanted, logits[0], -np.inf)), (text, pieces)
            if not any(wanted[4:]):
                break
            ids.append(int(draw.choice(np.flatnonzero(wanted[4:])) + 4))
            inside += bool(text) and text.decode("utf-8", "ignore").encode() != text
    assert inside > 3 or len(pieces) == len(SILENT + WHOLE)


def test_a_prompt_may_have_other_scripts():
    pieces, rule = SILENT + BYTES, allowed_scripts(SILENT + BYTES, ["Latin"], END)
    ids = [pieces.index(bytes([byte])) for byte in "Д中".encode()]
    result = rule(tf.zeros([1, len(pieces)]), tf.constant([ids]), len(ids)).numpy()[0]
    assert (result > -1).tolist()[4:] == expected(b"", pieces, ["Latin"])[4:]


@pytest.mark.parametrize("loop", ["sample", "beams"])
def test_the_loops_write_whole_characters_of_the_scripts(loop):
    """Also compiled; no other script, and no byte that is left alone before the end."""
    pieces = SILENT + BYTES + PARTS
    model = Markov(np.random.default_rng(2).normal(0, 2, (len(pieces), len(pieces))))
    rules = (allowed_scripts(pieces, ["Latin", "Han"], END),)

    def run(starts):
        if loop == "beams":
            return beam_search(model.step, model.begin(8), starts, 24, 4, rules=rules, end=END).token_ids[:, 0]
        token_ids = tf.pad(starts[:, None], [[0, 0], [0, 24]])
        given = tf.broadcast_to(tf.range(25) == 0, [2, 25])
        return sample(model.step, model.begin(2), token_ids, given, sampling(1, 2.0), rules=rules, end=END)[0][:, 1:]

    output = run(tf.constant([2, 2])).numpy()
    for compiled in (False, True):
        assert np.array_equal(tf.function(run, autograph=False, jit_compile=compiled)(tf.constant([2, 2])), output)
    for row in output.tolist():
        text = b"".join(pieces[i] for i in row)
        assert len(text) > 3 and all(fits(letter, ["Latin", "Han"]) for letter in text.decode("utf-8", "ignore"))


def test_the_scripts_of_the_options_are_those_of_unicode():
    assert len(canonical(SCRIPTS)) == len(set(SCRIPTS)) and canonical(SCRIPTS) == SCRIPTS


@pytest.mark.parametrize("scripts, message", [([], "name of a script"), (["Latn"], "no script 'Latn': use the names")])
def test_unknown_scripts_are_errors(scripts, message):
    with pytest.raises(ValueError, match=message):
        allowed_scripts(SILENT + WHOLE, scripts)
