"""The double array holds exactly the paths of its tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfllm.text.trie import double_array

TOKENS = st.sets(st.binary(min_size=1, max_size=5) | st.text("abé", min_size=1, max_size=5).map(str.encode), min_size=1)


def walk(arrays, way):
    """The node a way leads to, or None."""
    base, owner, _ = arrays
    node = 0
    for byte in way:
        child = base[node] + byte
        if owner[child] != node:
            return None
        node = child
    return node


@settings(max_examples=200, deadline=None)
@given(tokens=TOKENS.map(sorted), strangers=st.lists(st.binary(max_size=5)))
def test_paths_and_longest_prefixes(tokens, strangers):
    arrays = double_array(tokens)
    prefixes = {token[:size] for token in tokens for size in range(len(token) + 1)}
    nodes = {way: walk(arrays, way) for way in [*prefixes, *strangers]}
    assert {way for way, node in nodes.items() if node is not None} == {way for way in nodes if way in prefixes}
    for way in prefixes:
        inside = [token for token in tokens if way.startswith(token)]
        longest = tokens.index(max(inside, key=len)) if inside else -1
        assert arrays[2][nodes[way]] == longest
        assert way == b"" or nodes[way[:-1]] < nodes[way]  # deeper nodes have larger numbers


def test_no_two_nodes_share_a_place():
    tokens = [bytes([i]) for i in range(256)] + [bytes([i, j]) for i in range(0, 256, 5) for j in range(0, 256, i + 1)]
    base, owner, longest = double_array(tokens)
    assert (longest >= 0).sum() == len(tokens) == (owner >= 0).sum()
    assert base.dtype == owner.dtype == longest.dtype == "int32"
    assert len(base) < len(tokens) + 2 * 256 + 256  # close packing


def test_one_long_token_is_quick_and_too_many_bytes_are_refused(monkeypatch):
    base, owner, longest = double_array([b"a" * 5000, b"b"])  # by depth and node, that would be 25 million steps
    assert longest.max() == 1 and (owner >= 0).sum() == 5001
    monkeypatch.setattr("tfllm.text.trie.LARGEST", 7)
    with pytest.raises(ValueError, match="a vocabulary of 8 bytes is too large for a trie: 7 at most"):
        double_array([b"abcd", b"bcde"])
