"""How an answer comes from facts and a question: chosen among all tokens, or written token by token.

Both have `read`, `example`, `call`, `best`, `looks` and `normal`, so that there is one task for all models
(fact_answering.py).
"""

import tensorflow as tf

from tfllm.generation import sample
from tfllm.ragged import column, joined
from tfllm.tasks.facts.fact_inputs import fact_numbers, folded, memory, plain, story
from tfllm.tasks.vocabularies import Sayable
from tfllm.text import END, PAD, START, UNKNOWN
from tfllm.text.cleaning import lower, replace_invalid

NO_ANSWERS = 4  # ids that stand for no text


class Chosen:
    """A MemoryNetwork: the answer is one token, whatever it is made of. "milk,apple" is one, as in the paper's sec. 4.

    fact_length: tokens of a fact, at most.
    """

    def __init__(self, model, tokenizer, fact_length):
        self.model, self.tokenizer, self.fact_length = model, tokenizer, fact_length

    def read(self, facts, questions):
        """-> (inputs of the model, {problem: bool [B], the stories that have it}, words left out int32 [B])."""
        most = self.model.max_facts
        token_ids, long, cut = memory(self.tokenizer, facts, most, self.fact_length)
        flags = {
            f"have more than {most} facts and lose the oldest": facts.row_lengths() > most,
            f"have facts of more than {self.fact_length} words, which lose the last": long,
        }
        return {"facts": token_ids, "question": self.tokenizer.encode(plain(questions))}, flags, cut

    def targets(self, answers):
        """strings [B] -> the token each is, ragged [B, 1]; UNKNOWN where none is."""
        answers = self.normal(answers)
        hit = answers[:, None] == tf.constant(self.tokenizer.tokens[NO_ANSWERS:])[None]  # [B, V - 4]
        ids = tf.argmax(hit, axis=1, output_type=tf.int32) + NO_ANSWERS
        return column(tf.where(tf.reduce_any(hit, axis=1), ids, UNKNOWN))

    def normal(self, answers):
        """strings [B] -> strings [B], the same for answers that are the same."""
        return answer_key(self.tokenizer, answers)

    def example(self, inputs, answers):
        return inputs, self.targets(answers)

    def call(self, inputs, training=None):
        """{"facts": [B, F · W], "question": [B, Q]} -> logits [B, 1, V]."""
        return self.seen(inputs, training)[0][:, None]

    def seen(self, inputs, training=None):
        return self.model(folded(inputs["facts"], self.fact_length), inputs["question"], training=training)

    def best(self, facts, inputs):
        """Facts, and what `read` made of them and the questions -> texts [B], probabilities [B]."""
        return self.looks(facts, inputs)[:2]

    def looks(self, facts, inputs):
        """-> texts [B], probabilities [B], attention [B, H, F] over the facts, 0 of those that were left out."""
        inputs = {name: part.to_tensor(PAD) for name, part in inputs.items()}
        logits, seen = self.seen(inputs, False)
        chances = tf.nn.softmax(tf.cast(logits[:, : self.tokenizer.vocab_size], tf.float32))[:, NO_ANSWERS:]
        texts = tf.gather(tf.constant(self.tokenizer.tokens[NO_ANSWERS:]), tf.argmax(chances, axis=1))
        return texts, tf.reduce_max(chances, axis=1), moved(seen["attention"], facts, self.model.max_facts)


class Written:
    """A Seq2SeqRNN or a Transformer: it reads all facts and the question as one text, and writes the answer greedily.

    answer_length: tokens of an answer, END counted, at most.
    """

    def __init__(self, model, tokenizer, answer_length):
        self.model, self.tokenizer, self.answer_length = model, tokenizer, answer_length

    def read(self, facts, questions):
        """As of `Chosen`. A story that is too long loses its beginning, the oldest facts."""
        token_ids, limit = story(self.tokenizer, facts, questions), self.model.pe_input
        sizes = tf.cast(token_ids.row_lengths(), tf.int32)
        if limit is None:
            return {"source": token_ids}, {}, tf.zeros_like(sizes)
        flags = {f"have more than {limit} words and lose the first": sizes > limit}
        return {"source": token_ids[:, -limit:]}, flags, tf.maximum(sizes - limit, 0)

    def normal(self, answers):
        """strings [B] -> strings [B], the same for answers of the same words."""
        return self.tokenizer.decode(self.tokenizer.encode(answers))

    def long(self, answers):
        """strings [B] -> {what happens to them: bool [B]}."""
        what = f"have an answer of more than {self.answer_length - 1} words, which loses the last"
        return {what: self.tokenizer.encode(answers).row_lengths() >= self.answer_length}

    def example(self, inputs, answers):
        answers = self.tokenizer.encode(answers)[:, : self.answer_length - 1]
        return inputs | {"target": joined(START, answers)}, joined(answers, END)

    def call(self, inputs, training=None):
        """{"source": [B, S], "target": [B, T]} -> logits [B, T, V]."""
        return self.model(inputs["source"], inputs["target"], training=training)[0]

    def source(self, inputs):
        """-> token_ids [B, S], dense; S is 1 at least, for a recurrent model reads no empty batch."""
        token_ids = inputs["source"]
        places = tf.maximum(token_ids.bounding_shape(axis=1), 1)
        return token_ids.to_tensor(PAD, shape=tf.stack([token_ids.nrows(), places]))

    def written(self, source):
        """source [B, S] -> (START and the answer [B, L], log-probabilities [B])."""
        fixed, state = self.model.start(source, 1, self.answer_length)
        start = tf.fill([tf.shape(source)[0], 1], START)
        given = tf.concat([tf.ones_like(start), tf.zeros_like(start)], axis=1)
        given = tf.repeat(given, [1, self.answer_length], axis=1)
        token_ids = tf.pad(start, [[0, 0], [0, self.answer_length]], constant_values=PAD)

        def step(last, state, position):
            return Sayable(self.model, self.tokenizer.vocab_size).step(last, fixed, state, position)

        return sample(step, state, token_ids, tf.cast(given, tf.bool), forbidden=(PAD, UNKNOWN, START))[:2]

    def best(self, facts, inputs):
        """As of `Chosen`."""
        token_ids, scores = self.written(self.source(inputs))
        return replace_invalid(self.tokenizer.decode(token_ids)), tf.exp(scores)

    def looks(self, facts, inputs):
        """-> texts [B], probabilities [B], attention [B, L, F] of each written token, END too, to the facts.

        What is looked at beside them is the question: the sums are below 1.
        """
        source = self.source(inputs)
        token_ids, scores = self.written(source)
        _, seen = self.model(source, token_ids[:, :-1], training=False)
        weights = tf.cast(seen[self.model.source_attention[-1]], tf.float32)
        weights = weights if len(weights.shape) == 3 else tf.reduce_mean(weights, axis=1)  # over heads
        numbers = fact_numbers(source, facts.row_lengths())
        share = tf.one_hot(numbers, tf.cast(facts.bounding_shape(axis=1), tf.int32))  # [B, S, F]
        weights = tf.einsum("bts,bsf->btf", weights, share)
        weights = tf.where((token_ids[:, 1:] == PAD)[..., None], 0.0, weights)
        return replace_invalid(self.tokenizer.decode(token_ids)), tf.exp(scores), weights


def answer_key(tokenizer, answers):
    """strings [B] -> what an answer is among the tokens of a memory network: it has no blanks around it."""
    return tf.strings.strip(lower(answers) if tokenizer.lowercase else answers)


def moved(weights, facts, most):
    """Attention [B, H, ...] to the last `most` facts -> [B, H, F] to all of `facts`, ragged [B, None]."""
    left_out = tf.maximum(facts.row_lengths() - most, 0)  # [B]
    places = tf.range(facts.bounding_shape(axis=1))[None] - left_out[:, None]  # [B, F]
    kept = tf.shape(weights, tf.int64)[2]
    weights = tf.pad(tf.cast(weights, tf.float32), [[0, 0], [0, 0], [0, 1]])  # of what is not among them
    return tf.gather(weights, tf.where((places < 0) | (places > kept), kept, places), axis=2, batch_dims=1)
