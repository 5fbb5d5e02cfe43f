"""MaskedLanguageModel: its inputs against loops over the text, its losses against NumPy, and filling."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tfllm.data.masking import Remasked
from tfllm.data.streams import Stream
from tfllm.models.bert import BERT
from tfllm.models.configs import BERTConfig
from tfllm.tasks.pretraining.masked_language_model import MaskedLanguageModel, MaskedLanguageModelConfig
from tfllm.text.wordpiece.word_pieces import WordPieces

pytestmark = pytest.mark.usefixtures("eager")  # what is shared is trained in a graph
WORDS = ["one", "two", "red", "dog", "sat", "un", "like", ".", "a"]
TOKENIZER = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##like", "##s"])
PAD, UNKNOWN, START, END, MASK = range(5)


def documents(count=60, seed=0):
    """Of two to five sentences; document i repeats one word, so that a pair shows its label."""
    draw = np.random.default_rng(seed)
    return [
        " ".join(" ".join([WORDS[i % 5].title(), *[WORDS[i % 5]] * draw.integers(1, 4)]) + "."
                 for _ in range(draw.integers(2, 6)))
        for i in range(count)
    ]  # fmt: skip


def model(next_sentence=True, length=16, tokenizer=TOKENIZER, **options):
    keras.utils.set_random_seed(1)
    encoder = BERT(tokenizer.vocab_size, 24, num_layers=1, d_model=16, num_heads=2, dff=32, rate=0.0)
    task = MaskedLanguageModel(encoder, tokenizer, next_sentence, length, **options)
    task.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    return task


@pytest.fixture(scope="module")
def trained():
    task = model()
    task.history = task.fit(documents(400), epochs=4, batch_size=32, shapes=1, validation_data=documents(20, 5),
                            verbose=0).history  # fmt: skip
    return task


def test_pairs_are_texts_with_their_label():
    """Each document has a word of its own, so that a pair shows whether its texts come from one document."""
    words, labels = [f"n{i}" for i in range(60)], []
    tokenizer = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *words])
    task = model(tokenizer=tokenizer)
    draw = np.random.default_rng(0)
    texts = [" ".join([f"{word.title()} {word}."] * draw.integers(1, 9)) for word in words]
    rows = [part.to_list() for part in task.example({"text": texts})]
    for ids, segments, label, real in zip(*rows, strict=True):
        middle = segments.index(1)
        assert (ids[0], ids[middle - 1], ids[-1]) == (START, END, END) and len(ids) <= 16 and set(real) == {1}
        assert segments == [0] * middle + [1] * (len(ids) - middle) and len(set(label)) == 1
        one, other = set(ids[1 : middle - 1]) - {5}, set(ids[middle:-1]) - {5}  # 5 is the full stop
        assert len(one) == 1 and not {START, END} & (one | other)
        assert not other or (one == other) == (label[0] == 0)
        labels.append(label[0])
    assert 0.3 < np.mean(labels) < 0.7 and len(labels) > 60
    assert rows == [part.to_list() for part in task.example({"text": texts})]


def test_without_pairs_rows_are_blocks_of_one_document():
    task = model(next_sentence=False)
    ids, segments, _, _ = task.example({"text": ["dog " * 20, "", "a"]})
    dog, a = 8, 13
    assert ids.to_list() == [[START, *[dog] * 14, END], [START, *[dog] * 6, END], [START, a, END]]
    assert not segments.flat_values.numpy().any()


def log_softmax(logits):
    z = np.float64(logits)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


@pytest.mark.slow
@pytest.mark.parametrize("next_sentence", [True, False])
def test_the_loss_is_the_mean_over_masked_tokens_and_pairs(next_sentence):
    task, texts, counts = model(next_sentence), documents(24), {}
    losses, right = {"mlm": [], "nsp": []}, {"mlm": [], "nsp": []}
    for batch in task.batches(texts, tokens=320, shapes=2).dataset.as_numpy_iterator():
        inputs, targets, weights = batch
        x = task.encoder(inputs["token_ids"], segment_ids=inputs["segment_ids"], padding_mask=inputs["padding_mask"])
        every = log_softmax(task.tell(x, task.encoder.embed.embeddings.value))  # all places, not only the masked ones
        for row, p in zip(*np.nonzero(weights["mlm"]), strict=True):
            position, target = inputs["positions"][row, p], targets["mlm"][row, p]
            losses["mlm"].append(-every[row, position, target])
            right["mlm"].append(every[row, position].argmax() == target)
            counts[target] = counts.get(target, 0) + 1
        if next_sentence:
            pairs = log_softmax(task.follow(task.encoder.pool(x)))
            for row in np.flatnonzero(inputs["padding_mask"].any(1)):
                losses["nsp"].append(-pairs[row, targets["nsp"][row, 0]])
                right["nsp"].append(pairs[row].argmax() == targets["nsp"][row, 0])
    result = task.evaluate(texts, batch_tokens=320, shapes=2, verbose=0, return_dict=True)
    score = task.score(texts, batch_tokens=320, shapes=2)
    shares = np.array(list(counts.values())) / sum(counts.values())
    entropies = -(shares * np.log(shares)).sum()
    assert score.tokens == len(losses["mlm"]) and score.pairs == len(losses["nsp"])
    np.testing.assert_allclose([score.loss, score.accuracy], [np.mean(losses["mlm"]), np.mean(right["mlm"])], rtol=1e-5)
    np.testing.assert_allclose(score.unigram_entropy, entropies, rtol=1e-6)
    if next_sentence:
        expected = [np.mean(losses["nsp"]), np.mean(right["nsp"])]
        np.testing.assert_allclose([score.next_sentence_loss, score.next_sentence_accuracy], expected, rtol=1e-5)
        np.testing.assert_allclose([result["nsp_loss"], result["nsp_accuracy"]], expected, rtol=1e-5)
        np.testing.assert_allclose(result["loss"], score.loss + score.next_sentence_loss, rtol=1e-5)
        assert "pairs" in str(score)
    else:
        np.testing.assert_allclose([result["loss"], result["accuracy"]], [score.loss, score.accuracy], rtol=1e-5)
        assert set(result) == {"loss", "accuracy"} and "pairs" not in str(score)


def test_masks_are_new_each_epoch_and_the_same_for_validation():
    task = model()
    one = task.batches(documents(), batch_size=8, shapes=1, seed=3)

    def masks(epoch):
        one.epoch = epoch
        return [inputs["token_ids"].numpy() == MASK for inputs, _, _ in one.dataset]

    assert (masks(0)[0] != masks(1)[0]).any() and all((a == b).all() for a, b in zip(masks(1), masks(1), strict=True))
    valid = task.validation(documents(), 8, 4096)
    first, again = ([targets["mlm"].numpy() for _, targets, _ in valid] for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


def test_special_tokens_are_never_masked_nor_drawn():
    task = model(masked=0.6)
    for before, real in ((START, 1), (END, 1), (UNKNOWN, 1), (PAD, 0)):
        ids = np.full((4, 12), before, "int32")
        ids[:, 3] = 7
        inputs, targets, weights = task.hide((ids, ids * 0, ids * 0, ids * 0 + real), [1, 2])
        assert (inputs["token_ids"].numpy()[:, [0, 1, 2, 4, 5]] == before).all()
        assert set(targets["mlm"].numpy()[weights["mlm"].numpy() > 0]) == ({7} if real else set())
        assert (weights["nsp"].numpy() == real).all()
    drawn = task.hide((np.full((200, 12), 7, "int32"), *[np.ones((200, 12), "int32")] * 3), [1, 2])[0]["token_ids"]
    assert set(drawn.numpy().ravel()) == {MASK, *range(5, TOKENIZER.vocab_size)}


def test_whole_words():
    task = model(next_sentence=False, whole_words=True, masked=0.3)
    inputs = next(iter(task.batches(["unlike dogs sat unlike dogs"] * 20, batch_size=20).dataset))[0]
    first, second = 14, 15  # ##like, ##s
    positions = inputs["positions"].numpy()
    ids = task.example({"text": ["unlike dogs sat unlike dogs"]})[0].numpy()[0].tolist()
    assert ids[2] == first and ids[4] == second
    for row in positions:
        chosen = set(row[row > 0])
        assert all((a in chosen) == (a + 1 in chosen) for a in (1, 3, 6, 8)), row


def test_it_beats_a_unigram_model(trained):
    score = trained.score(documents(20, 5))
    assert score.loss < 0.95 * score.unigram_entropy
    assert trained.history["val_loss"][-1] < trained.history["val_loss"][0]
    assert {"mlm_loss", "nsp_accuracy", "val_mlm_accuracy"} <= set(trained.history)


LONG = "red un[MASK] [MASK]" + " red" * 30
TEXTS = ["dog dog [MASK] dog.", "sat [MASK] sat [MASK] sat", "no mask", "", "[MASK]", LONG]


def test_fill_is_the_softmax_at_the_mask(trained):
    first, several = trained.fill(["dog dog [MASK] dog.", "sat [MASK] sat [MASK] sat"], top_k=3)
    assert [len(first), len(several)] == [1, 2]
    ids = np.array([[START, 8, 8, MASK, 8, 12, END]])
    x = trained.encoder(ids, segment_ids=ids * 0)
    z = np.float64(trained.tell(x, trained.encoder.embed.embeddings.value))[0, 3, 5:]
    p = np.exp(z) / np.exp(z).sum()  # special tokens left out
    expected = sorted(zip(map(bytes.decode, TOKENIZER.tokens[5:]), p, strict=True), key=lambda item: -item[1])[:3]
    assert [token for token, _ in first[0]] == [token for token, _ in expected]
    np.testing.assert_allclose([share for _, share in first[0]], [share for _, share in expected], rtol=1e-4)
    assert [token for token, _ in trained.fill("dog dog [MASK] dog.", 3)[0]] == [token for token, _ in first[0]]
    best = first[0][0][0].removeprefix("##")
    assert trained.generate("dog dog [MASK] dog.") == f"dog dog {best} dog."


def test_an_empty_text_has_no_masks_to_fill(trained):
    assert trained.fill("") == [] and [len(row) for row in trained.fill([" \n", "a [MASK]", "\u3000"])] == [0, 1, 0]
    assert trained.generate(["", " \n"]) == ["", " \n"] and trained.generate([]) == trained.fill([]) == []
    with pytest.raises(ValueError, match="expected .MASK. in each text"):
        trained.fill(["", "a"])


def test_texts_are_filled_in_their_own_letters(trained):
    result = trained.answer(tf.constant(TEXTS), 2)
    tokens = result["tokens"].numpy().astype(str)
    assert tokens.shape == result["probabilities"].shape == (6, 2, 2)
    output = [text.decode() for text in result["text"].numpy()]
    best = [[token.removeprefix("##") for token in row[:, 0]] for row in tokens]
    first, (second, third), last = best[0][0], best[1], best[4][0]
    assert output[:5] == [f"dog dog {first} dog.", f"sat {second} sat {third} sat", "no mask", "", last]
    assert output[5] == f"red un{best[5][0]} {best[5][1]}" + " red" * 30
    assert not result["probabilities"].numpy()[2:4].any() and (tokens[0, 1] == "").all()
    alone = trained.answer(TEXTS[:1], 2)["tokens"].numpy().astype(str)
    np.testing.assert_array_equal(alone, tokens[:1, :1])  # whatever stands beside it


def test_truncated_masks_stay(trained, caplog):
    text = "red " * 30 + "[MASK]"
    result = trained.answer([text, "[MASK]" * 3, "red " * 21 + "[MASK]", "red " * 22 + "[MASK]"])
    assert result["text"].numpy()[0].decode() == text
    assert result["cut"].numpy().tolist() == [9, 0, 0, 1]  # of 24 places, START and END have two
    assert trained.generate("red " * 22) == "red " * 22 and not caplog.text
    assert trained.generate([text, ""]) == [text, ""]
    assert "1 of 2 texts have more than 24 tokens and are truncated" in caplog.text
    with pytest.raises(ValueError, match=r"within its first 24 tokens; got 'red"):
        trained.fill([text])


def test_saved_it_is_evaluated_alike(trained, tmp_path):
    trained.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert again.evaluate(documents(9), verbose=0) == trained.evaluate(documents(9), verbose=0)
    assert (again.length, again.masked, again.next_sentence) == (16, 0.15, True)


def test_streamed_epochs_are_those_in_memory():
    """Without shuffling, a streamed epoch has the same rows, and the same masks: the same loss, at learning rate 0."""
    task, losses = model(next_sentence=False), []
    task.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    for stream in (False, True):
        losses.append(task.fit(documents(8), batch_size=16, shapes=1, epochs=2, shuffle=False, verbose=0, seed=0,
                               stream=stream).history["loss"])  # fmt: skip
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert losses[0][0] != losses[0][1]


def test_a_stream_reads_no_more_than_it_needs():
    """Endless records: keeping all of them would never end."""
    task = model()
    endless = tf.data.Dataset.from_tensor_slices({"text": documents(16)}).repeat()
    stream = Remasked(Stream(endless, task.example, 16, batch_size=8, shapes=1, seed=1, steps=2), task.hide, 1)

    def epoch(number):
        stream.epoch = number
        return [inputs["token_ids"].numpy() for inputs, _, _ in stream.dataset.take(2)]

    first, second = epoch(0), epoch(1)
    np.testing.assert_array_equal(np.concatenate(second), np.concatenate(epoch(1)))
    assert any((a != b).any() for a, b in zip(first, second, strict=True))


def test_hugging_face_format_brings_everything_back(trained, tmp_path):
    pytest.importorskip("safetensors")
    trained.save_pretrained(tmp_path)
    again = MaskedLanguageModel.from_pretrained(tmp_path, length=16)
    assert again.next_sentence and again.length == 16 and again.tokenizer.tokens == TOKENIZER.tokens
    inputs = next(iter(trained.batches(documents(9), batch_size=32, shapes=1).dataset))[0]
    expected = trained(inputs)
    for name, result in again(inputs).items():
        np.testing.assert_allclose(result, expected[name], atol=1e-5)


def test_from_text_learns_word_pieces():
    config = MaskedLanguageModelConfig(
        vocab_size=60, length=20, whole_words=True, next_sentence=False,
        model=BERTConfig(max_length=24, num_layers=1, d_model=8, num_heads=2, dff=8),
    )  # fmt: skip
    task = MaskedLanguageModel.from_text(["The dog sat. A red dog ran."] * 5, config)
    assert task.encoder.vocab_size == task.tokenizer.vocab_size <= 60 and task.whole_words and not task.next_sentence
    assert task.tokenizer.mask == task.tokenizer.encode(["[MASK]"], special=True).to_list()[0][0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model(length=25), "length is 25 tokens.* limit is 24"),
        (lambda: model(masked=0.0), "masked must be a share above 0 and below 1"),
        (
            lambda: MaskedLanguageModel(model().encoder, tfllm.text.Bytes(), length=9),
            "Bytes has no mask token",
        ),
        (lambda: model().fit(["One sentence. And two."]), "at least two documents.*next_sentence=False"),
        (lambda: model().fill("no mask here"), r"expected \[MASK\] in each text"),
        (lambda: MaskedLanguageModel.from_text(["a"], "huge"), "tiny.*small.*base.*'huge'"),
        (lambda: model().compile("adam", {"mlm": "sparse_categorical_crossentropy"}), "expects probabilities"),
    ],
)
def test_errors_name_the_fix(call, message):
    with pytest.raises(ValueError, match=message):
        call()
