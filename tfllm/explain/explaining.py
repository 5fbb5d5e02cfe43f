"""`Task.explain`: selects the Subject of a task and the method that computes the scores."""

import inspect
from numbers import Integral, Real

import numpy as np

from tfllm.config import nearest
from tfllm.explain.explanation import Explanation
from tfllm.explain.faithfulness import faithfulness as measured
from tfllm.explain.methods import attention_weights, gradients, occlusion
from tfllm.explain.methods.lime import lime
from tfllm.explain.methods.shap import shap
from tfllm.explain.subjects.classifier_subject import ClassifierSubject
from tfllm.explain.subjects.embedder_subject import EmbedderSubject
from tfllm.explain.subjects.fact_subject import FactSubject
from tfllm.explain.subjects.generated_subject import GeneratedSubject
from tfllm.explain.subjects.prompt_subject import PromptSubject
from tfllm.explain.subjects.reader_subject import ReaderSubject
from tfllm.explain.subjects.reply_subjects import PairReplySubject, StreamReplySubject
from tfllm.explain.subjects.source_subject import SourceSubject
from tfllm.explain.subjects.written_fact_subject import WrittenFactSubject
from tfllm.models.causal import CausalModel
from tfllm.models.memory_network import MemoryNetwork
from tfllm.tasks import user_data
from tfllm.tasks.classification.text_classifier import TextClassifier
from tfllm.tasks.dialogue.dialogue_generator import DialogueGenerator
from tfllm.tasks.facts.fact_answering import FactAnswering
from tfllm.tasks.language_model import LanguageModel
from tfllm.tasks.questions.question_answering import QuestionAnswering
from tfllm.tasks.text_embedder import TextEmbedder
from tfllm.tasks.text_generation.encoder_decoder import EncoderDecoder
from tfllm.tasks.texts import is_one

METHODS = {
    "gradient_x_input": gradients.gradient_x_input, "integrated_gradients": gradients.integrated_gradients,
    "smoothgrad": gradients.smoothgrad, "occlusion": occlusion.occlusion, "shapley": occlusion.shapley,
    "lime": lime, "shap": shap, "attention": attention_weights.attention,
    "attention_rollout": attention_weights.attention_rollout, "attention_flow": attention_weights.attention_flow,
    "random": occlusion.chance,
}  # fmt: skip
COMMON = ("orders", "seed")  # options of every explanation; a method may draw by the seed too
LEAST = {"orders": 1, "seed": 0, "samples": 1, "top_k": 1, "max_new_tokens": 1, "layer": 1, "head": 1}
SUBJECTS = {  # task: its subject, or that of each kind of model
    TextClassifier: ClassifierSubject, TextEmbedder: EmbedderSubject, QuestionAnswering: ReaderSubject,
    EncoderDecoder: SourceSubject, LanguageModel: PromptSubject,
    FactAnswering: {MemoryNetwork: FactSubject, object: WrittenFactSubject},
    DialogueGenerator: {CausalModel: StreamReplySubject, object: PairReplySubject},
}  # fmt: skip


def explain(task, columns, method, target=None, score=None, removal=None, faithfulness=True, orders=5, seed=0,
            **options):  # fmt: skip
    """See `Task.explain`; there is one column for each of `task.asks`."""
    method, function, kind, of, options = plan(task, len(columns), method, {"orders": orders, "seed": seed, **options})
    one = all(map(is_one, columns))
    columns = [user_data.texts([part] if one else part, name) for part, name in zip(columns, task.asks, strict=True)]
    if len({len(part) for part in columns}) > 1:
        raise ValueError(f"expected as many texts in each column; got {' and '.join(str(len(x)) for x in columns)}")
    targets = target if isinstance(target, list) else [target] * len(columns[0])
    if len(targets) != len(columns[0]):
        raise ValueError(f"expected one target, or a list with one for each text; got {len(targets)} for "
                         f"{len(columns[0])} texts")  # fmt: skip
    result = []
    for texts, wanted in zip(zip(*columns, strict=True), targets, strict=True):
        texts = [text.decode("utf-8", "replace") for text in texts]
        if issubclass(kind, GeneratedSubject) and not (wanted is None or isinstance(wanted, str)):
            raise ValueError(f"target must be a text (str); got {wanted!r:.60}")
        subject = kind.of(task, texts, wanted, score or kind.kinds[0], **of)
        if removal is not None:
            subject = subject.changed(removal=removal)
        result.append(explained(subject, method, function, faithfulness, orders, seed, options))
    return result[0] if one else result


def plan(task, columns, method, options):
    """What `explain` will do -> (name of the method, its function, Subject, options of the Subject, of the method).

    columns: their number. Raises TypeError for a task without explanations, for another number of columns than it has
    and for an option that the task or the method does not have; ValueError for an unknown method or a value.
    """
    method, function = method_of(method)
    kind, name = subject_of(task), type(task).__name__
    if columns != len(task.asks):
        raise TypeError(f"a {name} reads {' and '.join(task.asks)}: expected {len(task.asks)}, got {columns}")
    check(options)
    options = {name: value for name, value in options.items() if name not in COMMON}
    own, more = (list(inspect.signature(one).parameters) for one in (kind.of, function))
    own = [one for one in own if one not in ("task", "texts", "target", "score")]
    known = dict.fromkeys([*own, *more[1:], *COMMON])
    if unknown := [one for one in options if one not in known]:
        raise TypeError(f"explaining a {name} by {method} has no option {unknown[0]!r}"
                        f"{nearest(unknown[0], known)}")  # fmt: skip
    return (method, function, kind, {one: value for one, value in options.items() if one in own},
            {one: value for one, value in options.items() if one not in own})  # fmt: skip


def check(options):
    """Raises ValueError for numbers that are not whole or too small, and for a step or a word that is none."""
    for name, value in options.items():
        least = LEAST.get(name)
        if least is not None and value is not None and (not isinstance(value, Integral) or value < least):
            raise ValueError(f"{name} must be a whole number, {least} or more; got {value!r}")
        if name in ("noise", "tolerance") and not (isinstance(value, Real) and 0 <= value < np.inf):
            raise ValueError(f"{name} must be a number, 0 or more; got {value!r}")
    if not isinstance(step := options.get("step"), str | Integral | None):
        raise ValueError(f"step must be a whole number or a token; got {step!r}")
    if not isinstance(instead := options.get("instead"), str | None):
        raise ValueError(f"instead must be a text (str); got {instead!r:.60}")


def explained(subject, method, function, faithful, orders, seed, options):
    """A Subject -> Explanation."""
    numbers = len(subject.targets)
    if not subject.size:
        value = subject.values(np.ones((1, 0), bool))[0]
        return Explanation(method, subject.score, subject.texts, (), subject.targets, np.zeros((numbers, 0)), value,
                           details=dict(subject.details))  # fmt: skip
    if "seed" in inspect.signature(function).parameters:
        options = {"seed": seed} | options
    result = function(subject, **options)
    check = measured(subject, result.matrix[0], orders, seed) if faithful and numbers == 1 else None
    return Explanation(
        method, subject.score, subject.texts, subject.tokens, subject.targets, result.matrix, result.value, result.base,
        check, dict(subject.details),
    )  # fmt: skip


def method_of(name):
    """A method's name and function; "Integrated gradients" is "integrated_gradients". Raises ValueError if unknown."""
    plain = str(name).lower().replace("-", "_").replace(" ", "_")
    if plain not in METHODS:
        raise ValueError(f"there is no explanation method {name!r}{nearest(plain, METHODS)}")
    return plain, METHODS[plain]


def subject_of(task):
    """The Subject for a task. Raises TypeError for a task without one."""
    for kind, subject in SUBJECTS.items():
        if isinstance(task, kind):
            models = subject if isinstance(subject, dict) else {object: subject}
            return next(found for model, found in models.items() if isinstance(getattr(task, "model", None), model))
    kinds = ", ".join(kind.__name__ for kind in SUBJECTS)
    raise TypeError(f"a {type(task).__name__} cannot be explained; supported are: {kinds}")
