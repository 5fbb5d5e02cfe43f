"""Every block of README and of the pages in docs/ runs as printed; only models are smaller and epochs fewer."""

import pytest
import tensorflow as tf

import tfllm
from tests import pages
from tfllm import models, tasks
from tfllm.interop import bert
from tfllm.tasks import language_model, summarizer, task, translator
from tfllm.tasks.classification import text_classifier
from tfllm.tasks.dialogue import dialogue_generator
from tfllm.tasks.facts import fact_answering
from tfllm.tasks.pretraining import denoiser, masked_language_model
from tfllm.tasks.questions import question_answering
from tfllm.text import WordPieces

TASKS = sorted(path.stem for path in (pages.ROOT / "docs/tasks").glob("*.md"))
TRANSFORMER = models.TransformerConfig(1, 8, 2, 8, pe_input=24, pe_target=8, rate=0.0)
LSTM = models.Seq2SeqRNNConfig(1, 8, 8, pe_input=24, pe_target=8)
GPT = models.GPTConfig(32, 1, 8, 2)
BERT = models.BERTConfig(32, 1, 8, 2, 8)
SMALL = [  # (SIZES of a task, the size, what it is here)
    (translator, "tiny", tasks.TranslatorConfig(model=TRANSFORMER)),
    (summarizer, "lstm", tasks.SummarizerConfig(model=LSTM)),
    (language_model, "tiny", tasks.LanguageModelConfig(model=GPT)),
    (text_classifier, "tiny", tasks.TextClassifierConfig(model=models.TextCNNConfig(8, (2,), 8))),
    (question_answering, "tiny", tasks.QuestionAnsweringConfig(length=24, model=models.BiDAFConfig(8, 4))),
    (fact_answering, "tiny", tasks.FactAnsweringConfig(model=models.MemoryNetworkConfig(8))),
    (dialogue_generator, "tiny", tasks.DialogueGeneratorConfig(reply_length=8, model=GPT)),
    (masked_language_model, "tiny", tasks.MaskedLanguageModelConfig(60, length=24, model=BERT)),
    (denoiser, "tiny", tasks.DenoiserConfig(length=24, model=models.TransformerConfig(1, 8, 2, 8))),
]
ONE = ["--epochs", "1"]
GPT_LINE = ["--num_layers", "1", "--d_model", "8", "--num_heads", "2", "--max_length", "32"]
TINY = ["--num_layers", "1", "--d_model", "8", "--num_heads", "2", "--dff", "8"]
MORE = {  # words added to `tfllm train`, for the same sizes
    "translation": [*TINY, "--pe_input", "24", "--pe_target", "8", *ONE],
    "summarization": [*TINY, "--pe_input", "24", "--pe_target", "8", *ONE],
    "denoising": [*TINY, "--length", "24", *ONE],
    "lm": [*GPT_LINE, *ONE],
    "classifier": ["--embedding_dim", "8", "--filters", "8", *ONE],
    "qa": ["--length", "24", "--embedding_dim", "8", "--num_units", "4", "--num_layers", "1", *ONE],
    "facts": ONE,
    "dialogue": [*GPT_LINE, "--reply_length", "8", *ONE],
    "pretrain": [*TINY, "--length", "24", *ONE],
}


@pytest.fixture
def small(monkeypatch, tmp_path, eager):
    """An empty folder, small models, one epoch; a folder as that of all-MiniLM-L6-v2, but tiny."""
    monkeypatch.chdir(tmp_path)
    for module, size, config in SMALL:
        monkeypatch.setitem(module.SIZES, size, config)
    fit = task.Task.fit
    monkeypatch.setattr(task.Task, "fit", lambda self, *x, epochs=1, **options: fit(self, *x, epochs=1, **options))
    words = "a cat man guitar music fine film no where did zo ##e meet cats in ko ##ln 12".split()
    tokenizer = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])
    bert.save(models.BERT(tokenizer.vocab_size, 32, 1, 8, 2, 16), "all-MiniLM-L6-v2/")
    tokenizer.save_files("all-MiniLM-L6-v2/")


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_task_page_runs(name, small, tmp_path):
    if name == "word_vectors":
        pytest.importorskip("numba")
    pages.run(f"docs/tasks/{name}.md", more=MORE | ({"export": []} if name == "facts" else {}))
    if name != "word_vectors":
        assert list(tmp_path.glob("serving/*/1/saved_model.pb"))


@pytest.fixture
def few(monkeypatch):
    """Few of the built-in paragraphs, of two chapters."""
    whole, chapters = tfllm.data.python_paragraphs, ["compound", "types"]

    def some(split):
        return whole(split).filter(lambda record: tf.reduce_any(record["label"] == chapters)).take(8)

    monkeypatch.setattr(tfllm.data, "python_paragraphs", some)


@pytest.mark.slow
def test_readme_runs(small, few, capsys, tmp_path):
    pages.run("README.md", more=MORE)
    said = capsys.readouterr().out
    assert "accuracy" in said and "usage: tfllm train classifier" in said
    assert (tmp_path / "chapters.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["serving", "command_line", "data_formats", "bias_and_safety", "explanation", "report", "efficiency"]
)
def test_a_guide_runs(name, small):
    pages.run(f"docs/{name}.md", more=MORE)


def test_the_chinese_page_runs(capsys):
    pytest.importorskip("jieba")
    pytest.importorskip("opencc")
    pages.run("docs/chinese.md")
    assert capsys.readouterr().out == "['我', '喜欢', '电脑']\n"


def test_every_page_with_blocks_is_run():
    """Here; new_task.md by tests/test_new_task.py; of contributing.md the commands are checked."""
    pages.run("docs/contributing.md")
    executed = {
        *(f"tasks/{name}" for name in TASKS),
        "serving",
        "command_line",
        "data_formats",
        "chinese",
        "bias_and_safety",
        "report",
        "explanation",
        "efficiency",
    }
    executed |= {"contributing", "new_task"}
    docs = pages.ROOT / "docs"
    found = [path.relative_to(docs) for path in docs.rglob("*.md") if "notebooks" not in path.parts]
    having = {str(path.with_suffix("")) for path in found
              if {language for _, language, _ in pages.blocks(docs / path)} & {"python", "bash"}}  # fmt: skip
    assert having == executed
