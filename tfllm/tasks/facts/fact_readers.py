"""Two ways to answer a question about facts: choose one token as the answer, or generate it token by token.

Both classes have `read`, `example`, `call`, `best`, `best_with_attention` and `normalized`, so one task
(fact_answering.py) serves all models.
"""

import tensorflow as tf

from tfllm.generation import sample
from tfllm.ragged import column, joined
from tfllm.tasks.facts.fact_inputs import fact_numbers, folded, memory, plain, story
from tfllm.tasks.vocabularies import Stepping
from tfllm.text import END, PAD, START, UNKNOWN
from tfllm.text.cleaning import lower, replace_invalid

NO_ANSWERS = 4  # special tokens


class AnswerChooser:
    """A MemoryNetwork: the answer is one token, even if it has several words ("milk,apple"), as in the paper's sec. 4.

    fact_length: maximum tokens of a fact.
    """

    def __init__(self, model, tokenizer, fact_length):
        self.model, self.tokenizer, self.fact_length = model, tokenizer, fact_length

    def read(self, facts, questions):
        """-> (inputs of the model, {problem: bool [B], the stories that have it}, words left out int32 [B])."""
        most = self.model.max_facts
        token_ids, truncated, cut = memory(self.tokenizer, facts, most, self.fact_length)
        flags = {
            f"have more than {most} facts and lose the oldest": facts.row_lengths() > most,
            f"have facts of more than {self.fact_length} words, which lose the last": truncated,
        }
        return {"facts": token_ids, "question": self.tokenizer.encode(plain(questions))}, flags, cut

    def targets(self, answers):
        """strings [B] -> the token of each answer, ragged [B, 1]; UNKNOWN for an unknown answer."""
        answers = self.normalized(answers)
        matches = answers[:, None] == tf.constant(self.tokenizer.tokens[NO_ANSWERS:])[None]  # [B, V - 4]
        ids = tf.argmax(matches, axis=1, output_type=tf.int32) + NO_ANSWERS
        return column(tf.where(tf.reduce_any(matches, axis=1), ids, UNKNOWN))

    def normalized(self, answers):
        """strings [B] -> strings [B], equal for equal answers."""
        return answer_key(self.tokenizer, answers)

    def example(self, inputs, answers):
        return inputs, self.targets(answers)

    def call(self, inputs, training=None):
        """{"facts": [B, F · W], "question": [B, Q]} -> logits [B, 1, V]."""
        return self.forward(inputs, training)[0][:, None]

    def forward(self, inputs, training=None):
        return self.model(folded(inputs["facts"], self.fact_length), inputs["question"], training=training)

    def best(self, facts, inputs):
        """Facts, and the output of `read` -> texts [B], probabilities [B]."""
        return self.best_with_attention(facts, inputs)[:2]

    def best_with_attention(self, facts, inputs):
        """-> texts [B], probabilities [B], attention [B, H, F] over the facts, 0 for truncated facts."""
        inputs = {name: part.to_tensor(PAD) for name, part in inputs.items()}
        logits, outputs = self.forward(inputs, False)
        probabilities = tf.nn.softmax(tf.cast(logits[:, : self.tokenizer.vocab_size], tf.float32))[:, NO_ANSWERS:]
        texts = tf.gather(tf.constant(self.tokenizer.tokens[NO_ANSWERS:]), tf.argmax(probabilities, axis=1))
        return (
            texts,
            tf.reduce_max(probabilities, axis=1),
            attention_to_all(outputs["attention"], facts, self.model.max_facts),
        )


class AnswerWriter:
    """A Seq2SeqRNN or a Transformer: reads all facts and the question as one text, and generates the answer greedily.

    answer_length: maximum tokens of an answer, with END.
    """

    def __init__(self, model, tokenizer, answer_length):
        self.model, self.tokenizer, self.answer_length = model, tokenizer, answer_length

    def read(self, facts, questions):
        """As in `AnswerChooser`. A story that is too long loses its first words, the oldest facts."""
        token_ids, limit = story(self.tokenizer, facts, questions), self.model.pe_input
        sizes = tf.cast(token_ids.row_lengths(), tf.int32)
        if limit is None:
            return {"source": token_ids}, {}, tf.zeros_like(sizes)
        flags = {f"have more than {limit} words and lose the first": sizes > limit}
        return {"source": token_ids[:, -limit:]}, flags, tf.maximum(sizes - limit, 0)

    def normalized(self, answers):
        """strings [B] -> strings [B], equal for answers of the same words."""
        return self.tokenizer.decode(self.tokenizer.encode(answers))

    def truncated_answers(self, answers):
        """strings [B] -> {problem: bool [B]}."""
        what = f"have an answer of more than {self.answer_length - 1} words, which loses the last"
        return {what: self.tokenizer.encode(answers).row_lengths() >= self.answer_length}

    def example(self, inputs, answers):
        answers = self.tokenizer.encode(answers)[:, : self.answer_length - 1]
        return inputs | {"target": joined(START, answers)}, joined(answers, END)

    def call(self, inputs, training=None):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V]."""
        return self.model(inputs["source"], inputs["target"], training=training)[0]

    def source(self, inputs):
        """-> token_ids [B, S], dense; S is at least 1, since a recurrent model cannot read an empty batch."""
        token_ids = inputs["source"]
        positions = tf.maximum(token_ids.bounding_shape(axis=1), 1)
        return token_ids.to_tensor(PAD, shape=tf.stack([token_ids.nrows(), positions]))

    def generate(self, source):
        """source [B, S] -> (START and the answer [B, L], log-probabilities [B])."""
        fixed, state = self.model.start(source, 1, self.answer_length)
        start = tf.fill([tf.shape(source)[0], 1], START)
        given = tf.concat([tf.ones_like(start), tf.zeros_like(start)], axis=1)
        given = tf.repeat(given, [1, self.answer_length], axis=1)
        token_ids = tf.pad(start, [[0, 0], [0, self.answer_length]], constant_values=PAD)
        stepping = Stepping(self.model, self.tokenizer.vocab_size, in_place=True)

        def step(last, state, position):
            return stepping.step(last, fixed, state, position)

        given = tf.cast(given, tf.bool)
        return sample(step, state, token_ids, given, forbidden=(PAD, UNKNOWN, START), in_place=True)[:2]

    def best(self, facts, inputs):
        """As in `AnswerChooser`."""
        token_ids, scores = self.generate(self.source(inputs))
        return replace_invalid(self.tokenizer.decode(token_ids)), tf.exp(scores)

    def best_with_attention(self, facts, inputs):
        """-> texts [B], probabilities [B], attention [B, L, F] of each generated token, END included, to the facts.

        Attention to the question is left out, so the sums are below 1.
        """
        source = self.source(inputs)
        token_ids, scores = self.generate(source)
        _, outputs = self.model(source, token_ids[:, :-1], training=False)
        weights = tf.cast(outputs[self.model.source_attention[-1]], tf.float32)
        weights = weights if len(weights.shape) == 3 else tf.reduce_mean(weights, axis=1)  # over heads
        numbers = fact_numbers(source, facts.row_lengths())
        share = tf.one_hot(numbers, tf.cast(facts.bounding_shape(axis=1), tf.int32))  # [B, S, F]
        weights = tf.einsum("bts,bsf->btf", weights, share)
        weights = tf.where((token_ids[:, 1:] == PAD)[..., None], 0.0, weights)
        return replace_invalid(self.tokenizer.decode(token_ids)), tf.exp(scores), weights


def answer_key(tokenizer, answers):
    """strings [B] -> the token of a memory network for each answer: stripped, and lower-cased like the tokens."""
    return tf.strings.strip(lower(answers) if tokenizer.lowercase else answers)


def attention_to_all(weights, facts, most):
    """Attention [B, H, ...] to the last `most` facts -> [B, H, F] to all of `facts`, ragged [B, None]."""
    left_out = tf.maximum(facts.row_lengths() - most, 0)  # [B]
    positions = tf.range(facts.bounding_shape(axis=1))[None] - left_out[:, None]  # [B, F]
    num_kept = tf.shape(weights, tf.int64)[2]
    weights = tf.pad(tf.cast(weights, tf.float32), [[0, 0], [0, 0], [0, 1]])  # 0 for truncated facts
    return tf.gather(
        weights, tf.where((positions < 0) | (positions > num_kept), num_kept, positions), axis=2, batch_dims=1
    )
