"""Questions about a text: where in it the answer stands, with a model that reads both. SQuAD 1.1 and 2.0."""

import keras

from tfllm import text
from tfllm.layers.bert_heads import start
from tfllm.models.bert import BERT
from tfllm.models.bidaf import BiDAF
from tfllm.models.configs import BERTConfig, BiDAFConfig
from tfllm.models.encoder import Encoder
from tfllm.tasks.building import Builder
from tfllm.tasks.questions.answering import Answering
from tfllm.tasks.questions.question_records import asked
from tfllm.tasks.settings import QuestionAnsweringConfig
from tfllm.tasks.task import log
from tfllm.tasks.text_inputs import idle
from tfllm.tasks.vocabularies import expect_rows

LENGTH = 384  # tokens of a window, where neither the user nor the model says fewer; Devlin et al. 2019's code
QUESTION = 64  # of a question, likewise
STRIDE = 128


SIZES = {
    "tiny": QuestionAnsweringConfig(model=BiDAFConfig(embedding_dim=50, num_units=64, num_layers=1)),
    "small": QuestionAnsweringConfig(),  # Seo et al. 2017
    "base": QuestionAnsweringConfig(
        "wordpieces", 30000, model=BERTConfig(max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072)
    ),  # Devlin et al. 2019, their smaller one
}


@keras.saving.register_keras_serializable("tfllm")
class QuestionAnswering(Answering):
    """An `encoder` that reads a context and a question, its `tokenizer`, and where the answer begins and ends.

    Records: "context", "question", "answers", "starts", as data.squad gives them. An answer is part of its context,
    with the characters where it begins and ends. An encoder (BERT, TextRNN) reads both as one text, below a linear
    layer (Devlin et al. 2019, sec. 4.2 and 4.3); BiDAF reads them apart (Seo et al. 2017).

    length           tokens that the model reads at once; of a longer context the windows begin `stride` tokens apart
    question_length  tokens of a question: what is longer loses its end, and a warning says so
    answer_length    tokens of an answer, at most
    no_answer        whether it may say that there is none: where its probability beside the best answer is above
                     `threshold`, which `choose_threshold` fits

    ValueError for a tokenizer that does not know where tokens stand, for a length above the model's, and for windows
    with gaps between them.
    """

    def __init__(self, encoder, tokenizer, no_answer=False, length=None, stride=None, question_length=None,
                 answer_length=30, threshold=0.5, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.encoder, self.tokenizer = encoder, tokenizer
        self.no_answer, self.threshold, self.answer_length = bool(no_answer), float(threshold), answer_length
        self.apart = isinstance(encoder, BiDAF)
        if not hasattr(tokenizer, "encode_with_offsets"):
            raise ValueError(
                "answers need a tokenizer that knows where its tokens stand in a text, WordPieces or Words; "
                f"got {type(tokenizer).__name__}"
            )
        most = encoder.max_length
        self.length = length or min(LENGTH, most or LENGTH)
        if most is not None and self.length > most:
            raise ValueError(f"windows of {self.length} tokens: the model can take {most}")
        self.question_length = question_length or max(1, min(QUESTION, self.length // 4))
        room = self.length - (1 if self.apart else self.question_length + 3)
        self.stride = stride or max(1, min(STRIDE, room // 2))
        if not 1 <= self.stride <= room or answer_length < 1:
            raise ValueError(
                f"a window of {self.length} tokens has room for {room} of the context beside a question of "
                f"{self.question_length}: stride must be 1 to {room} and answer_length 1 or more; got {self.stride} "
                f"and {answer_length}"
            )
        if self.apart:
            self.head = None
        elif isinstance(encoder, Encoder):
            for weight in idle(encoder, True):
                weight.trainable = False
            kernel = start() if isinstance(encoder, BERT) else "glorot_uniform"
            self.head = keras.layers.Dense(2, kernel_initializer=kernel, name="head", dtype=encoder.dtype_policy)
            self.head.build((None, None, encoder.width))
        else:
            raise ValueError(f"expected an Encoder (BERT, TextRNN) or a BiDAF; got {type(encoder).__name__}")
        expect_rows(encoder, tokenizer)
        self.built = True

    @classmethod
    def from_text(cls, records, config="tiny", embeddings=None, embeddings_trainable=None):
        """Learns the vocabulary of contexts and questions, and builds an untrained model for it.

        records: as of `fit`. config: a QuestionAnsweringConfig, or the name of one: "tiny" (the default), "small",
        "base". embeddings, embeddings_trainable: word vectors to begin with, see `tasks.building.Builder`; above
        those of the config.
        """
        build = Builder(config, SIZES, embeddings, embeddings_trainable)
        contexts, questions, answers, _ = asked(records)
        tokenizer = build.learn([*dict.fromkeys(contexts), *questions])
        no_answer = not all(answers) if build.config.no_answer is None else build.config.no_answer
        return cls(build.model(tokenizer), tokenizer, **build.options(cls, no_answer=no_answer))

    @classmethod
    def from_encoder(cls, encoder, tokenizer, **options):
        """A new head on a model that is trained already, such as the `encoder` of a MaskedLanguageModel.

        The model is taken as it is, not copied: training goes on in it. options: as of the class.
        """
        return cls(encoder, tokenizer, **options).pretrained(3e-4)

    @classmethod
    def from_pretrained(cls, path_or_name, encoder_rate=None, dtype=None, **options):
        """A BERT with its tokenizer, and its head if it has one: a folder in Hugging Face's format, or a name.

        BertForQuestionAnswering has one; of all others the head is new and untrained, and the log says so.
        encoder_rate: probability of dropout in the model, where it is to be another. options: of the class.
        """
        from tfllm.interop import bert, bert_answers, huggingface

        folder = huggingface.folder(path_or_name)
        encoder = bert.load(folder, encoder_rate, "first", dtype=dtype)  # no pooler is used
        task = cls(encoder, text.WordPieces.from_folder(folder), **options)
        if not bert_answers.fill(task.head, folder):
            log.info("%s: the head is new and untrained", path_or_name)
        return task.pretrained()
