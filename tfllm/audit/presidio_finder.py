"""More kinds of personal data by the recognisers of Microsoft's presidio, and names and places by a spaCy model.

presidio's recognisers are patterns with check digits and words around them. Those of e-mail addresses, URLs and dates
are left out: personal.py has the first, without a list of domains from the internet; the others are no personal data by
themselves. Names, places and organisations need a trained spaCy pipeline, which is not downloaded here.
"""

from importlib import metadata
from typing import Any

from tfllm.audit.personal import PersonalData, personal_data

LEFT_OUT = ("EmailRecognizer", "UrlRecognizer", "DateRecognizer")


class Presidio:
    """finder(text) -> [PersonalData]: the matches of `personal_data`, and those of presidio that overlap none of them.

    A number with right check digits is no phone number.

    spacy_model  an installed spaCy pipeline, such as "en_core_web_sm", or its folder, that finds names and places;
                 None: patterns alone
    language     code of the language of the texts, as spaCy and presidio know it
    score        least confidence of a match, from 0 to 1; presidio gives patterns without check digits, and without a
                 telling word beside them, less than 0.5

    Raises ImportError without presidio, and ValueError for a pipeline that is not installed.
    """

    def __init__(self, spacy_model: str | None = None, language: str = "en", score: float = 0.5):
        try:
            import spacy
            from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
            from presidio_analyzer.nlp_engine import SpacyNlpEngine
        except ImportError:
            raise ImportError(
                "more kinds of personal data need presidio-analyzer: pip install 'tfllm[presidio]'"
            ) from None
        self.spacy_model, self.language, self.score = spacy_model, language, score
        try:
            pipeline = spacy.blank(language) if spacy_model is None else spacy.load(spacy_model)
        except (OSError, ImportError):
            what = f"language {language!r}" if spacy_model is None else f"pipeline {spacy_model!r}"
            how = "" if spacy_model is None else f": install it, python -m spacy download {spacy_model}"
            raise ValueError(f"spaCy has no {what}{how}") from None
        registry: Any = RecognizerRegistry(supported_languages=[language])
        registry.load_predefined_recognizers(languages=[language])
        for name in {one.name for one in registry.recognizers} & set(LEFT_OUT):
            registry.remove_recognizer(name)
        engine: Any = SpacyNlpEngine()  # it would download a model
        engine.nlp = {language: pipeline}
        self.analyzer = AnalyzerEngine(registry, engine, supported_languages=[language])

    def __call__(self, text: str) -> list[PersonalData]:
        own = personal_data(text)
        found = self.analyzer.analyze(text, self.language, score_threshold=self.score) if text.strip() else []
        others = [(-one.score, PersonalData(one.entity_type.lower(), one.start, one.end)) for one in found
                  if one.entity_type != "DATE_TIME"]  # fmt: skip
        ranked = [(-2.0 if one.kind != "phone" else -0.9, one) for one in own] + others  # 1 is that of check digits
        result: list[PersonalData] = []
        for _, one in sorted(ranked, key=lambda pair: (pair[0], pair[1].start)):
            if all(one.end <= other.start or other.end <= one.start for other in result):
                result.append(one)
        return sorted(result, key=lambda one: one.start)

    def __str__(self):
        model = "without a spaCy model" if self.spacy_model is None else f"with {self.spacy_model}"
        return f"presidio {metadata.version('presidio-analyzer')} {model}"
