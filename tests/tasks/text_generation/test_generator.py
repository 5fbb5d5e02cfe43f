"""Generated texts, against loops that reread every text at each step; and the laws of prompts and limits."""

import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from tests.reference import generation as reference
from tests.tasks.text_generation.fading import fading
from tests.tasks.text_generation.letters import PROMPTS, endless, made
from tests.tasks.text_generation.test_language_model import NoStart
from tfllm.generation import sampling
from tfllm.tasks import Continuation, LanguageModel
from tfllm.text import END, PAD, START, UNKNOWN, Bytes, Words

SILENT = (PAD, UNKNOWN, START)
pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def lm():
    return made()


def forward(lm, ids):
    """Full forward pass -> (features [T, D], logits [V] of the next)."""
    x, _ = lm.model.features(np.array([ids]))
    return np.float64(x)[0], np.float64(lm.model.logits(x))[0, -1]


def read(lm, prompt):
    return lm.prepare([prompt]).to_list()[0]


def expected_text(lm, prompt, ids):
    """The text of prompt and new ids, up to END."""
    ids = list(ids)
    ids = ids[: ids.index(END)] if END in ids else ids
    return prompt + lm.tokenizer.decode([ids]).numpy()[0].decode()


def naive(lm, prompt, limit, pick, penalty=1.0, ngram=None, bad=(), times=1):
    """pick(logits [V], place) -> id, until END or `limit` tokens."""
    ids, new = read(lm, prompt), []
    while len(ids) + len(new) < limit:
        so_far = ids + new
        logits = forward(lm, so_far)[1]
        logits[list(SILENT)] = -np.inf
        logits = reference.repetition_penalty(logits, so_far, penalty)
        logits = logits if ngram is None else reference.no_repeat_ngram(logits, so_far, ngram, times)
        logits = reference.bad_words(logits, so_far, bad) if bad else logits
        new.append(int(pick(logits, len(so_far))))
        if new[-1] == END:
            break
    return expected_text(lm, prompt, new)


def highest(logits, position):
    return np.argmax(logits)


def test_greedy_is_the_loop_that_reads_anew(lm):
    assert lm.generate(PROMPTS, max_length=20) == [naive(lm, prompt, 20, highest) for prompt in PROMPTS]


@pytest.mark.parametrize(
    "options, rules",
    [
        ({"repetition_penalty": 3.0}, {"penalty": 3.0}),
        ({"no_repeat_ngram_size": 2}, {"ngram": 2}),
        ({"no_repeat_ngram_size": 1, "ngram_times": 2}, {"ngram": 1, "times": 2}),
        ({"bad_words": ["df", "g"]}, {"bad": [[7, 9], [12, 7, 9], [10], [12, 10]]}),
    ],
)
def test_rules_are_those_of_the_loop(lm, options, rules):
    result = lm.generate(PROMPTS, max_length=20, **options)
    assert result == [naive(lm, prompt, 20, highest, **rules) for prompt in PROMPTS]
    assert result != lm.generate(PROMPTS, max_length=20)


@pytest.mark.parametrize("cuts", [{}, {"top_k": 3}, {"top_p": 0.7}, {"min_p": 0.2}, {"typical_p": 0.8}])
def test_samples_depend_on_seed_position_and_row(lm, cuts):
    """The row is the number of the text: prompt by prompt, and sample by sample within a prompt."""

    def pick(row):
        choose = sampling(5, 1.5, row=row, **cuts)
        return lambda logits, position: choose(tf.constant(logits[None], tf.float32), position)[0]

    options = {"max_length": 20, "temperature": 1.5, "seed": 5, **cuts}
    result = lm.generate(PROMPTS, num_return_sequences=2, **options)
    expected = [naive(lm, prompt, 20, pick(row)) for row, prompt in enumerate(np.repeat(PROMPTS, 2).tolist())]
    assert sum(result, []) == expected and len(set(expected)) > 4


def test_the_batch_size_changes_nothing(lm):
    options = {"max_length": 16, "temperature": 1.0, "num_return_sequences": 3, "seed": 2}
    result = lm.generate(PROMPTS, **options)
    assert result == lm.generate(PROMPTS, batch_size=1, **options) == lm.generate(PROMPTS, batch_size=3, **options)
    assert (
        result[:2] == lm.generate([PROMPTS[0], PROMPTS[1] + "a"], **options)[:1] + result[1:2]
    )  # nor who stands beside
    assert result != lm.generate(PROMPTS, **options | {"seed": 3})
    one = options | {"num_return_sequences": 1}
    assert lm.generate(PROMPTS[0], **one) == result[0][0]


@pytest.mark.parametrize("n", [1, 3])
def test_beams_are_those_of_the_loop(lm, n):
    result = lm.generate(PROMPTS, num_return_sequences=n, max_length=9, beam_width=3, length_penalty=0.8)
    for prompt, texts in zip(PROMPTS, result, strict=True):
        ids = read(lm, prompt)
        capacity = 9 - len(ids)
        if capacity < 1:
            assert texts == prompt if n == 1 else texts == [prompt] * n
            continue
        beams = reference.beam(lambda new, ids=ids: forward(lm, [*ids, *new])[1], capacity, 3, END, 0.8, n, SILENT)
        expected = [expected_text(lm, prompt, new) for new, _, _ in beams]
        assert texts == (expected if n > 1 else expected[0])


def test_rules_of_beams_see_the_prompt(lm):
    for text in lm.generate(["abc", "abca"], max_length=14, beam_width=3, no_repeat_ngram_size=2):
        pairs = [text[i : i + 2] for i in range(len(text) - 1)]
        assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    "how", [{}, {"temperature": 1.5}, {"beam_width": 2}, {"penalty_alpha": 0.4, "top_k": 3}], ids=len
)
def test_only_allowed_scripts_are_written(how):
    """A tokenizer of bytes: whole characters, of the script alone; without the rule also others, and no text."""
    lm, prompts = LanguageModel(fading(260, 4, width=8), Bytes()), ["ab", "é中"]
    options = {"max_new_tokens": 5 if "beam_width" in how else 12, **how}
    free, texts = lm.generate(prompts, **options), lm.generate(prompts, allowed_scripts="latin", **options)
    new = [text.removeprefix(prompt) for text, prompt in zip(texts, prompts, strict=True)]
    new = "".join(text.removesuffix("\ufffd") for text in new)  # a last character that is cut by the limit
    assert texts != free and len(new) > 5 and "\ufffd" not in new
    letters = [letter for letter in new if unicodedata.category(letter) in ("Ll", "Lo", "Lu")]  # others may be Common
    assert all(unicodedata.name(letter).startswith("LATIN") for letter in letters)


def test_a_refused_prompt_has_a_fixed_answer(lm):
    """In lists and streams; other prompts are answered as without the list. Served: test_language_model_road.py."""
    options = {"max_length": 8, "refused": ["ABC", "h g"], "refusal": "No."}
    prompts = ["abc", "abcd", "b a abc", "h  g", "hg", ""]
    expected = ["No.", "", "No.", "No.", "", ""]
    expected = [answer or free for answer, free in zip(expected, lm.generate(prompts, max_length=8), strict=True)]
    assert lm.generate(prompts, **options) == expected
    assert ["".join(lm.stream(prompt, **options)) for prompt in prompts[:2]] == expected[:2]
    assert lm.generate("abc", n_best=2, beam_width=2, **options) == [("No.", 0.0)] * 2
    assert lm.generate("abc", refused="abc", max_new_tokens=1) == Continuation().refusal
    assert list(lm.stream("abc", **options | {"refusal": ""})) == []


def test_contrastive_search_is_that_of_the_loop(lm):
    result = lm.generate(PROMPTS, max_length=15, penalty_alpha=0.6, top_k=4)
    expected = []
    for prompt in PROMPTS:
        ids = read(lm, prompt)
        output, _ = reference.contrastive(lambda ids: forward(lm, ids), ids, 15, END, 4, 0.6, SILENT)
        expected.append(expected_text(lm, prompt, output[len(ids) :]))
    assert result == expected


def test_prompts_come_back_as_they_were():
    text = Bytes(lowercase=True)
    lm = LanguageModel(fading(260), text)
    assert lm.generate("Ein ÄPFEL\n\t ", max_new_tokens=5).startswith("Ein ÄPFEL\n\t ")
    letters = made()
    assert letters.generate("ab?€", max_length=12).startswith("ab?€")  # unknown to its tokenizer
    words = LanguageModel(fading(7, spread=0.0), Words(["one", "two", "ab@@"], "whitespace", "@@"))
    words.model.to_logits.bias.assign([0, 0, 0, -9, 9, 0, 0])
    assert words.generate("two,  ONE", max_new_tokens=3) == "two,  ONE one one one"
    assert words.generate("two ab@@", max_new_tokens=1) == "two ab@@one"
    served = lm.answer(tf.constant([b"\xff\xe4A"]), Continuation(max_new_tokens=3))["text"].numpy()[0]
    assert served.startswith(b"\xff\xe4A") and served[3:].decode()  # the prompt's bytes, then valid UTF-8


def test_forms_in_and_out(lm):
    assert isinstance(lm.generate("ab"), str) and lm.generate([]) == []
    assert lm.generate(("ab", "")) == [lm.generate("ab"), lm.generate("")]
    assert lm.generate(b"ab") == lm.generate("ab")
    several = lm.generate("ab", num_return_sequences=2, temperature=1.0)
    assert len(several) == 2 and isinstance(several[0], str)
    assert set(lm.answer(tf.constant(["ab"]))) == {"text", "score", "cut", "short", "max_new_tokens"}


def test_the_score_is_the_log_probability_of_the_new_text(lm):
    result = lm.candidates(tf.constant(PROMPTS), 1, Continuation(max_length=20))
    for prompt, text, score in zip(PROMPTS, result["text"].numpy()[:, 0], result["score"].numpy()[:, 0], strict=True):
        new, total, ids = lm.tokenizer.encode([text.decode()[len(prompt) :]]).to_list()[0], 0.0, read(lm, prompt)
        new = new if len(ids) + len(new) == 20 else [*new, END]
        for i in new:
            total += reference.log_softmax(forward(lm, ids)[1])[i]
            ids.append(i)
        np.testing.assert_allclose(score, total, rtol=1e-4)


def lengths(lm, texts):
    return [len(row) for row in lm.prepare(texts).to_list()]


def test_max_length_counts_the_prompt_and_max_new_tokens_does_not(caplog):
    lm = endless()
    assert lengths(lm, lm.generate(PROMPTS, max_length=13)) == [13, 13, 13, 13] and not caplog.text
    assert lengths(lm, lm.generate(PROMPTS, max_new_tokens=7, max_length=3)) == [4 + 7, 1 + 7, 12 + 7, 4 + 7]
    assert not caplog.text
    assert lm.generate(PROMPTS, max_length=4)[2:] == PROMPTS[2:]
    assert "3 of 4 prompts have max_length=4 tokens or more and are not continued: set max_new_tokens" in caplog.text


def test_long_prompts_are_truncated_on_the_left(caplog):
    lm, free = endless(max_length=10), endless()
    long = "abcdefgh" * 3
    result = lm.generate([long, "ab"], max_new_tokens=4)
    assert "1 of 2 prompts were truncated on the left: the model's limit is 10 tokens" in caplog.text
    tail = free.tokenizer.encode([long[-6:]]).to_list()[0]  # no START: the text does not begin here
    for _ in range(4):
        logits = forward(free, tail)[1]
        logits[[*SILENT, END]] = -np.inf
        tail.append(int(logits.argmax()))
    assert result[0] == expected_text(free, long, tail[6:])
    assert result[1] == free.generate("ab", max_new_tokens=4)
    caplog.clear()
    assert len(lm.generate("ab" * 3, max_new_tokens=9)) == 6 + 5  # half of the prompt's room is kept
    assert "1 of 1 prompts were truncated on the left" in caplog.text
    assert "1 of 1 texts end at the model's limit of 10 tokens" in caplog.text


def test_an_empty_prompt_without_start_begins_with_end():
    lm = LanguageModel(fading(260), NoStart())
    ids = [END]
    for _ in range(4):
        ids.append(int(forward(lm, ids)[1].argmax()))
    expected = lm.tokenizer.decode([ids[1:]]).numpy()[0].decode("utf-8", "replace")
    assert END not in ids[1:] and lm.generate("", max_new_tokens=4) == expected


def test_rules_that_are_off_change_nothing(lm):
    """In Python as in the signature `sample`: temperature 0 is greedy, whatever else there is."""
    greedy, drawn = lm.generate(PROMPTS, max_length=20), lm.generate(PROMPTS, max_length=20, temperature=1.0)
    for off in ({"temperature": 0}, {"temperature": 0.0, "top_k": 3, "top_p": 0.5}, {"top_k": 0, "top_p": 1.0}):
        assert lm.generate(PROMPTS, max_length=20, **off) == greedy
    for off in ({"top_k": 0}, {"top_k": 999}, {"top_p": 1}, {"min_p": 0.0, "typical_p": 1.0}):
        assert lm.generate(PROMPTS, max_length=20, temperature=1.0, **off) == drawn
    every = lm.generate(PROMPTS, max_length=12, penalty_alpha=0.6, top_k=13)
    assert lm.generate(PROMPTS, max_length=12, penalty_alpha=0.6, top_k=99) == every  # there are 13 tokens


def test_a_prefix_begins_every_continuation(lm):
    result = lm.generate(PROMPTS, prefix="ba d", max_length=20)
    assert result == [lm.generate(prompt + "ba d", max_length=20) for prompt in PROMPTS]
    assert "".join(lm.stream("abc", prefix="ba d", max_length=20)) == result[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda lm: lm.generate("a", max_length=0), "max_length must be 1 or more, got 0"),
        (lambda lm: lm.generate("a", max_new_tokens=0), "max_new_tokens must be 1 or more, got 0"),
        (lambda lm: lm.generate("a", num_return_sequences=0), "num_return_sequences must be 1 or more"),
        (lambda lm: lm.generate("a", num_return_sequences=2), "one text: for 2 set a temperature, or beam_width=2"),
        (lambda lm: lm.generate("a", num_return_sequences=3, beam_width=2), "set beam_width=3 or more"),
        (lambda lm: lm.generate("a", top_k=3, min_p=0.1), "top_k and min_p need sampling"),
        (lambda lm: lm.generate("a", temperature=1.0, beam_width=2), "beam_width=1"),
        (lambda lm: lm.generate("a", temperature=-1.0), "temperature must be 0 or more, got -1.0"),
        (lambda lm: lm.generate("a", temperature="hot"), "temperature must be a number, 0 or more, got 'hot'"),
        (lambda lm: lm.generate("a", temperature=float("nan")), "temperature must be a number, 0 or more, got nan"),
        (lambda lm: lm.generate("a", temperature=1.0, top_k=-1), "top_k must be 0 or more, got -1"),
        (lambda lm: lm.generate("a", temperature=1.0, top_p=1.5), "top_p must be above 0, 1 at most, got 1.5"),
        (lambda lm: lm.generate("a", repetition_penalty=0), "repetition_penalty must be above 0, got 0"),
        (lambda lm: lm.generate("a", max_length=9.5), "max_length must be a whole number, 1 or more, got 9.5"),
        (lambda lm: lm.generate("a", seed=2**63), "seed must be a whole number, got 9223372036854775808"),
        (lambda lm: lm.generate("a", tempratur=1.0), "Continuation has no 'tempratur'; did you mean 'temperature'?"),
        (lambda lm: next(lm.stream("a", stops="b")), "Continuation has no 'stops'; did you mean 'stop'?"),
        (lambda lm: lm.generate(["a"], batch_size=0), "batch_size must be a whole number, 1 or more, got 0"),
        (lambda lm: lm.generate([], batch_size=-1), "batch_size must be a whole number, 1 or more, got -1"),
        (lambda lm: lm.generate("a", penalty_alpha=0.6, top_k=0), "needs top_k"),
        (lambda lm: lm.generate("a", penalty_alpha=1.6, top_k=2), "penalty_alpha must be 0 or more, 1 at most, got"),
        (lambda lm: lm.generate("a", penalty_alpha=0.6), "needs top_k"),
        (lambda lm: lm.generate("a", penalty_alpha=0.6, top_k=4, temperature=1.0), "neither a temperature"),
        (lambda lm: lm.generate("a", stop=["", "b"]), "stop must be a tuple of strings that are not empty"),
        (lambda lm: lm.generate("a", bad_words=[3]), "bad_words must be a tuple of strings"),
        (lambda lm: lm.generate("a", ngram_times=2), "ngram_times=2 needs no_repeat_ngram_size"),
        (
            lambda lm: lm.generate("a", allowed_scripts=["Latn"]),
            "allowed_scripts has no script 'Latn'; did you mean 'Latin'",
        ),
        (lambda lm: lm.generate("a", refused=["b", " "]), "refused must not have white space alone, got .'b', ' '."),
        (lambda lm: lm.generate("a", refused="b", refusal=3), "refusal must be a string, got 3"),
        (lambda lm: next(lm.stream("a", beam_width=2)), "beam search cannot be streamed"),
    ],
)
def test_errors_name_the_fix(lm, call, message):
    with pytest.raises(ValueError, match=message):
        call(lm)
