"""Names of folders that hold generated data: a hash of everything that determines its bytes."""

from __future__ import annotations

import hashlib
import json


def cache_key(kind: str, format_number: int, *parts: object) -> str:
    """Hash what determines the bytes of generated data to 16 hexadecimal digits.

    Args:
        kind: what is stored, such as "worlds": two kinds with equal parts have different keys.
        format_number: of the code that generates it. Raise it whenever the same parts give other bytes, so that no run
            reads data of the old code; a golden test of the bytes tells when.
        parts: everything else that the bytes depend on, as JSON can write it; mappings in any order.
    """
    text = json.dumps([kind, format_number, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
