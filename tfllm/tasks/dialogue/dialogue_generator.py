"""Dialogue: a model that generates the next turn of a conversation between several speakers."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfllm.data import batches
from tfllm.data.reading.dialogues import SYSTEM
from tfllm.losses import TokenCrossEntropy
from tfllm.metrics import TokenAccuracy, TokenMean
from tfllm.models.causal import CausalModel
from tfllm.ragged import column, joined
from tfllm.tasks import user_data
from tfllm.tasks.building import Builder
from tfllm.tasks.compiled import compiled
from tfllm.tasks.compiling import Metrics
from tfllm.tasks.dialogue import exchanges, turns
from tfllm.tasks.dialogue.chat_template import ChatTemplate
from tfllm.tasks.dialogue.conversation import Chat, dialogue_of
from tfllm.tasks.dialogue.reply_forms import CausalReplies, Seq2SeqReplies
from tfllm.tasks.dialogue.speakers import ALL, SIZES, SPEAKERS, lines, names
from tfllm.tasks.settings import DialogueGeneratorConfig
from tfllm.tasks.task import log
from tfllm.tasks.text_generation.decoding import Replying
from tfllm.tasks.text_generation.likelihood import summed
from tfllm.tasks.text_generation.writing import Writing
from tfllm.tasks.vocabularies import expect_rows

LENGTH = 256  # default tokens of a history, if the model has no limit


@keras.saving.register_keras_serializable("tfllm")
class DialogueGenerator(Writing):
    """A `model` with its `tokenizer` that generates the next turn. Records have "dialogue", see
    data/reading/dialogues.py.

    DialogueGenerator.from_text(records) learns the tokenizer and builds the model. A causal model reads and writes one
    stream of turns; in an encoder-decoder the encoder reads the history and the decoder generates the reply: see
    reply_forms.py.

    speakers        their names, which tag the turns. Turns without a name alternate in this order
    replies         "all": learn each turn that follows another; or a speaker's name: learn and generate only turns of
                    this speaker
    history_length  maximum tokens of the history: the system line, and as many of the latest whole turns as fit; see
                    tasks/dialogue/turns.py
    reply_length    maximum tokens of a reply, with END; in training longer replies are truncated with a warning

    template        the fields of a chat_template.ChatTemplate, as a dict: the strings around turns in place of tags

    The loss is over the tokens of the replies and their END, not over tags and histories.
    Raises ValueError for invalid speakers and for lengths above the model's limit.
    """

    fields = asks = ("dialogue",)
    allows_sample_weight = False  # a row has one reply or more
    decoding = Replying

    def __init__(self, model, tokenizer, speakers=SPEAKERS, replies=ALL, history_length=None, reply_length=48,
                 label_smoothing=0.0, template=None, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.template = template
        self.model, self.tokenizer, self.label_smoothing = model, tokenizer, label_smoothing
        self.speakers, self.replies, self.reply_length = tuple(speakers), replies, reply_length
        expect_rows(model, tokenizer)
        self.check_speakers()
        self.history_length = (self.form.most(reply_length) or LENGTH) if history_length is None else history_length
        self.check_settings()
        self.built = True

    def check_settings(self):
        self.check_speakers()
        most = self.form.most(self.reply_length)
        if most is not None and self.history_length > most:
            raise ValueError(
                f"history_length is {self.history_length}; the model's limit is {most} tokens with such replies"
            )

    def check_speakers(self):
        speakers, replies = self.speakers, self.replies
        if len(set(speakers)) < len(speakers) or len(speakers) < 2 or {SYSTEM, ALL} & set(speakers):
            raise ValueError(f"speakers must be two different names or more, not 'system' or 'all'; got {speakers}")
        if replies not in (ALL, *speakers):
            raise ValueError(f"replies must be 'all' or one of {', '.join(speakers)}; got {replies!r}")

    @property
    def form(self):
        """How this kind of model handles dialogues, in training and when it replies."""
        return (CausalReplies if isinstance(self.model, CausalModel) else Seq2SeqReplies)(self)

    @property
    def writer(self):
        return self.form.writer

    @classmethod
    def from_text(cls, records: Any, config: str | DialogueGeneratorConfig = "tiny", embeddings: Any = None,
                  embeddings_trainable: bool | str | None = None) -> "DialogueGenerator":  # fmt: skip
        """Learn the vocabulary of the dialogues (records, or strings) and build an untrained model.

        config: a DialogueGeneratorConfig or its name: "tiny" (a GPT, default), "lstm", "seq2seq".
        embeddings, embeddings_trainable: word vectors, see `tasks.building.Builder`; they override the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        texts = user_data.strings(user_data.read(cls.fields, records, who=cls.__name__), "dialogue")[0]
        speakers = build.config.speakers or names(texts) or SPEAKERS
        tokenizer = build.learn(lines(texts, speakers))
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, speakers=speakers))

    @classmethod
    def from_language_model(cls, task: Any, **options: Any) -> "DialogueGenerator":
        """A dialogue generator with the model (shared, not copied) and tokenizer of a LanguageModel.

        options: speakers, replies, history_length, reply_length. Train it on dialogues with `fit`. For a GPT-2 of
        Hugging Face's hub use LanguageModel.from_pretrained first.
        """
        generator = cls(task.model, task.tokenizer, **options)
        generator.learning_rate = task.learning_rate
        return generator

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, rate: float | None = None, reply_length: int | None = None,
                        history_length: int | None = None, **options: Any) -> "DialogueGenerator":  # fmt: skip
        """A chat model with its tokenizer and chat template: a folder in Hugging Face's format, a name on its hub, or a
        .gguf file.

        The speakers are "user" and "assistant". reply_length: by default 512, at most half of the model's limit.
        rate, options: as in LanguageModel.from_pretrained. Raises ValueError if there is no chat template, or if it has
        no fixed strings around turns (chat_template.py).
        """
        from tfllm.tasks.dialogue import pretrained_dialogue

        made = pretrained_dialogue.arguments(path_or_name, rate, reply_length, **options)
        return cls(**made, history_length=history_length).pretrained()

    def save_pretrained(self, folder: str | Path) -> None:
        """As LanguageModel.save_pretrained, with the chat template."""
        from tfllm.tasks import pretrained_causal

        pretrained_causal.save(self.model, self.tokenizer, folder, (self.template or {}).get("source"))

    # Strings -> inputs of the model

    @property
    def script(self):
        """The token layout of dialogues; made anew, so that it follows changes of the tokenizer."""
        template = None if self.template is None else ChatTemplate(**self.template)
        return turns.Script(self.tokenizer, self.speakers, self.history_length, self.form.first, template)

    def parsed(self, texts):
        """Dialogues, strings [B] -> turns.Parsed."""
        return turns.parsed(texts, self.speakers, self.template is not None)

    @property
    def replying(self):
        """The number of the one speaker who replies, or None."""
        return None if self.replies == ALL else self.speakers.index(self.replies)

    def prompts(self, texts):
        """Dialogues [B] -> (token ids up to the tag of the replying speaker, ragged [B, None], notes).

        notes: {"dropped": number of dropped turns [B], "cut": truncated tokens of the last turn and the system line
        [B]}.
        """
        parsed, script = self.parsed(texts), self.script
        written = script.write(parsed)
        begin, end = written.splits[:-1], written.splits[1:]
        before = tf.gather(tf.concat([[-1], written.speakers], axis=0), end)  # the last speaker
        who = (tf.where(end > begin, before, -1) + 1) % len(self.speakers)
        who = who if self.replying is None else tf.fill(tf.shape(who), self.replying)
        who = tf.where(parsed.next_speaker >= 0, parsed.next_speaker, who)
        dialogue = tf.range(tf.size(end, tf.int64))
        first, cut = script.histories(written, dialogue, end, who)
        ids = joined(script.history(written, dialogue, end, first, cut), script.tags_of(who))
        notes = {"dropped": first - begin, "cut": cut + written.system_cut}
        return ids, {name: tf.cast(part, tf.int32) for name, part in notes.items()}

    def examined(self, texts):
        return turns.last_turns(texts, self.speakers)

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None]: the history that the model reads."""
        return self.prompts(texts)[0]

    def scripted(self, record):
        """A record's dialogues -> (script, the turns.Written, the turns.Replies)."""
        script = self.script
        written = script.write(self.parsed(record["dialogue"]))
        return script, written, turns.replies(script, written, self.replying)

    def example(self, record):
        """Dialogues -> (inputs, targets, weights), ragged [N, None]."""
        return self.form.examples(*self.scripted(record))

    def checked(self, record):
        """-> (the example, flags of truncation: "long" replies, "cut" turns before a reply, "system" lines), ragged."""
        script, written, replies = self.scripted(record)
        flags = {name: column(flag > 0) for name, flag in self.truncations(written, replies).items()}
        return self.form.examples(script, written, replies), flags

    def truncations(self, written, replies):
        """Truncated tokens: {"long": of each reply [N], "cut": of the last turn of its history [N], "system": [B]}."""
        around = written.tag_lengths + written.tail_lengths
        sizes = tf.gather(written.token_ids.row_lengths() - around, replies.turn)
        return {"long": sizes - self.reply_length, "cut": replies.cut, "system": written.system_cut}

    def rows(self, records, verbose=0):
        """As in Task; truncation logs a warning. Raises ValueError for unknown speakers, and if there is no reply."""
        if others := [name for name in names(user_data.strings(records, "dialogue")[0]) if name not in self.speakers]:
            raise ValueError(f"unknown speakers {', '.join(others)}; this task has {', '.join(self.speakers)}")
        rows, flags = batches.rows(records, self.checked, verbose)
        flags = {name: flag.flat_values.numpy() for name, flag in flags.items()}
        if not len(flags["long"]):
            raise ValueError(
                f"no turn to learn from: replies={self.replies!r} needs turns of this speaker that follow another turn"
            )
        for name, what in (
            ("long", f"replies have more than {self.reply_length} tokens and are truncated"),
            ("cut", f"replies follow a turn of more than {self.history_length} tokens, whose beginning is truncated"),
            ("system", f"system lines have more than half of {self.history_length} tokens: their end is truncated"),
        ):
            if flags[name].any():
                log.warning("%d of %d %s", flags[name].sum(), len(flags[name]), what)
        return rows

    def report(self, result, decoding):
        if (cut := result["cut"]).any():
            log.warning("%d of %d dialogues have a last turn, or a system line, that exceeds the history length of %d "
            "tokens: %d tokens were truncated", (cut > 0).sum(), len(cut), self.history_length,
                        cut.sum())  # fmt: skip

    def call(self, inputs, training=None):
        """-> logits [B, T, V] of the token after each; inputs: see `form`."""
        return self.form.call(inputs, training)

    def objective(self):
        loss = TokenCrossEntropy(self.label_smoothing)
        return {"loss": loss, "weighted_metrics": [TokenMean(loss, name="loss"), TokenAccuracy()]}

    # Replies

    def reply(self, history: Any, system: str | None = None, speaker: str | None = None, **options: Any) -> str:
        """The next turn, a str.

        history: turns (str), pairs of speaker and turn, or messages {"role", "content"}; or a dialogue as one string.
        system: a system line before the history. speaker: who replies; default: `replies`, or the next speaker.
        options: those of `generate`, such as repetition_penalty=1.2, no_repeat_ngram_size=3, temperature=0.8, seed=1.
        A truncated last turn logs a warning.
        """
        return self.generate(self.text(history, system, speaker), **options)

    def text(self, history: Any, system: str | None = None, speaker: str | None = None) -> str:
        """The string of a dialogue. Raises ValueError for an empty history and for unknown speakers."""
        text = dialogue_of(history, system, self.template is not None)
        for name in [*names([text]), *([] if speaker is None else [speaker])]:
            if name not in self.speakers:
                raise ValueError(f"unknown speaker {name!r}; this task has {', '.join(self.speakers)}")
        return text if speaker is None else f"{text}\n{speaker}\t"

    @property
    def facts(self):
        """For the manifest of the export: who speaks, the user first, then who replies; if line breaks are kept."""
        chat = Chat(self)
        return {"speakers": [chat.person, chat.model], "keep_lines": self.template is not None}

    def chat(self, system: str | None = None, **decoding: Any) -> Chat:
        """A Chat, which keeps the history of a conversation with this model. decoding: as in `reply`."""
        return Chat(self, system, **decoding)

    # Scores

    def exchanges(self, x):
        """Records or strings -> (histories, replies), lists of str: each reply that is learned, and its history."""
        return exchanges.exchanges(self, x)

    def score(self, x: Any, most: int | None = None, batch_size: int = 32, batch_tokens: int = 4096,
              verbose: int | str = "auto", **decoding: Any) -> Any:  # fmt: skip
        """evaluation.ReplyScores: the perplexity of the replies in `x`, and the diversity of generated replies.

        most: number of replies to generate, spread evenly over all; None: all, 0: none.
        The perplexity of a reply beyond `reply_length` is that of its beginning.
        """
        return exchanges.scores(self, x, most, batch_size, batch_tokens, verbose, **decoding)

    @property
    @compiled
    def summed(self):
        """likelihood.summed of this task, compiled."""
        return tf.function(partial(summed, self), autograph=False, reduce_retracing=True)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: int | str = "auto",
                 diversity: bool = False, return_dict: bool = False, **options: Any) -> Metrics:  # fmt: skip
        """As in Keras, also on strings: loss and accuracy per token of the replies.

        diversity: also distinct1 to length of generated replies (`evaluation.Diversity`).
        """
        x = user_data.materialize(x)
        result: Any = super().evaluate(x, y, batch_size, verbose, return_dict=return_dict, **options)
        if not diversity:
            return result
        values = self.score(x, verbose=verbose).replies.as_dict()
        return result | values if return_dict else [*result, *values.values()]


CausalDialogue = Seq2SeqDialogue = DialogueGenerator  # former classes for each kind of model
for name in ("CausalDialogue", "Seq2SeqDialogue"):  # files that contain the former classes
    keras.saving.get_custom_objects()[f"tfllm>{name}"] = DialogueGenerator
