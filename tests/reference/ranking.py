"""PageRank with weights, one vertex at a time: Mihalcea & Tarau 2004, eq. 2."""


def page_rank(weights, damping=0.85, steps=400):
    """weights[i][j]: of the edge from i to j, 0 for none."""
    size = len(weights)
    scores = [1.0] * size
    for _ in range(steps):
        new = []
        for i in range(size):
            given = sum(weights[j][i] / sum(weights[j]) * scores[j] for j in range(size) if weights[j][i])
            new.append((1 - damping) + damping * given)
        scores = new
    return scores
