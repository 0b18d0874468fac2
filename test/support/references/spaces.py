"""Makes test/fixtures/spaces/*.json with numpy and scikit-learn: python test/support/references/spaces.py"""

import json
import pathlib

import numpy as np
from sklearn.decomposition import PCA

folder = pathlib.Path(__file__).parents[2] / "fixtures" / "spaces"
random = np.random.default_rng(7)
stamp = {"magic": "facet-reference", "version": 1, "made": "python test/support/references/spaces.py"}

# Twelve vectors of thirty numbers with a decaying spectrum.
x = (random.normal(size=(12, 8)) * 3.0 / np.arange(1, 9)) @ random.normal(size=(8, 30)) + 0.5
x = np.round(x, 4)
pca = PCA(n_components=5, svd_solver="full").fit(x)
scaled = (x - x.mean(0)) / x.std(0, ddof=1)
scaled_pca = PCA(n_components=5, svd_solver="full").fit(scaled)
record = {
    **stamp,
    "vectors": x.tolist(),
    "mean": pca.mean_.tolist(),
    "explained": pca.explained_variance_ratio_.tolist(),
    "sigma": np.sqrt(pca.explained_variance_).tolist(),
    "components": pca.components_.tolist(),
    "standardisedExplained": scaled_pca.explained_variance_ratio_.tolist(),
}
(folder / "pca.json").write_text(json.dumps(record))

# Six LoRAs of two modules, rank 2: PCA of the products themselves, by their dense deltas.
shapes = [(6, 5), (4, 7)]
members = [
    [
        {
            "up": np.round(random.normal(size=(out, 2)), 3).tolist(),
            "down": np.round(random.normal(size=(2, columns)), 3).tolist(),
        }
        for out, columns in shapes
    ]
    for _ in range(6)
]
dense = np.stack(
    [
        np.concatenate([(np.array(m["up"]) @ np.array(m["down"])).ravel() for m in member])
        for member in members
    ]
)
delta = PCA(n_components=4, svd_solver="full").fit(dense)
record = {
    **stamp,
    "shapes": shapes,
    "members": members,
    "explained": delta.explained_variance_ratio_.tolist(),
    "sigma": np.sqrt(delta.explained_variance_).tolist(),
    "gram": (dense @ dense.T).tolist(),
    # The first member rebuilt from four components.
    "rebuilt": delta.inverse_transform(delta.transform(dense[:1]))[0].tolist(),
}
(folder / "delta.json").write_text(json.dumps(record))

# A mix of stacked factors and its best rank-3 approximation.
stack, out, columns = 40, 30, 26
ups = np.round(random.normal(size=(stack, out)), 3)
downs = np.round(random.normal(size=(stack, columns)), 3)
weights = np.round(np.exp(-np.arange(stack) / 3.0), 5)
u, s, v = np.linalg.svd((ups * weights[:, None]).T @ downs, full_matrices=False)
record = {
    **stamp,
    "ups": ups.tolist(),
    "downs": downs.tolist(),
    "weights": weights.tolist(),
    "singular": s.tolist(),
    "best": ((u[:, :3] * s[:3]) @ v[:3]).tolist(),
}
(folder / "mix.json").write_text(json.dumps(record))
