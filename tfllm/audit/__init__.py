"""Audits of data before training, and of models after it: duplicates and leakage, personal data, bias, memorisation."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(
    __name__,
    {
        "data_reports": ["DataReport", "data_report"],
        "languages": ["language", "scripts"],
        "near_duplicates": ["NearDuplicates"],
        "personal": ["PersonalData", "personal_data", "redact"],
        "hidden_text": ["hidden_characters"],
        "redacted_files": ["redacted_file"],
    },
)
