"""Models: each file is one paper, or one sample of the documents."""

from tfllm import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, {
    "bert": ["BERT"],
    "configs": ["BERTConfig", "BiDAFConfig", "BigLanguageModelConfig", "GPTConfig", "LSTMLanguageModelConfig",
                "LlamaConfig", "MeanOfVectorsConfig", "MemoryNetworkConfig", "Seq2SeqRNNConfig", "TextCNNConfig",
                "TextRNNConfig", "TextgenRNNConfig", "TransformerConfig", "student_config"],
    "bidaf": ["BiDAF"],
    "big_language_model": ["BigLanguageModel"],
    "encoder": ["Encoder"],
    "gpt": ["GPT"],
    "llama": ["Llama"],
    "lstm_language_model": ["LSTMLanguageModel"],
    "mean_of_vectors": ["MeanOfVectors"],
    "memory_network": ["MemoryNetwork"],
    "pointer_generator": ["PointerGenerator"],
    "seq2seq_rnn": ["Seq2SeqRNN"],
    "text_cnn": ["TextCNN"],
    "text_rnn": ["TextRNN"],
    "textgenrnn": ["TextgenRNN"],
    "transformer": ["Transformer"],
})  # fmt: skip
