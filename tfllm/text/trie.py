"""A trie of byte strings in arrays, to be walked by `gather`s: the double array of Aoe 1989, built with NumPy.

The child of node n by byte b sits at `base[n] + b`, and is real if `owner[base[n] + b] == n`. The root is node 0,
and deeper nodes have larger numbers, so the deepest of some nodes on one path is their maximum.
Leaves out: adding to a trie once it is built.
"""

import numpy as np

LARGEST = 2**23  # bytes of all tokens


def double_array(tokens):
    """tokens: byte strings, no two equal -> int32 arrays (base, owner, longest), one place a node.

    longest: the index of the longest token that is a prefix of the way to the node, -1 where there is none.
    """
    if (size := sum(map(len, tokens))) > LARGEST:
        raise ValueError(f"a vocabulary of {size} bytes is too large for a trie: {LARGEST} at most")
    children, depths, ending = _linked_trie(tokens)
    bases = _place_children(children, depths)
    base, owner, longest = (np.full(bases.max() + 256, fill, np.int32) for fill in (0, -1, -1))
    place = np.zeros(len(children), np.int32)
    for node, edges in enumerate(children):  # parents come before their children
        base[place[node]] = bases[node]
        for byte, child in edges.items():
            place[child] = at = bases[node] + byte
            owner[at] = place[node]
            longest[at] = ending.get(child, longest[place[node]])
    return base, owner, longest


def _linked_trie(tokens):
    """For each node its children by byte and its depth; for the nodes where tokens end, their indices."""
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
    """`base` of each node, depth by depth: first fit, large families first, single children fill the holes."""
    base = np.zeros(len(children), np.int64)
    low = 1  # the first place that is not taken by the depths above
    levels = [[] for _ in range(max(depths) + 1)]
    for node, edges in enumerate(children):
        if edges:
            levels[depths[node]].append(node)
    for parents in levels[:-1]:
        parents.sort(key=lambda node: -len(children[node]))
        free, end = np.ones(256 * len(parents) + 256, bool), 0  # from `low` on; nothing is taken after `end`
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
    """The least place from which all offsets are free. The last 256 places of `free` are."""
    holes = np.flatnonzero(free[:-255])
    if len(offsets) == 1:
        return holes[0]
    for start in range(0, len(holes), some):
        fits = free[holes[start : start + some, None] + offsets].all(1)
        if fits.any():
            return holes[start + fits.argmax()]
