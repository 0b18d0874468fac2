"""One randomized PCA by scikit-learn: python pca.py FILE MEMBERS DIMENSION K; prints one JSON line."""

import json
import resource
import sys
import time

import numpy as np
from sklearn.decomposition import PCA

path, members, dimension, components = sys.argv[1], *map(int, sys.argv[2:5])
started = time.perf_counter()
x = np.fromfile(path, dtype=np.float32).reshape(members, dimension)
model = PCA(n_components=components, svd_solver="randomized", random_state=0).fit(x)
seconds = time.perf_counter() - started
print(
    json.dumps(
        {
            "seconds": seconds,
            "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "explained": float(model.explained_variance_ratio_.sum()),
        }
    )
)
