"""Rollout and flow through an encoder-decoder, against paths that are followed one by one."""

import numpy as np
import pytest
import tensorflow as tf

from tests.explain.test_generated_explanations import SOURCE, TARGET, made
from tests.reference.greatest_flow import greatest_flow
from tfllm.explain.methods.attention_weights import UNIT
from tfllm.explain.subjects.source_subject import SourceSubject
from tfllm.models import Transformer

pytestmark = pytest.mark.usefixtures("eager")


def subject_with_two_blocks():
    task = made("transformer")
    return SourceSubject.of(task, [SOURCE], TARGET), task


def weights(subject, layers=2, heads=2):
    """Random attention [L, H, ...] of the encoder, of the decoder to itself (causal) and to the source."""
    draw, s, t = np.random.default_rng(0), len(subject.inputs["source"]), len(subject.inputs["target"])
    found = [draw.uniform(size=(layers, heads, *size)) for size in ((s, s), (t, t), (t, s))]
    found[1] = np.tril(found[1])
    return [part / part.sum(-1, keepdims=True) for part in found]


def edges(weights):
    """{node: {lower node: share}} of nodes ("source" or "target", layer, place); half of each is residual."""
    encoder, own, across = (part.mean(1) for part in weights)
    result = {}
    for layer, part in enumerate(encoder, 1):
        for i, row in enumerate(part):
            result["source", layer, i] = {("source", layer - 1, j): 0.5 * w + 0.5 * (i == j) for j, w in enumerate(row)}
    for layer, (self_part, part) in enumerate(zip(own, across, strict=True)):
        for i, row in enumerate(self_part):
            below = {("target", 2 * layer, j): 0.5 * w + 0.5 * (i == j) for j, w in enumerate(row)}
            result["target", 2 * layer + 1, i] = below
            memory = {("source", len(encoder), j): 0.5 * w for j, w in enumerate(part[i])}
            result["target", 2 * layer + 2, i] = {("target", 2 * layer + 1, i): 0.5, **memory}
    return result


def paths(graph, node):
    """The sum over all paths of their products -> {input node: share}."""
    if node not in graph:
        return {node: 1.0}
    total = {}
    for below, share in graph[node].items():
        for end, part in paths(graph, below).items() if share else ():
            total[end] = total.get(end, 0.0) + share * part
    return total


@pytest.mark.parametrize("method", ["attention_rollout", "attention_flow"])
def test_paths_through_encoder_and_decoder(method, monkeypatch):
    subject, task = subject_with_two_blocks()
    given = weights(subject)
    monkeypatch.setattr(SourceSubject, "whole_attention", staticmethod(lambda task, inputs: given))
    graph = edges(given)
    found = task.explain(SOURCE, target=TARGET, method=method, faithfulness=False)
    nodes = {node: i for i, node in enumerate(dict.fromkeys([*graph, *(n for row in graph.values() for n in row)]))}
    capacity = np.zeros((len(nodes), len(nodes)), int)
    for node, row in graph.items():
        for below, share in row.items():
            capacity[nodes[node], nodes[below]] = round(share * UNIT)
    for k in (0, 2) if method == "attention_flow" else range(4):
        top = ("target", 4, k)
        shares = paths(graph, top)
        for n, (name, position) in enumerate(subject.positions):
            node = (name, 0, position)
            if method == "attention_flow":
                wanted = greatest_flow(capacity, nodes[top], nodes[node]) / UNIT if node in nodes else 0.0
            else:
                wanted = shares.get(node, 0.0)
            assert found.matrix[k, n] == pytest.approx(wanted, abs=1e-5)


def test_the_weights_are_those_of_the_model():
    """Of a model alone, and inside one that copies; rows sum to 1."""
    subject, task = subject_with_two_blocks()
    inputs = {name: tf.constant(part[None]) for name, part in subject.inputs.items()}
    encoder, own, across = SourceSubject.whole_attention(task, inputs)
    _, weights = task.model(inputs["source"], inputs["target"])
    np.testing.assert_allclose(own[0], weights["decoder_layer1_block1"][0], rtol=1e-6)
    np.testing.assert_allclose(across, SourceSubject.alignments(task, inputs), rtol=1e-6)
    assert encoder.shape == (1, 2, 5, 5)
    x = task.model.place_input(task.model.embed_input(inputs["source"]) * 8**0.5)
    block = task.model.encoder[0](x, attention_mask=np.ones((1, 1, 5), bool))
    np.testing.assert_allclose(encoder[0], block[1][0], rtol=1e-5)


@pytest.mark.parametrize("method", ["attention_rollout", "attention_flow"])
def test_all_of_an_answer_comes_from_its_inputs(method):
    """The shares of a step, START and END included, sum to 1; later tokens have none; one text or several."""
    task = made("transformer")
    found = task.explain(SOURCE, target=TARGET, method=method)
    assert isinstance(task.model, Transformer) and (found.matrix[:, :4] > 0).all()
    for k in range(4):
        assert not found.matrix[k, 4 + k :].any() and found.matrix[k, 4 : 4 + k].all()
    if method == "attention_rollout":
        assert (found.matrix.sum(axis=1) < 1).all()
    both = task.explain([SOURCE, "no"], target=[TARGET, "cat"], method=method)
    np.testing.assert_allclose(both[0].matrix, found.matrix, atol=1e-6)
