"""What the parts of a long run found, kept in a file of JSON lines that a later run goes on with."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import reference
from support import cases, specials, sweep, ulp

import fastact as fa
from fastact import _core

JUDGES = [
    *sorted(Path(reference.__file__).parent.rglob("*.py")),
    *map(Path, (cases.__file__, specials.__file__, sweep.__file__, ulp.__file__, __file__)),
]


class Task(NamedTuple):
    """One of `parts` equal ranges of keys of one function, and every how many-th number of it."""

    op: str
    order: int
    stride: int
    parts: int
    part: int

    @property
    def keys(self):
        share = sweep.KEYS // self.parts
        return range(-(-self.part * share // self.stride) * self.stride, (self.part + 1) * share, self.stride)


def build():
    """What a result depends on: the compiled core, the instruction set, and who judges. A line
    of another build is another's result."""
    core = hashlib.sha256(Path(_core.__file__).read_bytes())
    judges = hashlib.sha256(b"".join(file.read_bytes() for file in JUDGES))
    return {
        "version": fa.__version__,
        "core": core.hexdigest()[:16],
        "isa": _core.get_isa(),
        "judges": judges.hexdigest()[:16],
    }


def _bits(x):
    return f"{int(np.float32(x).view(np.uint32)):#010x}"


def _number(bits):
    return np.uint32(int(bits, 16)).view(np.float32)


class Ledger:
    """The results in a file of this build, by task. Every line is written at once and whole, or
    is dropped when the file is read again: a run may be killed at any time."""

    def __init__(self, path):
        self._path, self._build, self.known = path, build(), {}
        text = path.read_text() if path.exists() else ""
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue  # cut off
            if record.get("build") == self._build:
                self.known[Task(**record["task"])] = _found(record)
        if text and not text.endswith("\n"):
            self._append("\n")

    def add(self, task, found):
        self.known[task] = found
        record = {"build": self._build, "task": task._asdict(), "inputs": len(task.keys), **_record(found)}
        self._append(json.dumps(record) + "\n")

    def _append(self, text):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(text.encode())


def _record(found):
    return found._asdict() | {"at": _bits(found.at), "falls_at": [_bits(x) for x in found.falls_at]}


def _found(record):
    fields = {name: record[name] for name in sweep.Found._fields}
    fields |= {"at": _number(record["at"]), "falls_at": tuple(map(_number, record["falls_at"]))}
    return sweep.Found(**fields)
