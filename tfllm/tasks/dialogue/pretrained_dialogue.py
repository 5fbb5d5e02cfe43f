"""The arguments of a DialogueGenerator for a pretrained chat model."""

from tfllm.tasks import pretrained_causal
from tfllm.tasks.dialogue import chat_template

REPLY_LENGTH = 512  # default tokens of a reply, at most half of the model's limit


def arguments(path_or_name, rate=None, reply_length=None, **options):
    """-> {argument: value}; see DialogueGenerator.from_pretrained."""
    model, tokenizer, source = pretrained_causal.load(path_or_name, rate, **options)
    if source is None:
        raise ValueError(f"{path_or_name} has no chat template: it is no chat model, use LanguageModel.from_pretrained")
    names = tokenizer.get_config()
    if reply_length is None:
        reply_length = min(REPLY_LENGTH, (model.max_length or 2 * REPLY_LENGTH) // 2)
    return {
        "model": model, "tokenizer": tokenizer, "speakers": chat_template.SPEAKERS, "replies": chat_template.ASSISTANT,
        "reply_length": reply_length,
        "template": chat_template.compiled(source, names["start"], names["end"]).as_dict(),
    }  # fmt: skip
