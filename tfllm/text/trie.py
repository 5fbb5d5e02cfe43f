"""A trie of byte strings in arrays, to be walked by `gather`: the double array of Aoe 1989, built with NumPy.

The child of node n by byte b is at index `base[n] + b`, and exists if `owner[base[n] + b] == n`. The root is node 0;
deeper nodes have larger numbers, so the deepest of the nodes on a path is their maximum.
Not included: adding to an existing trie.
"""

import numpy as np

LARGEST = 2**23  # bytes of all tokens


def double_array(tokens):
    """tokens: unique byte strings -> int32 arrays (base, owner, longest), with one element per node.

    longest: the index of the longest token that is a prefix of the path to the node, -1 if there is none.
    """
    if (size := sum(map(len, tokens))) > LARGEST:
        raise ValueError(f"a vocabulary of {size} bytes is too large for a trie: {LARGEST} at most")
    children, depths, ending = _linked_trie(tokens)
    bases = _place_children(children, depths)
    base, owner, longest = (np.full(bases.max() + 256, fill, np.int32) for fill in (0, -1, -1))
    position = np.zeros(len(children), np.int32)
    for node, edges in enumerate(children):  # parents precede their children
        base[position[node]] = bases[node]
        for byte, child in edges.items():
            position[child] = at = bases[node] + byte
            owner[at] = position[node]
            longest[at] = ending.get(child, longest[position[node]])
    return base, owner, longest


def _linked_trie(tokens):
    """For each node its children by byte and its depth; for the nodes where tokens end, the tokens' indices."""
    children, depths, ending = [{}], [0], {}
    for index, token in enumerate(tokens):
        node = 0
        for byte in token:
            if byte not in children[node]:
                children[node][byte] = len(children)
                children.append({})
                depths.append(depths[node] + 1)
            node = children[node][byte]
        ending[node] = index
    return children, depths, ending


def _place_children(children, depths):
    """`base` of each node, depth by depth: first fit, large families first; single children fill the gaps."""
    base = np.zeros(len(children), np.int64)
    low = 1  # the first index not used by the depths above
    levels = [[] for _ in range(max(depths) + 1)]
    for node, edges in enumerate(children):
        if edges:
            levels[depths[node]].append(node)
    for parents in levels[:-1]:
        parents.sort(key=lambda node: -len(children[node]))
        free, end = np.ones(256 * len(parents) + 256, bool), 0  # from `low` on; nothing is used after `end`
        for node in parents:
            edges = np.fromiter(children[node], np.int64)
            edges.sort()
            start = _first_fit(free[: end + 256], edges - edges[0])
            free[start + edges - edges[0]] = False
            end = max(end, start + edges[-1] - edges[0] + 1)
            base[node] = low + start - edges[0]
        low += end
    return base


def _first_fit(free, offsets, some=64):
    """The lowest index from which all offsets are free. The last 256 elements of `free` are."""
    holes = np.flatnonzero(free[:-255])
    if len(offsets) == 1:
        return holes[0]
    for start in range(0, len(holes), some):
        fits = free[holes[start : start + some, None] + offsets].all(1)
        if fits.any():
            return holes[start + fits.argmax()]
