"""QuestionAnswering: the targets of a record, a trained reader, n-best answers."""

import logging
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.questions.questions import FILLER, records
from tfllm.evaluation import squad
from tfllm.interop import bert, huggingface
from tfllm.layers import PretrainedEmbedding
from tfllm.models import BERT, BERTConfig, BiDAF, BiDAFConfig, TextRNNConfig
from tfllm.tasks import QuestionAnswering, QuestionAnsweringConfig
from tfllm.tasks.questions.question_records import asked
from tfllm.text import Characters, WordPieces, Words

SMALL = {"length": 32, "question_length": 6, "stride": 10, "answer_length": 4}
TINY_BERT = BERTConfig(32, 1, 32, 2, 64, rate=0.0)
TINY_BIDAF = BiDAFConfig(8, 8, 1, rate=0.0)
LONG = "李雷 met 37 cats in Bonn 🐱 ."
TEXTS = [FILLER * 4 + LONG + " " + FILLER * 3, LONG, "", " \n", "Zoe\u0301 met\t5 cats in Köln on Sunday .", LONG]
QUESTIONS = ["Who met cats ?", "Where ?", "Who ?", "", "When ?", "How many cats were met there by that one man ?"]


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    data = records(240) + records(40, seed=5, filler=1)
    config = QuestionAnsweringConfig("wordpieces", 200, model=TINY_BERT, **SMALL)
    task = QuestionAnswering.from_text(data, config)
    task.compile(keras.optimizers.Adam(4e-3), jit_compile=False)
    task.history_of = task.fit(data, epochs=8, batch_size=24, shapes=1, verbose=0).history
    return task


def scattered(model, tokenizer="words"):
    keras.utils.set_random_seed(2)
    config = QuestionAnsweringConfig(tokenizer, 200, model=model, **SMALL)
    task = QuestionAnswering.from_text(records(20), config)
    draw = np.random.default_rng(3)
    for weight in task.trainable_weights:
        weight.assign(weight + draw.normal(0, 0.5, weight.shape))
    return task


# What the model is fed


def test_what_is_learned_from_a_record():
    """The targets of the window with the answer are both its ends; of all others the first position."""
    task = scattered(TINY_BERT)
    rows = records(2, seed=4, filler=3, impossible=False) + [records(1)[0] | {"answers": [], "starts": []}]
    inputs, result, weights = task.rows(task.records(rows))
    assert weights.to_list() == [[1.0, 1.0]] * len(result.to_list())
    hits, tokens = 0, task.tokenizer.tokens
    for ids, (start, end) in zip(inputs["token_ids"].to_list(), result.to_list(), strict=True):
        if end:
            hits += 1
            output = " ".join(tokens[i].decode() for i in ids[start : end + 1])
            assert output in {" ".join(p.decode() for p in task.tokenizer.pieces(row["answers"][:1]).to_list()[0])
                            for row in rows[:2]}  # fmt: skip
        else:
            assert start == 0
    assert hits >= 2 and len(result.to_list()) > 6
    logits = task(tf.nest.map_structure(lambda part: part.to_tensor(), inputs))
    assert logits.shape[1] == 2 and (logits.numpy()[np.broadcast_to(
        inputs["allowed"].to_tensor().numpy()[:, None] == 0, logits.shape)] < -1e8).all()  # fmt: skip


# A reader that has learned


@pytest.mark.slow
def test_it_answers_new_questions(trained):
    test = records(150, seed=9)
    scores = trained.score(test)
    assert trained.no_answer and scores.exact.value >= 85
    assert {"loss", "start_and_end_accuracy"} == set(trained.history_of)
    result = trained.generate([row["context"] for row in test], [row["question"] for row in test])
    for row, output in zip(test, result, strict=True):
        assert output["text"] == (row["context"][output["start"] : output["end"]] if output["start"] >= 0 else "")
    output = [one["text"] for one in result]
    assert squad(output, [row["answers"] for row in test]).f1.value == pytest.approx(scores.f1.value)
    assert scores.answerable.sum() < 150 and "" in output and any("🐱" in one for one in output)
    evaluated = trained.evaluate(test, verbose=0, return_dict=True)
    assert evaluated["exact"] == scores.exact.value and evaluated["f1"] == scores.f1.value
    assert set(evaluated) == {"loss", "start_and_end_accuracy", "exact", "f1"}
    assert evaluated["start_and_end_accuracy"] > 0.8
    trained.threshold = 1.0
    assert (trained.score(test).exact.value < scores.exact.value) or scores.best_exact.at == 1.0
    assert 1 > trained.choose_threshold(test) == trained.threshold > scores.best_f1.at
    assert trained.score(test).f1.value == pytest.approx(scores.best_f1.score)
    trained.threshold = 0.5


def test_a_long_context_is_read_to_its_end(trained):
    """Eight windows: the answer is found with its characters; n-best, best first."""
    context = TEXTS[0]
    result = trained.generate(context, "Who met cats ?", n_best=4)
    assert result[0]["text"] == "李雷" == context[result[0]["start"] : result[0]["end"]]
    assert [one["score"] for one in result] == sorted((one["score"] for one in result), reverse=True)
    assert len({(one["start"], one["end"]) for one in result}) == 4
    assert trained.windows([context], ["Who met cats ?"]).owner.shape[0] >= 8
    assert trained.generate("cats", "Who ?", n_best=9)[0]["text"] == "cats"  # one part alone: no more are told
    assert len(trained.generate("cats", "Who ?", n_best=9)) == 1


def test_an_answer_does_not_depend_on_its_neighbours(trained):
    together = trained.answer(tf.constant(TEXTS), tf.constant(QUESTIONS))
    for b, (text, question) in enumerate(zip(TEXTS, QUESTIONS, strict=True)):
        alone = trained.answer(tf.constant([text]), tf.constant([question]))
        for name in ("text", "start", "end", "cut"):
            assert alone[name][0].numpy() == together[name][b].numpy()
        for name in ("score", "no_answer"):
            np.testing.assert_allclose(alone[name][0], together[name][b], rtol=1e-3, atol=1e-6)
    assert together["text"].numpy().tolist()[2:4] == [b"", b""] and together["no_answer"].numpy()[2] == 1
    assert together["start"].numpy().tolist()[2:4] == [-1, -1]
    sizes = trained.tokenizer.encode(QUESTIONS).row_lengths().numpy()
    assert together["cut"].numpy().tolist() == np.maximum(sizes - 6, 0).tolist() and sizes.max() > 6


@pytest.mark.parametrize("no_answer", [True, False])
def test_an_empty_context_or_question_has_an_empty_answer(trained, no_answer, monkeypatch):
    monkeypatch.setattr(trained, "no_answer", no_answer)
    columns = [LONG, LONG, "", "\u3000\t"], ["", " \n", "Who ?", "Who met cats ?"]
    nothing = {"text": "", "start": -1, "end": -1, "score": float(no_answer), "no_answer": float(no_answer)}
    answer = trained.answer(*map(tf.constant, columns))  # not traced: what was, knows the other `no_answer`
    assert {name: answer[name].numpy().tolist() for name in nothing} == {
        name: [value.encode() if name == "text" else value] * 4 for name, value in nothing.items()
    }
    if no_answer:
        assert trained.generate(*columns) == [nothing] * 4
        assert trained.generate(LONG, "", n_best=3) == [nothing | {"score": 0.0}]


def test_probabilities_are_of_all_parts(trained):
    """All spans of a short context are returned: with "no answer" their probabilities sum to 1."""
    result = trained.ranked(tf.constant(["Ann met cats ."]), tf.constant(["Who met cats ?"]), 20)
    assert (result["start"].numpy() >= 0).sum() >= 10
    assert result["score"].numpy().sum() + result["none"].numpy()[0] == pytest.approx(1, abs=1e-4)


# Other readers, vectors, records, warnings, errors


@pytest.mark.parametrize("model", [TINY_BIDAF, TextRNNConfig(8, 8)], ids=["bidaf", "rnn"])
def test_other_readers(model):
    task = scattered(model)
    result = task.answer(tf.constant(TEXTS), tf.constant(QUESTIONS))
    inputs, right, weights = task.rows(task.records(records(8, filler=1)))
    logits = task(tf.nest.map_structure(lambda part: part.to_tensor(), inputs))
    assert np.isfinite(task.objective()["loss"](right.to_tensor(), logits, weights.to_tensor()))
    for text, output, start, end in zip(
        TEXTS, *(result[name].numpy() for name in ("text", "start", "end")), strict=True
    ):
        assert output.decode() == (text[start:end] if start >= 0 else "")


def test_word_vectors_initialise_the_embedding():
    vectors = {word: np.full(6, i, "float32") for i, word in enumerate(("cats", "met", "köln"), 1)}
    config = QuestionAnsweringConfig(model=TINY_BIDAF, embeddings_trainable="missing", **SMALL)
    task = QuestionAnswering.from_text(records(20), config, embeddings=vectors)
    assert type(task.encoder.embed) is PretrainedEmbedding and task.encoder.embed.free_rows > 3
    with pytest.raises(FileNotFoundError, match="no.txt"):
        QuestionAnswering.from_text(records(2), embeddings="no.txt")


def test_heads_in_hugging_faces_format(tmp_path):
    """qa_outputs is the head: begin is column 0. Without it the head is new."""
    tokenizer = WordPieces.learn([row["context"] for row in records(30)], 80)
    encoder = BERT(tokenizer.vocab_size, 32, 1, 8, 2, 16)
    bert.save(encoder, tmp_path / "a")
    tokenizer.save_files(tmp_path / "a")
    task = QuestionAnswering.from_pretrained(tmp_path / "a", **SMALL)
    assert task.learning_rate == 5e-5 and not task.no_answer
    weights = {f"bert.{name}": value for name, value in dict(huggingface.Weights(tmp_path / "a")).items()}
    head = {"qa_outputs.weight": np.arange(16, dtype="float32").reshape(2, 8), "qa_outputs.bias": np.float32([1, 2])}
    huggingface.write(tmp_path / "b", huggingface.config(tmp_path / "a"), weights | head)
    tokenizer.save_files(tmp_path / "b")
    task = QuestionAnswering.from_pretrained(tmp_path / "b", **SMALL)
    np.testing.assert_array_equal(task.head.kernel, head["qa_outputs.weight"].T)
    np.testing.assert_array_equal(task.head.bias, [1, 2])
    other = QuestionAnswering.from_encoder(task.encoder, tokenizer, no_answer=True, **SMALL)
    assert other.encoder is task.encoder and other.learning_rate == 3e-4
    assert task.answer(["Ann met 3 cats ."], ["Who ?"])["no_answer"].numpy() == 0  # it must answer


def test_forms_of_records(trained):
    rows = records(6)
    columns = {name: [row[name] for row in rows] for name in ("context", "question")}
    lists = {name: tf.ragged.constant([row[name] for row in rows], kind)
             for name, kind in (("answers", tf.string), ("starts", tf.int32))}  # fmt: skip
    expected = asked(rows)
    assert asked(tf.data.Dataset.from_tensor_slices(columns | lists)) == expected
    nested = [row | {"answers": {"text": row["answers"], "answer_start": row["starts"]}} for row in rows]
    assert asked(nested) == expected
    flat = trained.records(rows)
    assert asked(flat)[:3] == expected[:3] and trained.records(flat) is flat
    assert asked([{"context": "a b", "question": "b?", "answer": "b"}])[2:] == ([["b"]], [[None]])


@pytest.mark.slow
def test_unlearnable_answers_log_a_warning(trained, caplog):
    caplog.set_level(logging.WARNING, "tfllm")
    trained.rows(trained.records(records(9)))
    assert not caplog.messages
    long = " ".join(["cats"] * 40)
    rows = [
        {"context": long, "question": "Who ?", "answers": [" ".join(["cats"] * 30)], "starts": [0]},
        {"context": "Bob€cats", "question": "Who ? " * 4, "answers": ["cats"], "starts": [4]},
    ]
    trained.rows(trained.records(rows))
    assert caplog.messages == [
        "1 of 2 questions have more than 6 tokens and are truncated",
        "1 of 2 answers do not fit into any window and are not learned: a smaller stride gives more windows",
        "1 of 2 answers have more than 4 tokens, the maximum that the task answers",
        "1 of 2 answers begin or end inside a token: the surrounding tokens are learned",
    ]
    caplog.clear()
    trained.generate("Ann met cats .", "Who ? Who ? Who ?" * 2)
    assert caplog.messages == ["1 of 1 questions have more than 6 tokens and are truncated"]


ROW = {"context": "a b", "question": "b?", "answers": ["b"], "starts": [2]}


@pytest.mark.parametrize(
    "rows, message",
    [
        ([], "there is none"),
        ("a b", "got one text: use .'a b'."),
        ([ROW | {"starts": [1]}], "record 0: expected 'b' at character 1 of its context; got ' '"),
        ([ROW, ROW | {"starts": [1, 2]}], "record 1: 1 answers, but 2 starts"),
        ([ROW | {"starts": ["x"]}], "expected the character where the answer begins; got 'x'"),
        ([{"context": "a", "question": "b"}], "record 0: its answers are missing"),
        ([{"question": "b", "answers": []}], "record 0: 'context' is missing"),
        ([{"context": "a b", "question": "b?", "answer": "b"}], "record 0: the start of the answer 'b' is missing"),
        ([ROW | {"context": 3}], "expected a text .* as context of record 0; got int 3"),
    ],
)
def test_wrong_records(rows, message, trained):
    with pytest.raises((TypeError, ValueError), match=message):
        trained.records(rows)


def test_wrong_settings(trained):
    words, reader = Words(["a"]), BiDAF(5, 4, 4)
    for encoder, tokenizer, options, message in (
        (reader, Characters(["a"]), {}, "tokenizer with token offsets, WordPieces or Words; got Characters"),
        (BERT(5, 8, 1, 4, 1, 4), words, {"length": 9}, "length is 9 tokens, but the model's limit is 8"),
        (reader, words, {"length": 8, "stride": 8}, "stride must be 1 to 7 .*; got 8 and 30"),
        (reader, words, {"answer_length": 0}, "answer_length must be a whole number, 1 or more; got 0"),
        (SimpleNamespace(max_length=None), words, {}, "expected an Encoder .* or a BiDAF; got SimpleNamespace"),
    ):
        with pytest.raises(ValueError, match=message):
            QuestionAnswering(encoder, tokenizer, **options)
    with pytest.raises(ValueError, match="expected a context for each question; got 1 and 2"):
        trained.generate(["a"], ["b", "c"])
    with pytest.raises(ValueError, match="n_best must be 1 or more; got 0"):
        trained.generate("a", "b", n_best=0)
    with pytest.raises(TypeError, match="expected a text .*; got int 3"):
        trained.generate(["a"], [3])
    with pytest.raises(ValueError, match="always answers"):
        QuestionAnswering(reader, words).choose_threshold(records(2))
    with pytest.raises(ValueError, match=r"config must be one of \['tiny', 'small', 'base'\]"):
        QuestionAnswering.from_text(records(2), "huge")
    with pytest.raises(ValueError, match="leave y out"):
        trained.fit(records(2), ["a"])
