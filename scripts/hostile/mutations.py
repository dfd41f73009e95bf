"""What chance and malice do to a file: flipped bits, cut and repeated parts, hostile numbers."""

from __future__ import annotations

import random

_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\xff\xff")


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A damaged copy of a file; the same `chance` gives the same copy."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if not result:
            break
        # Half of the damage goes into the first bytes, where headers are.
        end = min(len(result), 64) if chance.random() < 0.5 else len(result)
        at = chance.randrange(end)
        kind = chance.randrange(7)
        if kind == 0:
            result[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            result[at] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        elif kind == 2:
            number = chance.choice(_NUMBERS)
            result[at : at + len(number)] = number
        elif kind == 3:
            del result[at : at + chance.randrange(1, 64)]
        elif kind == 4:
            piece = result[at : at + chance.randrange(1, 256)]
            result[at:at] = piece * chance.choice((1, 2, 50))
        elif kind == 5:
            del result[max(at, 8) :]
        else:
            result[at:at] = chance.randbytes(chance.randrange(1, 32))
    return bytes(result)
