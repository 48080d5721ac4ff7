"""Files as a bad download or an attacker leaves them."""

import numpy as np


def damaged(content: bytes, rng: np.random.RandomState) -> bytes:
    """The bytes with a few of them changed, taken out, doubled or cut off."""
    out = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not out:
            break
        at, kind = rng.randint(len(out)), rng.randint(6)
        length = rng.randint(1, 9)
        if kind == 0:
            out[at] ^= 1 << rng.randint(8)
        elif kind == 1:
            out[at : at + length] = bytes(rng.randint(0, 256, length).tolist())
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = out[at : at + length]
        elif kind == 4:
            out[at : at + length] = b"\xff" * length
        else:
            del out[at:]
    return bytes(out)
