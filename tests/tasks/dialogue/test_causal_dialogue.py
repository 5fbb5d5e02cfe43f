"""CausalDialogue: one stream of turns. Learned by heart, scored and continued as by plain loops, and served."""

import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.reference import dialogues as reference
from tests.tasks.dialogue.exchanges import (
    DIALOGUES,
    LONG,
    SPEAKERS,
    by_loops,
    log_probability,
    trained,
    untrained,
)
from tests.tasks.text_generation.fading import fading
from tfllm.evaluation import diversity
from tfllm.models import GPT, GPTConfig
from tfllm.tasks import CausalDialogue, DialogueGenerator, LanguageModel, Replying
from tfllm.text import BytePairs, Words

MODEL = GPTConfig(max_length=64, num_layers=1, d_model=32, num_heads=2, rate=0.0)


@pytest.fixture(scope="module")
def task():
    return trained(MODEL, steps=50)


@pytest.fixture(scope="module")
def fresh():
    """With a model that is quick to trace, and large random weights: its replies are of all sorts."""
    tokenizer = untrained(MODEL).tokenizer
    model = fading(tokenizer.vocab_size, seed=3, max_length=48)
    return CausalDialogue(model, tokenizer, SPEAKERS, reply_length=8)


def naive(task, text, most=8, penalty=1.0):
    """Greedy: the whole stream is reread for each token. penalty: for tokens of the reply, after its tag."""
    script, (system, lines, asked) = by_loops(task, text)
    who = asked if asked >= 0 else (lines[-1][0] + 1) % len(task.speakers)
    ids, output = reference.prompt(*script, system, lines, who)[0], []
    while len(output) < most and (not output or output[-1] != task.tokenizer.end):
        logits = np.array(task.model(np.array([ids + output])))[0, -1]
        logits[[task.tokenizer.pad, task.tokenizer.unknown, task.tokenizer.start]] = -np.inf
        for token in {*task.script.tags[who], *output}:
            logits[token] *= penalty if logits[token] < 0 else 1 / penalty
        output.append(int(logits.argmax()))
    return task.tokenizer.decode([output]).numpy()[0].decode()


def test_it_learns_six_dialogues_by_heart(task, eager, tmp_path):
    histories, replies = task.exchanges(DIALOGUES)
    assert len(replies) == 9 and replies[-1] == "three four"
    assert task.generate(histories, verbose=0) == replies
    assert task.reply(["you are bad !"], system="be kind") == "I am sorry ."
    assert task.reply([("Ann", "you are bad !")], system="be rude") == "So are you ."
    messages = [{"role": "Bill", "content": "one"}, {"role": "Bill", "content": "two"}]
    assert task.reply(messages) == "three four" and task.reply(messages, speaker="Ann") == "three four"
    task.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert type(again) is CausalDialogue and isinstance(again, DialogueGenerator)
    assert again.generate(histories, verbose=0) == replies
    assert (again.speakers, again.history_length, again.reply_length) == (("Ann", "Bill"), 56, 8)


def test_a_chat_keeps_its_history_and_streams(task, eager):
    chat = task.chat()
    pieces = list(chat.stream("Hello ."))
    assert "".join(pieces) == "Hi , who are you ?" and len(pieces) > 3
    assert chat.say("I am a cat .") == "Nice ."
    assert repr(chat).splitlines()[2:] == ["Ann: I am a cat .", "Bill: Nice ."]
    assert chat.forgotten == 0
    chat.reset()
    assert (chat.history, chat.say("what ?")) == ([], "I do not know .")
    chat.reset()
    chat.system = "be rude"
    assert chat("you are bad !") == "So are you ."
    assert chat.history == [("Ann", "you are bad !"), ("Bill", "So are you .")]


def test_old_turns_are_dropped_whole(fresh, eager):
    chat = fresh.chat(max_new_tokens=3)
    chat.history = [("Ann", "one two three four")] * 9
    assert 0 < chat.forgotten < 9
    capacity = fresh.prompts([fresh.text(chat.history, speaker="Bill")])[0].row_lengths().numpy()[0]
    assert capacity <= 40 < capacity + 7
    chat.say("what ?")
    assert len(chat.history) >= 10


def test_greedy_equals_the_naive_loop(fresh, eager):
    texts = [*DIALOGUES, LONG, f"system\t{'one ' * 30}\nwhat ?", "what ?\nAnn\t"]
    output = fresh.generate(texts, verbose=0)
    assert output == [naive(fresh, text) for text in texts] and len(set(output)) > 2
    for text in texts[:2]:
        options = {"temperature": 1.5, "seed": 4, "no_repeat_ngram_size": 2}
        assert "".join(fresh.stream(text, **options)) == fresh.generate(text, **options)
    texts, output = texts[:4], output[:4]
    words = fresh.generate(texts, verbose=0, no_repeat_ngram_size=1, max_new_tokens=6)
    assert all(len(set(text.split())) == len(text.split()) <= 6 for text in words)
    punished = fresh.generate(texts, verbose=0, repetition_penalty=1.7)
    assert punished == [naive(fresh, text, penalty=1.7) for text in texts] and punished != output


def test_the_last_turn_alone_can_be_refused(fresh, eager):
    options = {"refused": ["one two"], "refusal": "No."}
    texts = ["Hello .\none  Two three", "one two\nHello .", "system\tone two\nHello .", "Hello .\nBill\tone two\nAnn\t"]
    output = fresh.generate(texts, **options)
    assert output == ["No.", *fresh.generate(texts[1:3]), "No."] and "No." not in output[1:3]
    chat = fresh.chat(**options)
    assert (chat.say("one two"), "".join(chat.stream("one two"))) == ("No.", "No.")
    assert chat.say("Hello .") != "No."


def test_the_loss_is_of_the_replies_alone(fresh, eager):
    """Other labels elsewhere change nothing; and the score is that of each reply with its own history."""
    inputs, targets, weights = (part.to_tensor() for part in fresh.example({"dialogue": tf.constant(DIALOGUES)}))
    loss, logits = fresh.objective()["loss"], fresh(inputs)
    other = tf.where(weights > 0, targets, (targets + 5) % 9)
    assert float(loss(targets, logits, weights)) == float(loss(other, logits, weights))
    replies = tf.where(weights > 0, (targets + 5) % 9, targets)
    assert float(loss(targets, logits, weights)) != pytest.approx(float(loss(replies, logits, weights)))
    total, count = 0.0, 0
    for text in [*DIALOGUES, LONG]:
        script, (system, lines, _) = by_loops(fresh, text)
        for prompt, reply in reference.pairs(*script, 8, system, lines):
            logits = np.array(fresh.model(np.array([prompt + reply[:-1]])))[0, len(prompt) - 1 :]
            total, count = total + log_probability(logits, reply), count + len(reply)
    result = fresh.score([*DIALOGUES, LONG], most=0)
    assert result.perplexity.tokens == count and result.replies is None
    replies = fresh.exchanges([*DIALOGUES, LONG])[1]
    assert result.perplexity.of.words == sum(min(8, len(reply.split())) for reply in replies)
    assert result.perplexity.log_probability == pytest.approx(total, rel=1e-5)
    assert fresh.evaluate([*DIALOGUES, LONG], verbose=0)[0] == pytest.approx(-total / count, rel=1e-4)


@pytest.mark.slow
def test_scores_are_those_of_the_output(fresh, eager):
    histories, replies = fresh.exchanges(DIALOGUES)
    result = fresh.score(DIALOGUES, most=4, verbose=0, no_repeat_ngram_size=2)
    positions = [0, 2, 4, 6]  # of nine
    output = fresh.generate([histories[i] for i in positions], verbose=0, no_repeat_ngram_size=2)
    assert result.replies == diversity(output) and result.people == diversity([replies[i] for i in positions])
    assert result.as_dict()["perplexity"] == result.perplexity.per_token
    assert str(result).splitlines()[-1].startswith("of people distinct-1 ")
    values = fresh.evaluate(DIALOGUES, verbose=0, diversity=True, return_dict=True)
    assert values["texts"] == 9 and values["loss"] == pytest.approx(result.perplexity.loss, rel=1e-4)


def test_truncation_is_reported(fresh, caplog, eager):
    answer = fresh.answer(tf.constant([LONG, "what ?", f"Hello .\n{'one ' * 50}"]))
    assert answer["cut"].numpy().tolist() == [0, 0, 16] and answer["dropped"].numpy().tolist() == [2, 0, 1]
    with caplog.at_level("WARNING", "tfllm"):
        fresh.reply(["Hello .", "one " * 50], max_new_tokens=1)
    assert (
        "1 of 1 dialogues have a last turn, or a system line, that exceeds the history length of 40 tokens"
        in caplog.text
    )
    caplog.clear()
    with caplog.at_level("WARNING", "tfllm"):
        fresh.reply(["Hello ."], max_new_tokens=1)
        fresh.batches(DIALOGUES)
    assert not caplog.text
    fresh.batches([LONG, f"system\t{'one ' * 50}\na\nb"])
    assert "1 of 3 replies have more than 8 tokens and are truncated" in caplog.text
    assert "1 of 3 replies follow a turn of more than 40 tokens" in caplog.text
    assert "1 of 2 system lines have more than half of 40 tokens" in caplog.text


def test_one_speaker_replies(eager):
    task = untrained(MODEL, replies="Ann")
    weights = task.example({"dialogue": tf.constant(DIALOGUES)})[2]
    assert tf.reduce_sum(weights, axis=1).numpy().tolist() == [6, 3]  # I am a cat . END; three four END
    assert task.exchanges(DIALOGUES)[1] == ["I am a cat .", "three four"]
    chat = task.chat(max_new_tokens=2)
    assert (chat.person, chat.model) == ("Bill", "Ann")
    ids = task.prompts(["what ?", "Bill\twhat ?", "Ann\twhat ?"])[0].to_list()
    assert all(row[-2:] == task.script.tags[0] for row in ids)
    with pytest.raises(ValueError, match="no turn to learn from: replies='Ann'"):
        task.batches(["what ?\nyes"])


def test_a_pretrained_language_model_learns_to_talk(eager):
    """GPT-2's tokenizer has no START, and one END; Chinese is bytes of several tokens."""
    letters = [chr(i) for i in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]]
    tokenizer = BytePairs([*letters, "he", "<|endoftext|>"], [("h", "e")])
    lm = LanguageModel(GPT(tokenizer.vocab_size, 96, 1, 16, 2), tokenizer).pretrained(1e-4)
    task = DialogueGenerator.from_language_model(lm, speakers=("user", "bot"), replies="bot", reply_length=20)
    assert task.model is lm.model and task.learning_rate == 1e-4 and task.history_length == 76
    inputs, targets, weights = task.example({"dialogue": tf.constant(["user\t你好\nbot\t四月"])})
    assert tokenizer.decode(inputs).numpy()[0].decode() == "user:你好bot:四月"
    learned = tf.ragged.boolean_mask(targets, weights > 0)
    assert tokenizer.decode(learned).numpy()[0].decode() == "四月" and learned.to_list()[0][-1] == tokenizer.end
    assert inputs.to_list()[0][0] == tokenizer.end
    output = task.reply(["你好"], temperature=2.0, max_new_tokens=12)
    assert output == "".join(task.stream("你好", temperature=2.0, max_new_tokens=12)) and output


def test_chinese_words(eager):
    """Segments: the decoded text has no blanks between Chinese words."""
    texts = ["你会用筷子吗？\n不会，我会用叉子。", "你会说中文吗？\n会。我会说中文。"]
    options = {"vocab_size": 40, "tokenizer": "segments", "model": MODEL}
    task = DialogueGenerator.from_text(texts, tfllm.tasks.DialogueGeneratorConfig(**options))
    _, targets, weights = task.example({"dialogue": tf.constant(texts)})
    learned = task.tokenizer.decode(tf.ragged.boolean_mask(targets, weights > 0)).numpy()
    assert [text.decode() for text in learned] == ["不会，我会用叉子。", "会。我会说中文。"]
    assert "".join(task.stream(texts[0], max_new_tokens=5)) == task.generate(texts[0], max_new_tokens=5)


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda task: task.reply([]), "a history needs one turn or more"),
        (lambda task: task.reply(["a", ""]), "turn 2 is empty"),
        (lambda task: task.reply(["a"], speaker="Eve"), "unknown speaker 'Eve'; this task has Ann, Bill"),
        (lambda task: task.reply("Eve\ta"), "unknown speaker 'Eve'"),
        (lambda task: task.fit(["Eve\ta\nAnn\tb"]), "unknown speakers Eve; this task has Ann, Bill"),
        (lambda task: task.reply(["a"], max_length=9), "no max_length: use max_new_tokens"),
        (lambda task: task.stream("a", beam_width=2).__next__(), "a beam search cannot be streamed"),
        (lambda task: CausalDialogue(task.model, task.tokenizer, ("A", "A")), "two different names or more"),
        (lambda task: CausalDialogue(task.model, task.tokenizer, replies="C"), "'all' or one of A, B; got 'C'"),
        (lambda task: CausalDialogue(task.model, task.tokenizer, reply_length=48), "the model's limit is 48 tokens"),
        (
            lambda task: CausalDialogue(task.model, task.tokenizer, reply_length=9, history_length=60),
            "limit is 39 tokens with such replies",
        ),
        (
            lambda task: CausalDialogue(task.model, Words(["a"]), reply_length=9).prepare(["a"]),
            "encodes the names A, B",
        ),
        (lambda task: DialogueGenerator.from_text(DIALOGUES, "huge"), "config must be one of"),
        (lambda task: DialogueGenerator.from_text(DIALOGUES, embeddings="none.txt"), "none.txt is not a file"),
    ],
)
def test_errors_name_the_fix(act, message, fresh, eager):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        act(fresh)


def test_decoding_options_are_those_of_replies():
    with pytest.raises(ValueError, match="a reply takes no prefix"):
        Replying(prefix="So")
