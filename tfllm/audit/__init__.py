"""Audits of data before training, and of models after it: duplicates and leakage, personal data, bias, memorisation."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(
    __name__,
    {
        "swaps": ["SwapEffect", "counterfactuals", "label_score", "swapped", "word_pairs"],
        "data_reports": ["DataReport", "data_report"],
        "languages": ["language", "scripts"],
        "memorisation": ["Overlap", "Share", "extraction", "overlaps", "screen"],
        "near_duplicates": ["NearDuplicates"],
        "pair_likelihoods": ["MinimalPair", "minimal_pairs", "read_minimal_pairs"],
        "personal": ["PersonalData", "personal_data", "redact"],
        "presidio_finder": ["Presidio"],
        "gender_agreement": ["agreement_sentences", "translated_gender"],
        "hidden_text": ["hidden_characters"],
        "sentence_associations": ["seat"],
        "subgroups": ["SubgroupReport", "subgroup_metrics"],
        "redacted_files": ["redacted_file"],
    },
)
