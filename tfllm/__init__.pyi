from os import PathLike
from typing import Any

from tfllm import audit as audit
from tfllm import config as config
from tfllm import data as data
from tfllm import evaluation as evaluation
from tfllm import explain as explain
from tfllm import export as export
from tfllm import extraction as extraction
from tfllm import generation as generation
from tfllm import interop as interop
from tfllm import layers as layers
from tfllm import losses as losses
from tfllm import metrics as metrics
from tfllm import models as models
from tfllm import reports as reports
from tfllm import serving as serving
from tfllm import tasks as tasks
from tfllm import text as text
from tfllm import training as training
from tfllm import vectors as vectors
from tfllm.models.bert import BERT as BERT
from tfllm.models.big_language_model import BigLanguageModel as BigLanguageModel
from tfllm.models.gpt import GPT as GPT
from tfllm.models.llama import Llama as Llama
from tfllm.models.lstm_language_model import LSTMLanguageModel as LSTMLanguageModel
from tfllm.models.seq2seq_rnn import Seq2SeqRNN as Seq2SeqRNN
from tfllm.models.transformer import Transformer as Transformer
from tfllm.tasks.classification.text_classifier import TextClassifier as TextClassifier
from tfllm.tasks.dialogue.dialogue_generator import DialogueGenerator as DialogueGenerator
from tfllm.tasks.facts.fact_answering import FactAnswering as FactAnswering
from tfllm.tasks.language_model import LanguageModel as LanguageModel
from tfllm.tasks.pretraining.masked_language_model import MaskedLanguageModel as MaskedLanguageModel
from tfllm.tasks.questions.question_answering import QuestionAnswering as QuestionAnswering
from tfllm.tasks.summarizer import Summarizer as Summarizer
from tfllm.tasks.text_embedder import TextEmbedder as TextEmbedder
from tfllm.tasks.translator import Translator as Translator
from tfllm.vectors.glove.glove import GloVe as GloVe
from tfllm.vectors.pretrained import pretrained_embedding as pretrained_embedding
from tfllm.vectors.word2vec import Word2Vec as Word2Vec

__version__: str

def load_model(path: str | PathLike[str], compile: bool = True) -> Any: ...
