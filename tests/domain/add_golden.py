"""``python -m tests.domain.add_golden``: adds a full and a minimal example of each event type that has none yet.

It never touches a line that stands. A line that a change of the code breaks is not regenerated: the type gets a new
class version and an upcaster, and the line stays, as what older ledgers hold.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from ledger.domain.codec import canonical, decode_event, encode_event
from ledger.domain.registry import EVENT_TYPES

from .shapes import example

GOLDEN = Path(__file__).with_name("golden_events.jsonl")


def add() -> list[str]:
    """Appends what is missing; returns the names of the types added."""
    lines = GOLDEN.read_text("utf-8").splitlines() if GOLDEN.exists() else []
    known = {json.loads(line)["type"] for line in lines}
    missing = [name for name in EVENT_TYPES if name not in known]
    for name in missing:
        step = EVENT_TYPES[name]
        for full in (True, False):
            payload = encode_event(decode_event(step.event, canonical(example(step.event, full=full))))
            row = {
                "type": name,
                "version": step.version,
                "payload": payload.decode(),
                "sha256": sha256(payload).hexdigest(),
            }
            lines.append(json.dumps(row, ensure_ascii=False))
    GOLDEN.write_text("\n".join(lines) + "\n", "utf-8")
    return missing


if __name__ == "__main__":
    print("\n".join(add()) or "every event type has its lines")
