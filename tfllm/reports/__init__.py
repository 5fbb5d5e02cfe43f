"""Reports of a trained model: scores, examples, explanations, bias, data, sizes and speed on a page; model cards."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(
    __name__,
    {
        "grading": ["grade"],
        "model_cards": ["UNKNOWN", "model_card"],
        "report_parts": ["Example", "Figure", "Grades", "Section", "Table"],
        "known_facts": ["RunFacts", "run_facts"],
        "run_reports": ["RunReport", "report", "sections_of"],
    },
)
