"""Themes and map beside BERTopic and umap-learn, on the same vectors.

    pip install bertopic                      (brings umap-learn, hdbscan, scikit-learn)
    paperkin export DIR                       papers and vectors
    paperkin themes --points map.csv

    python benches/themes_peers.py bertopic DIR   writes groups.tsv and terms.tsv beside the time it took, for
        paperkin eval themes --other groups.tsv --other-terms terms.tsv
    python benches/themes_peers.py map DIR map.csv    trustworthiness and kept neighbours of our map and of umap-learn's

BERTopic runs with its defaults and English stop words, umap-learn with its defaults and cosine.
"""

import csv
import json
import sys
import time

import numpy as np


def read(folder):
    papers = [json.loads(line) for line in open(f"{folder}/papers.jsonl")]
    vectors = {}
    for line in open(f"{folder}/vectors.jsonl"):
        v = json.loads(line)
        vectors[v["id"]] = v["vector"]
    return papers, np.array([vectors[p["id"]] for p in papers], dtype=np.float32)


def bertopic(folder):
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from sklearn.feature_extraction.text import CountVectorizer

    papers, vectors = read(folder)
    texts = [f"{p['title']}. {p.get('abstract') or ''}" for p in papers]
    model = BERTopic(vectorizer_model=CountVectorizer(stop_words="english"), embedding_model=BaseEmbedder())
    began = time.time()
    topics, _ = model.fit_transform(texts, vectors)
    print(f"BERTopic: {time.time() - began:.1f} s, {len(set(topics)) - 1} topics")
    with open("groups.tsv", "w") as out:
        out.write("paper_id\tgroup\n")
        out.writelines(f"{p['id']}\t{t}\n" for p, t in zip(papers, topics))
    with open("terms.tsv", "w") as out:
        out.write("group\tterm\n")
        out.writelines(f"{t}\t{w}\n" for t, words in model.get_topics().items() if t != -1 for w, _ in words if w)


def neighbours(points, metric, k=15):
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k + 1, metric=metric).fit(points).kneighbors(points, return_distance=False)[:, 1:]


def quality(name, vectors, near, places):
    from sklearn.manifold import trustworthiness

    kept = np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(near, neighbours(places, "euclidean"))])
    trust = trustworthiness(vectors, places, n_neighbors=15, metric="cosine")
    print(f"{name}: trustworthiness {trust:.4f}, kept of 15 neighbours {kept:.4f}")


def maps(folder, table):
    import umap

    papers, vectors = read(folder)
    ours = {p["paper"]: (float(p["x"]), float(p["y"])) for p in csv.DictReader(open(table, newline=""))}
    near = neighbours(vectors, "cosine")
    quality("paperkin", vectors, near, np.array([ours[p["id"]] for p in papers]))
    umap.UMAP(metric="cosine").fit_transform(vectors[:500])  # compiles
    began = time.time()
    places = umap.UMAP(metric="cosine", random_state=1).fit_transform(vectors)
    print(f"umap-learn: {time.time() - began:.1f} s")
    quality("umap-learn", vectors, near, places)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bertopic", folder]:
            bertopic(folder)
        case ["map", folder, table]:
            maps(folder, table)
        case _:
            sys.exit(__doc__)
