"""Dialogue: turns of several speakers, and a model that says the next one."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import batches
from tfllm.data.reading.dialogues import SYSTEM, dialogue, of_messages
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.causal import CausalModel
from tfllm.ragged import column, joined
from tfllm.tasks import records as gate
from tfllm.tasks.building import Builder
from tfllm.tasks.compiled import compiled
from tfllm.tasks.dialogue import turns
from tfllm.tasks.dialogue.conversation import Chat
from tfllm.tasks.dialogue.reply_forms import CausalReplies, Seq2SeqReplies
from tfllm.tasks.dialogue.speakers import ALL, SIZES, SPEAKERS, lines, names
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.decoding import Replying
from tfllm.tasks.text_generation.likelihood import summed
from tfllm.tasks.text_generation.writing import Writing
from tfllm.tasks.texts import decoded, is_one, shown
from tfllm.tasks.vocabularies import expect_rows

LENGTH = 256  # tokens of a history, where neither the user nor the model says how many


@keras.saving.register_keras_serializable("tfllm")
class DialogueGenerator(Writing):
    """A `model` with its `tokenizer` that says the next turn. Records have "dialogue", see data/reading/dialogues.py.

    DialogueGenerator.from_text(records) learns the tokenizer and builds the model. A causal model reads and writes one
    stream of turns; of an encoder-decoder the encoder reads the history, and the decoder says the reply: see
    reply_forms.py.

    speakers        their names: the marks of the turns. Turns without a name alternate in this order
    replies         "all": each turn that follows another is learned; or a speaker's name: those of this one, who then
                    is the one that replies
    history_length  tokens that a reply looks back at: the system line, always, and as many whole turns as fit, the
                    latest; tasks/dialogue/turns.py says how
    reply_length    tokens of a reply, END counted; what is longer is cut in training, which is told

    The loss is of the replies alone: their tokens and the END of each, not their marks.
    """

    fields = asks = ("dialogue",)
    weighable = False  # a row is a reply, or some
    decoding = Replying

    def __init__(self, model, tokenizer, speakers=SPEAKERS, replies=ALL, history_length=None, reply_length=48,
                 label_smoothing=0.0, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.model, self.tokenizer, self.label_smoothing = model, tokenizer, label_smoothing
        self.speakers, self.replies, self.reply_length = tuple(speakers), replies, reply_length
        expect_rows(model, tokenizer)
        if len(set(speakers)) < len(speakers) or len(speakers) < 2 or {SYSTEM, ALL} & set(speakers):
            raise ValueError(f"speakers must be two different names or more, not 'system' or 'all'; got {speakers}")
        if replies not in (ALL, *speakers):
            raise ValueError(f"replies must be 'all' or one of {', '.join(speakers)}; got {replies!r}")
        most = self.form.most(reply_length)
        self.history_length = (most or LENGTH) if history_length is None else history_length
        if most is not None and self.history_length > most:
            raise ValueError(f"history_length is {history_length}; the model takes {most} tokens beside such replies")
        self.built = True

    @property
    def form(self):
        """What the model makes of dialogues, in training and when it replies."""
        return (CausalReplies if isinstance(self.model, CausalModel) else Seq2SeqReplies)(self)

    @property
    def writer(self):
        return self.form.writer

    @classmethod
    def from_text(cls, records, config="tiny", embeddings=None, embeddings_trainable=None):
        """Learns the vocabulary of the dialogues (records, or strings) and builds an untrained model for them.

        config: a DialogueGeneratorConfig, or the name of one: "tiny" (a GPT, the default), "lstm", "seq2seq".
        embeddings, embeddings_trainable: word vectors to begin with, see `tasks.building.Builder`; above those of
        the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        texts = gate.strings(gate.read(cls.fields, records, who=cls.__name__), "dialogue")[0]
        speakers = build.config.speakers or names(texts) or SPEAKERS
        tokenizer = build.learn(lines(texts, speakers))
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, speakers=speakers))

    @classmethod
    def from_language_model(cls, task, **options):
        """A dialogue generator that begins with the model (the very same, not a copy) and tokenizer of a LanguageModel.

        options: speakers, replies, history_length, reply_length. What the language model was pre-trained on is to be
        followed by `fit` on dialogues; GPT-2 of Hugging Face's hub comes by LanguageModel.from_pretrained.
        """
        found = cls(task.model, task.tokenizer, **options)
        found.learning_rate = task.learning_rate
        return found

    # from strings to what the model is shown

    @property
    def script(self):
        """How dialogues are written; of a tokenizer that was just loaded too."""
        return turns.Script(self.tokenizer, self.speakers, self.history_length, self.form.first)

    @property
    def replying(self):
        """The number of the one speaker who replies, or None."""
        return None if self.replies == ALL else self.speakers.index(self.replies)

    def prompts(self, texts):
        """Dialogues [B] -> (token ids up to the mark of who replies, ragged [B, None], what of them is not read).

        That is {"dropped": turns [B], "cut": tokens of the last turn, or of the system line, [B]}.
        """
        said, script = turns.parsed(texts, self.speakers), self.script
        written = script.write(said)
        begin, end = written.splits[:-1], written.splits[1:]
        before = tf.gather(tf.concat([[-1], written.speakers], axis=0), end)  # who spoke last
        who = (tf.where(end > begin, before, -1) + 1) % len(self.speakers)
        who = who if self.replying is None else tf.fill(tf.shape(who), self.replying)
        who = tf.where(said.asked >= 0, said.asked, who)
        dialogue = tf.range(tf.size(end, tf.int64))
        first, cut = script.histories(written, dialogue, end, who)
        ids = joined(script.history(written, dialogue, end, first, cut), script.marked(who))
        told = {"dropped": first - begin, "cut": cut + written.system_cut}
        return ids, {name: tf.cast(part, tf.int32) for name, part in told.items()}

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None]: the history, as far as the model is shown it."""
        return self.prompts(texts)[0]

    def scripted(self, record):
        """A record's dialogues -> (script, as turns.Written, its turns.Replies)."""
        script = self.script
        written = script.write(turns.parsed(record["dialogue"], self.speakers))
        return script, written, turns.replies(script, written, self.replying)

    def example(self, record):
        """Dialogues -> (inputs, targets, weights), ragged [N, None]."""
        return self.form.examples(*self.scripted(record))

    def checked(self, record):
        """-> (the example, what is truncated: "long" replies, "cut" turns before a reply, "system" lines), ragged."""
        script, written, found = self.scripted(record)
        flags = {name: column(flag > 0) for name, flag in self.truncations(written, found).items()}
        return self.form.examples(script, written, found), flags

    def truncations(self, written, found):
        """{"long": [N] 1 where a reply is cut, "cut": [N] tokens of its history's last turn, "system": [B]}."""
        sizes = tf.gather(written.token_ids.row_lengths() - written.marks, found.turn)
        return {"long": sizes - self.reply_length, "cut": found.cut, "system": written.system_cut}

    def rows(self, records, verbose=0):
        """As in Task; what is too long is told. ValueError for speakers of other names, and where there is no reply."""
        if others := [name for name in names(gate.strings(records, "dialogue")[0]) if name not in self.speakers]:
            raise ValueError(f"the data has the speakers {', '.join(others)}; known are {', '.join(self.speakers)}")
        rows, told = batches.rows(records, self.checked, verbose)
        told = {name: part.flat_values.numpy() for name, part in told.items()}
        if not len(told["long"]):
            raise ValueError(f"no turn to learn from: replies={self.replies!r}, of turns that follow another")
        for name, what in (
            ("long", f"replies have more than {self.reply_length} tokens and are cut"),
            ("cut", f"replies follow a turn that has no room in {self.history_length} tokens: its beginning is cut"),
            ("system", f"system lines have no room in half of {self.history_length} tokens: their end is cut"),
        ):
            if told[name].any():
                log.warning("%d of %d %s", told[name].sum(), len(told[name]), what)
        return rows

    def report(self, found, decoding):
        if (cut := found["cut"]).any():
            log.warning("%d of %d dialogues have a last turn, or a system line, that has no room in the %d tokens of a "
                        "history: %d tokens were not read", (cut > 0).sum(), len(cut), self.history_length,
                        cut.sum())  # fmt: skip

    def call(self, inputs):
        """-> logits [B, T, V] of the token after each; inputs: see `form`."""
        return self.form.call(inputs)

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    # talking

    def reply(self, history, system=None, speaker=None, **options):
        """The next turn, a str.

        history: turns (str), or pairs of speaker and turn, or messages {"role", "content"}; or a dialogue as one string
        system: a line that the history begins with. speaker: who is to reply; left out, `replies`, or who is next
        options: those of `generate`, such as repetition_penalty=1.2, no_repeat_ngram_size=3, temperature=0.8, seed=1.
        A last turn that is too long for the model is told in a warning.
        """
        return self.generate(self.text(history, system, speaker), **options)

    def text(self, history, system=None, speaker=None):
        """The string of a dialogue, as `reply` takes it. ValueError for an empty history and for unknown speakers."""
        if is_one(history):
            text = decoded([gate.one(history, "dialogue")])[0]
            text = text if system is None else f"{dialogue([], system=system)}\n{text}"
        else:
            text = dialogue(**turns_of(history) | ({} if system is None else {"system": system}))
        for name in [*names([text]), *([] if speaker is None else [speaker])]:
            if name not in self.speakers:
                raise ValueError(f"no speaker {name!r}; known are {', '.join(self.speakers)}")
        return text if speaker is None else f"{text}\n{speaker}\t"

    def chat(self, system=None, **decoding):
        """A tasks.chat.Chat: it keeps the history of a talk with this model. decoding: as of `reply`."""
        return Chat(self, system, **decoding)

    # scores

    def exchanges(self, x):
        """Records or strings -> (histories, replies), lists of str: each turn that is learned, and what it answers."""
        histories, found = [], []
        said = turns.parsed(tf.constant(gate.columns(self.records(x), "dialogue")[0], tf.string), self.speakers)
        columns = said.system.numpy(), said.turns.to_list(), said.speakers.to_list()
        for system, spoken, who in zip(*columns, strict=True):
            system, who = system.decode("utf-8", "replace") or None, [self.speakers[i] for i in who]
            spoken = [turn.decode("utf-8", "replace") for turn in spoken]
            for place in range(1, len(spoken)):
                if self.replies in (ALL, who[place]):
                    histories.append(f"{dialogue(spoken[:place], who[:place], system)}\n{who[place]}\t")
                    found.append(spoken[place])
        return histories, found

    def score(self, x, most=None, batch_size=32, batch_tokens=4096, verbose="auto", **decoding):
        """evaluation.ReplyScores: the perplexity of the replies in `x`, and the diversity of the model's own there.

        most: how many of them it is asked for, evenly over all; None: for all, 0: for none.
        Of a reply that is longer than `reply_length` the perplexity is that of its beginning, which is told.
        """
        from tfllm import evaluation

        histories, replies = self.exchanges(x)
        made, total = self.batches(x, tokens=batch_tokens), np.zeros(3)
        for inputs, targets, weights in made.dataset:
            total += self.summed(inputs, targets, weights).numpy()
        ids = self.tokenizer.encode(replies)
        read = tf.where(  # what the sum is of
            ids.row_lengths() < self.reply_length, replies, self.tokenizer.decode(ids[:, : self.reply_length])
        )
        counts = evaluation.counts(read.numpy())
        perplexity = evaluation.Perplexity(float(total[0]), round(total[1]), counts, round(total[2]))
        size = len(replies) if most is None else min(most, len(replies))
        if not size:
            return evaluation.ReplyScores(perplexity, None, None)
        places = np.linspace(0, len(replies), size, endpoint=False).astype(int)
        said = self.generate([histories[i] for i in places], batch_size=batch_size, verbose=verbose, **decoding)
        people = evaluation.diversity([replies[i] for i in places])
        return evaluation.ReplyScores(perplexity, evaluation.diversity(said), people)

    @property
    @compiled
    def summed(self):
        """likelihood.summed of this task, compiled."""
        return tf.function(partial(summed, self), autograph=False, reduce_retracing=True)

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", diversity=False, return_dict=False, **options):
        """As in Keras, of strings too: token-mean loss and accuracy of the replies; and, where `diversity` is True,
        distinct1 to length of the model's own (`evaluation.Diversity`)."""
        x = gate.held(x)
        result = super().evaluate(x, y, batch_size, verbose, return_dict=return_dict, **options)
        if not diversity:
            return result
        values = self.score(x, verbose=verbose).said.as_dict()
        return result | values if return_dict else [*result, *values.values()]


def turns_of(history):
    """Turns, pairs of speaker and turn, or messages -> the arguments of `dialogue`. TypeError for anything else."""
    if not isinstance(history, (list, tuple)):
        raise TypeError(f"expected a dialogue as one string, or a list of turns; got {shown(history)}")
    if not history:
        raise ValueError("a history has one turn or more; got none")
    if all(isinstance(turn, dict) for turn in history):
        return of_messages(list(history))
    if all(isinstance(turn, (list, tuple)) and len(turn) == 2 for turn in history):
        return {"turns": [turn for _, turn in history], "speakers": [name for name, _ in history]}
    for number, turn in enumerate(history):
        if not is_one(turn):
            raise TypeError(
                f"expected turns (str), pairs of speaker and turn, or messages; got {shown(turn)} as turn {number}"
            )
    return {"turns": decoded(gate.texts(history, "turn"))}


CausalDialogue = Seq2SeqDialogue = DialogueGenerator  # as they were called when each kind of model had a class
for name in ("CausalDialogue", "Seq2SeqDialogue"):  # of files that were saved then
    keras.saving.get_custom_objects()[f"tfllm>{name}"] = DialogueGenerator
