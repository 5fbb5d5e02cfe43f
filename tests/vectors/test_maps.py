"""Maps and projector files: PCA against eigenvectors, labels that leave each other room, exact numbers."""

import logging

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tfllm.vectors.maps import WordMap, label, overlap, projector, word_map

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def vectors():
    """Three groups of ten words around three directions, in 6 numbers."""
    draw = np.random.default_rng(1)
    made = KeyedVectors(6, count=0)
    middles = np.repeat(3 * np.eye(6)[:3], 10, axis=0)
    made.add_vectors([f"{group}{i}" for group in "abc" for i in range(10)], middles + 0.2 * draw.normal(size=(30, 6)))
    return made


def apart(points):
    """(greatest distance within a group, smallest distance between two groups' middles)"""
    groups = points.reshape(3, 10, 2)
    middles = groups.mean(axis=1)
    within = max(np.linalg.norm(group - middle, axis=1).max() for group, middle in zip(groups, middles, strict=True))
    return within, min(np.linalg.norm(middles[i] - middles[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_pca_is_the_plane_of_the_greatest_variance(vectors):
    result = word_map(vectors)
    rows = np.array([vectors[word] / np.sqrt(sum(vectors[word] ** 2)) for word in vectors.index_to_key])
    values, axes = np.linalg.eigh(np.cov(rows.T))
    expected = (rows - rows.mean(axis=0)) @ axes[:, [-1, -2]]
    assert result.words == vectors.index_to_key
    np.testing.assert_allclose(abs(result.points), abs(expected), atol=1e-5)
    np.testing.assert_allclose(np.cov(result.points.T), np.diag(values[[-1, -2]]), atol=1e-5)
    within, between = apart(result.points)
    assert within < between


def test_length_says_nothing_and_order_is_kept(vectors):
    longer = KeyedVectors(6, count=0)
    longer.add_vectors(vectors.index_to_key, vectors.vectors * np.arange(1, 31)[:, None])
    np.testing.assert_allclose(word_map(longer).points, word_map(vectors).points, atol=1e-5)
    some = word_map(vectors, ["c3", "a1", "b2", "a1"])
    assert some.words == ["c3", "a1", "b2"] and some.points.shape == (3, 2)


def test_vectors_of_one_number():
    narrow = KeyedVectors(1, count=0)
    narrow.add_vectors(["a", "b", "c"], np.array([[1.0], [-2], [0]]))
    np.testing.assert_allclose(word_map(narrow).points, [[1, 0], [-1, 0], [0, 0]], atol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize("method, package", [("tsne", "sklearn"), ("umap", "umap")])
@pytest.mark.filterwarnings("ignore")  # theirs
def test_other_maps_keep_groups_together(vectors, method, package):
    pytest.importorskip(package)
    result = word_map(vectors, method=method, seed=3)
    within, between = apart(result.points)
    assert result.points.shape == (30, 2) and within < between
    np.testing.assert_array_equal(word_map(vectors, method=method, seed=3).points, result.points)


def test_errors(vectors):
    with pytest.raises(ValueError, match="method must be one of pca, tsne, umap; got 'mds'"):
        word_map(vectors, method="mds")
    with pytest.raises(ValueError, match="no vector for 'dog', 'cow'"):
        word_map(vectors, ["a1", "dog", "a2", "cow"])
    with pytest.raises(ValueError, match="at least 3 words; got 2"):
        word_map(vectors, ["a1", "a2", "a1"])


def test_words_do_not_cover_each_other(vectors):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    draw = np.random.default_rng(2)
    axes = FigureCanvasAgg(Figure(figsize=(6, 5), dpi=100)).figure.add_subplot()
    points = np.concatenate([draw.normal(size=(25, 2)), 0.02 * draw.normal(size=(5, 2))])  # five in one heap
    axes.scatter(*points.T)
    label(axes, WordMap([f"word{i}" for i in range(30)], points), {"fontsize": 8})
    assert [text.get_text() for text in axes.texts] == [f"word{i}" for i in range(30)]
    boxes = np.array([text.get_window_extent().extents for text in axes.texts])
    for i, box in enumerate(boxes):
        assert overlap(box, np.delete(boxes, i, axis=0)).max() < 1  # square pixels
    frame = axes.get_window_extent().extents
    assert (boxes[:, :2] > frame[:2] - 1).all() and (boxes[:, 2:] < frame[2:] + 1).all()


def test_overlap_by_counting_pixels():
    draw = np.random.default_rng(4)
    boxes = np.sort(draw.integers(0, 12, size=(20, 2, 2)), axis=1).reshape(20, 4)

    def pixels(box):
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    expected = [len(pixels(boxes[0]) & pixels(box)) for box in boxes]
    assert overlap(boxes[0], boxes).tolist() == expected and max(expected) > 0


def test_a_picture_of_any_words(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("tfllm.fonts.WIDE_FONTS", ())
    made = KeyedVectors(3, count=0)
    made.add_vectors(["$a$", "$", "_x^{"], np.eye(3))
    assert word_map(made).save(tmp_path / "map.png").read_bytes().startswith(PNG) and not caplog.records
    made.add_vectors(["语言", "模型"], np.ones((2, 3)))  # two in one place
    with caplog.at_level(logging.WARNING, "tfllm"):
        word_map(made).save(tmp_path / "map.png")
    assert [record.getMessage().partition(": ")[2][:12] for record in caplog.records] == ["no installed"]


def test_the_projector_reads_its_files(tmp_path):
    plugin = pytest.importorskip("tensorboard.plugins.projector.projector_plugin")
    from google.protobuf import text_format

    words = ["a", "b\tb", "c\nc", "d\r", " ", "语言", "", "\x85"]
    made = KeyedVectors(4, count=0)
    made.add_vectors(words, np.random.default_rng(5).normal(size=(8, 4)) * 10.0 ** np.arange(-4, 4)[:, None])
    folder = projector(made, tmp_path / "new" / "folder")
    config = plugin.ProjectorConfig()
    text_format.Parse((folder / "projector_config.pbtxt").read_text(), config)
    (embedding,) = config.embeddings
    np.testing.assert_array_equal(plugin._read_tensor_tsv_file(str(folder / embedding.tensor_path)), made.vectors)
    shown = (folder / embedding.metadata_path).read_bytes().decode().split("\n")
    assert shown == ["a", "b␉b", "c␊c", "d␍", " ", "语言", "␀", "\x85", ""]
    projector(made, folder, ["语言", "a"])
    assert (folder / "metadata.tsv").read_text() == "语言\na\n"
    assert len((folder / "vectors.tsv").read_text().splitlines()) == 2
