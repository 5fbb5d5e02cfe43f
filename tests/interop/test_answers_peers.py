"""A reader of Hugging Face's, BertForQuestionAnswering, says the same here: logits of both ends at every place."""

import numpy as np
import pytest
import tensorflow as tf

from tests.interop.test_bert_peers import made
from tfllm.tasks import QuestionAnswering
from tfllm.tasks.text_inputs import dense
from tfllm.text import WordPieces

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
CONTEXTS = ["Ann met five cats in Bonn, and one dog in Rome.", "cats"]
QUESTIONS = ["Who met cats?", "Where?"]


def test_the_head_of_a_reader(tmp_path):
    tokenizer = WordPieces.learn(CONTEXTS * 5, 50)
    peer = made("BertForQuestionAnswering", vocab_size=tokenizer.vocab_size, max_position_embeddings=18)
    peer.save_pretrained(tmp_path)
    tokenizer.save_files(tmp_path)
    task = QuestionAnswering.from_pretrained(tmp_path, question_length=6, stride=5, no_answer=True)
    inputs = dense(task.prepare(tf.constant(CONTEXTS), tf.constant(QUESTIONS)))
    ids, kinds, real = (inputs[name].numpy() for name in ("token_ids", "segment_ids", "padding_mask"))
    with torch.no_grad():
        out = peer(
            input_ids=torch.tensor(ids), token_type_ids=torch.tensor(kinds), attention_mask=torch.tensor(real)
        )  # fmt: skip
    allowed, result = inputs["allowed"].numpy(), task(inputs).numpy()
    assert allowed.sum() > 15 and len(ids) > 2
    for side, theirs in enumerate((out.start_logits, out.end_logits)):
        np.testing.assert_allclose(result[:, side][allowed], theirs.numpy()[allowed], atol=1e-4)
