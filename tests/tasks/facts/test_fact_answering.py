"""People move from place to place; the last fact about somebody gives the place. Two places are one answer."""

import logging
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfllm.explain import fact_map
from tfllm.layers import PretrainedEmbedding
from tfllm.models import MemoryNetworkConfig, Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks.facts.fact_answering import FactAnswering, FactAnsweringConfig
from tfllm.text import END, PAD, START, UNKNOWN

pytestmark = pytest.mark.usefixtures("eager")  # what is shared is trained in a graph
PEOPLE, PLACES = ["Mary", "John", "Ann"], ["kitchen", "garden", "office", "hall"]
WRITERS = {"rnn": Seq2SeqRNNConfig(1, 8, 8, rate=0.0), "transformer": TransformerConfig(1, 8, 2, 8, 64, 8, rate=0.0)}
STORIES = ["Mary went to the kitchen.\nJohn went to the hall.", "", "  \nAnn went to the office!\n\n", "Zoe sang?"]
QUESTIONS = ["Where is Mary?", "Where is Ann?", "Where is Ann ?", "Who sang?"]


def records(size, seed=0):
    """People go from place to place; where somebody is, the last fact about him tells. Two places are one answer."""
    draw = np.random.default_rng(seed)
    rows = []
    for _ in range(size):
        went = [(str(draw.choice(PEOPLE)), str(draw.choice(PLACES))) for _ in range(draw.integers(1, 6))]
        who = went[draw.integers(len(went))][0]
        last = max(i for i, (person, _) in enumerate(went) if person == who)
        place = "kitchen,hall" if went[last][1] == "hall" else went[last][1]
        facts = "\n".join(f"{person} went to the {place}." for person, place in went)
        rows.append((facts, f"Where is {who}?", place, str(last)))
    names = ("facts", "question", "answer", "supporting")
    return tf.data.Dataset.from_tensor_slices(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def columns(data):
    return [[row[name].decode() for row in data.as_numpy_iterator()] for name in data.element_spec]


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    config = FactAnsweringConfig(linear_start=1, model=MemoryNetworkConfig(num_hops=2, embedding_dim=16, max_facts=8))
    task = FactAnswering.from_text(records(300), config)
    task.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    seen = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: linear.append(float(task.model.linear.numpy()))
    )
    linear = []
    task.history_of = task.fit(
        records(600), epochs=7, batch_size=16, shapes=1, verbose=0, callbacks=[seen], validation_split=0.1
    ).history
    task.linear_of = linear
    return task


def writing(name):
    keras.utils.set_random_seed(3)
    task = FactAnswering.from_text(records(30), FactAnsweringConfig(answer_length=5, model=WRITERS[name]))
    draw = np.random.default_rng(3)
    for weight in task.model.trainable_weights:  # so that it says something
        weight.assign(weight + draw.normal(0, 0.6, weight.shape))
    return task


@pytest.fixture(scope="module", params=WRITERS)
def writer(request):
    return writing(request.param)


def test_a_list_is_one_answer(trained):
    record = {"facts": STORIES[:3], "question": QUESTIONS[:3], "answer": ["Kitchen,Hall", " garden ", "the moon"]}
    inputs, targets, weights = trained.example({name: tf.constant(column) for name, column in record.items()})
    tokens = trained.tokenizer.tokens
    assert [tokens[row[0]] for row in targets.to_list()] == [b"kitchen,hall", b"garden", b"<unk>"]
    assert targets.to_list()[2] == [UNKNOWN] and weights.to_list() == [[1.0]] * 3
    assert inputs["facts"].row_lengths().numpy().tolist() == [10, 0, 5] and trained.fact_length == 5
    assert [tokens[i] for i in inputs["question"].to_list()[0]] == [b"where", b"is", b"mary"]
    assert trained(tf.nest.map_structure(lambda part: part.to_tensor(), inputs)).shape == (3, 1, len(tokens))


# A memory network that has learned


def test_the_first_epoch_looks_without_a_softmax(trained):
    assert trained.linear_of == [1.0] + [0.0] * 6 and trained.model.linear == 0.0
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} == set(trained.history_of)


def test_it_answers_new_questions(trained):
    test = records(200, seed=7)
    assert trained.score(test).value >= 95
    facts, questions, answers, _ = columns(test)
    result = trained.generate(facts, questions, probabilities=True, batch_size=33)
    assert sum(output == answer for (output, _), answer in zip(result, answers, strict=True)) >= 190
    assert {output for output, _ in result} == {"kitchen", "garden", "office", "kitchen,hall"}
    assert np.mean([probability for _, probability in result]) > 0.9
    accuracy = trained.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    assert 100 * accuracy == pytest.approx(trained.score(test).value)


def test_it_shows_which_fact_it_used(trained, tmp_path):
    facts, questions, answers, supporting = columns(records(40, seed=9))
    hits = 0
    for text, question, needed in zip(facts, questions, supporting, strict=True):
        seen = fact_map(trained, text, question)
        assert seen.facts == [fact.removesuffix(".") for fact in text.split("\n")] and seen.looks == ["hop 1", "hop 2"]
        np.testing.assert_allclose(seen.weights.sum(axis=1), 1, atol=1e-5)
        hits += int(seen.weights.max(axis=0).argmax() == int(needed)) and int(needed) in seen.used()
    assert hits >= 36
    seen = fact_map(trained, ["Ann went to the hall.", "Mary went to the office."], "Where is Ann?")
    assert seen.save(tmp_path / "facts.png").read_bytes().startswith(b"\x89PNG")
    table = str(seen).splitlines()
    assert table[0].startswith("kitchen,hall (") and table[1].split() == ["hop", "1", "hop", "2"]
    assert table[2].endswith("  Ann went to the hall") and len(table) == 4


def test_an_answer_does_not_depend_on_its_neighbours(trained, writer):
    long = "\n".join(f"{PEOPLE[i % 3]} went to the {PLACES[i % 4]}." for i in range(30))
    texts, questions = [*STORIES, long], [*QUESTIONS, "Where is John?"]
    for task in (trained, writer):
        together = task.explained(tf.constant(texts), tf.constant(questions))
        for b, (text, question) in enumerate(zip(texts, questions, strict=True)):
            alone = task.explained(tf.constant([text]), tf.constant([question]))
            assert alone["text"][0] == together["text"][b]
            np.testing.assert_allclose(alone["probability"][0], together["probability"][b], rtol=1e-3)
            size = alone["attention"].shape[2]
            np.testing.assert_allclose(alone["attention"][0], together["attention"][b, :, :size], atol=1e-5)
            assert not together["attention"].numpy()[b, :, size:].any()
    of_long = trained.explained(tf.constant(texts), tf.constant(questions))["attention"].numpy()[-1]
    np.testing.assert_allclose(of_long[:, -8:].sum(axis=1), 1, atol=1e-5)  # the last facts; the others are left out


def test_without_a_fact_or_a_question_the_answer_is_empty(trained, writer):
    facts = [STORIES[0], STORIES[0], "", " \n ?!\n\u3000"]
    questions = ["", " ?", "Where is Ann?", "Where is Ann?"]
    for task in (trained, writer):
        assert task.generate(facts, questions, probabilities=True) == [("", 0.0)] * 4
        assert task.generate(STORIES[0], QUESTIONS[0]) and task.generate([], []) == []
        result = task.explained(tf.constant(facts), tf.constant(questions))
        assert result["text"].numpy().tolist() == [b""] * 4 and not result["attention"].numpy().any()


# What writes its answers


def test_generated_answers_are_those_of_the_naive_loop(writer):
    """Greedy, one full forward pass for each token; and its attention, summed fact by fact."""
    result = writer.explained(tf.constant(STORIES), tf.constant(QUESTIONS))
    for b, (text, question) in enumerate(zip(STORIES, QUESTIONS, strict=True)):
        facts = [fact.strip(" .!?") for fact in text.split("\n") if fact.strip(" .!?")]
        parts = [[*ids, END] for ids in writer.tokenizer.encode([*facts, question.strip(" ?")]).to_list()]
        source, output, total = np.array([sum(parts, [])]), [START], 0.0
        while len(output) <= 5 and output[-1] != END:
            logits, seen = writer.model(source, np.array([output]))
            chances = tf.nn.log_softmax(logits[0, -1]).numpy()
            allowed = chances.copy()
            allowed[[PAD, UNKNOWN, START]] = -np.inf
            output.append(int(allowed.argmax()))
            total += chances[output[-1]]
        if not facts:  # nothing to answer from
            assert result["text"][b] == b"" and result["probability"].numpy()[b] == 0
            assert not result["attention"].numpy()[b].any()
            continue
        assert result["text"][b] == writer.tokenizer.decode([output])[0]
        assert result["probability"].numpy()[b] == pytest.approx(np.exp(total), rel=1e-3)
        weights = np.array(seen[writer.model.source_attention[-1]])[0]
        weights = weights.reshape(-1, *weights.shape[-2:]).mean(axis=0)  # [T, S]
        begin = 0
        for i, part in enumerate(parts[:-1]):
            expected = weights[:, begin : begin + len(part)].sum(axis=1)
            np.testing.assert_allclose(result["attention"][b, : len(expected), i], expected, atol=1e-4)
            begin += len(part)
        assert not result["attention"].numpy()[b, len(output) - 1 :].any()


def test_a_generating_model_learns_words_in_a_row(writer):
    record = {"facts": STORIES, "question": QUESTIONS, "answer": ["hall, kitchen", "hall", "x " * 9, "office"]}
    inputs, targets, weights = writer.example({name: tf.constant(column) for name, column in record.items()})
    tokens = writer.tokenizer.tokens
    assert [[tokens[i] for i in row] for row in targets.to_list()[:2]] == [
        [b"hall", b",", b"kitchen", b"</s>"], [b"hall", b"</s>"],
    ]  # fmt: skip
    assert targets.to_list()[2] == [UNKNOWN] * 4 + [END]
    assert [row[0] for row in inputs["target"].to_list()] == [START] * 4
    assert inputs["target"].to_list()[0][1:] == targets.to_list()[0][:-1]
    assert weights.row_lengths().numpy().tolist() == targets.row_lengths().numpy().tolist()
    looks = fact_map(writer, STORIES[0], QUESTIONS[0])
    assert len(looks.looks) == len(looks.weights) <= 5 and looks.weights.shape[1] == 2


# Word vectors, warnings, errors


def test_word_vectors_initialise_every_embedding():
    draw = np.random.default_rng(0)
    vectors = {word: draw.normal(size=6).astype("float32") for word in ("mary", "kitchen", "garden")}
    config = FactAnsweringConfig(model=MemoryNetworkConfig(embedding_dim=8))
    task = FactAnswering.from_text(records(20), config, embeddings=vectors, embeddings_trainable="missing")
    tables = [np.array(part.embeddings) for part in task.model.embed]
    assert all(type(part) is PretrainedEmbedding for part in task.model.embed) and len(tables) == 4
    for table in tables[1:]:
        np.testing.assert_array_equal(table, tables[0])
    fixed_rows = [part.fixed.numpy() for part in task.model.embed]
    assert {len(rows) for rows in fixed_rows} == {4}  # three words and PAD
    task.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    task.fit(records(20), epochs=1, batch_size=10, verbose=0)
    for part, before in zip(task.model.embed, fixed_rows, strict=True):
        np.testing.assert_array_equal(part.fixed, before)
    after = [part.project.kernel.numpy() for part in task.model.embed]
    assert np.abs(after[0] - after[1]).max() > 1e-3  # each is trained on its own
    model = replace(WRITERS["rnn"], shared="nothing")
    task = FactAnswering.from_text(records(20), FactAnsweringConfig(model=model), embeddings=vectors)
    assert type(task.model.embed_input) is type(task.model.embed_target) is PretrainedEmbedding
    with pytest.raises(FileNotFoundError, match="no.txt"):
        FactAnswering.from_text(records(2), embeddings="no.txt")


def test_truncation_is_reported(trained, writer, caplog):
    caplog.set_level(logging.WARNING, "tfllm")
    trained.generate(STORIES, QUESTIONS)
    assert not caplog.messages
    long = ["Mary went.\n" * 9, "Mary went to the hall today.", "Ann"]
    trained.generate(long, QUESTIONS[:3])
    assert caplog.messages == [
        "1 of 3 stories have more than 8 facts and lose the oldest",
        "1 of 3 stories have facts of more than 5 words, which lose the last",
    ]
    assert trained.answer(tf.constant([*long, ""]), tf.constant(QUESTIONS[:4]))["cut"].numpy().tolist() == [2, 1, 0, 0]
    caplog.clear()
    writer.generate("Mary went.\n" * 99, "Where is Mary?")
    limit = writer.model.pe_input
    cut = writer.answer(tf.constant(["Mary went.\n" * 99, "Ann"]), tf.constant(["Where is Mary?"] * 2))["cut"]
    assert cut.numpy().tolist() == [99 * 3 + 3 + 1 - limit, 0]  # an END behind each
    assert caplog.messages == [f"1 of 1 stories have more than {limit} words and lose the first"]
    caplog.clear()
    most = writer.answer_length - 1
    answers = [" ".join(["hall"] * count) for count in (most, most + 1)]
    story = {"facts": ["Mary went."] * 2, "question": ["Where is Mary?"] * 2, "answer": answers}
    writer.batches(tf.data.Dataset.from_tensor_slices(story))
    assert caplog.messages == [f"1 of 2 stories have an answer of more than {most} words, which loses the last"]


def test_forms_of_facts(trained):
    text = "Ann went to the hall.\nAnn went to the office."
    output = trained.generate(text, "Where is Ann?")
    assert output == "office" == trained.generate(text.split("\n"), "Where is Ann?")
    assert trained.generate([text, text.split("\n")], ["Where is Ann?"] * 2) == [output] * 2
    assert trained.generate([], []) == []
    with pytest.raises(ValueError, match="expected facts for each question; got 1 facts and 2"):
        trained.generate(text, ["Where is Ann?"] * 2)


def test_wrong_settings():
    with pytest.raises(ValueError, match=r"config must be one of \['tiny', 'small'\]"):
        FactAnswering.from_text(records(2), "huge")
    with pytest.raises(ValueError, match="linear_start needs a MemoryNetwork: set linear_start=0 for a Seq2SeqRNN"):
        FactAnswering.from_text(records(2), FactAnsweringConfig(linear_start=1, model=WRITERS["rnn"]))
    with pytest.raises(ValueError, match="needs records with .*'answer'"):
        FactAnswering.from_text(tf.data.Dataset.from_tensor_slices({"facts": ["a"], "question": ["b"]}))
