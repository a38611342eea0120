#!/usr/bin/env python3
"""Verifies loyalty's ledger from an export, independently of the program that wrote it.

Reads what perennial.loyalty.v1.AuditService/ListLedger answers as JSON (one or more answers, one
after the other), from the files named or from standard input, and computes the hash chain as
crates/loyalty/docs/integrity.md describes it. Standard library only.

  after=0
  while :; do
    page=$(grpcurl -plaintext -d "{\"after_seq\":$after,\"page_size\":500}" localhost:50053 \\
      perennial.loyalty.v1.AuditService/ListLedger); echo "$page"
    after=$(echo "$page" | python3 -c 'import json,sys; print(json.load(sys.stdin).get("nextAfterSeq", 0))')
    [ "$after" = 0 ] && break
  done | scripts/verify-ledger.py [--head SEQ:HEX]...

--head: a head that was kept outside (GetHead); the chain must pass through it.
Exit: 0 sound, 1 a violation, 2 unusable input.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import re
import struct
import sys
from datetime import datetime, timezone

LEGS = ["issuer", "available", "escrow", "debt", "redeemed", "expired", "reversed", "transfer"]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
KINDS = pathlib.Path(__file__).parent / "../proto/perennial/loyalty/v1/kinds.proto"


def number(value):
    return struct.pack(">q", int(value or 0))


def text(value):
    encoded = (value or "").encode()
    return number(len(encoded)) + encoded


def uuid(value):
    return bytes.fromhex(value.split("_")[1])


def micros(value):
    """RFC 3339 in UTC, to the microsecond."""
    whole, _, fraction = value.rstrip("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc) - EPOCH
    return (seconds.days * 86_400 + seconds.seconds) * 1_000_000 + int((fraction + "000000")[:6])


def optional(value, encode):
    return b"\1" + encode(value) if value else b"\0"


def bytes_of(entry, kinds):
    legs = entry.get("legs", {})
    parts = [number(entry["seq"]), uuid(entry["entryId"]), text(entry["userId"])]
    parts += [number(kinds[entry["kind"]]), number(entry["points"])]
    parts += [number(legs.get(leg)) for leg in LEGS]
    parts += [number(entry.get("held")), number(entry.get("availableAfter"))]
    parts += [optional(entry.get(name), uuid) for name in ("reverses", "holdId")]
    names = ("source", "sourceEventId", "reason", "rule", "ruleVersion")
    parts += [text(entry.get(name)) for name in names]
    facts = entry.get("facts", {})
    parts.append(number(len(facts)))
    parts += [text(name) + text(facts[name]) for name in sorted(facts, key=str.encode)]
    parts += [number(micros(entry["occurTime"])), number(micros(entry["recordTime"]))]
    times = ("expireTime", "activateTime")
    parts += [optional(entry.get(name), lambda at: number(micros(at))) for name in times]
    parts.append(optional(entry.get("transferId"), uuid))
    uses = entry.get("allocations", [])
    parts.append(number(len(uses)))
    parts += [uuid(use["lotId"]) + number(use["points"]) for use in uses]
    return b"".join(parts)


def answers(content):
    decoder, at = json.JSONDecoder(), 0
    while content[at:].strip():
        at += len(content[at:]) - len(content[at:].lstrip())
        answer, at = decoder.raw_decode(content, at)
        yield answer


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("files", nargs="*", help="answers as JSON; standard input without")
    arguments.add_argument("--head", action="append", default=[], help="SEQ:HEX kept outside")
    arguments = arguments.parse_args()
    kinds = {name: int(n) for name, n in re.findall(r"(ENTRY_KIND_\w+) = (\d+);", KINDS.read_text())}
    pages = [pathlib.Path(name).read_text() for name in arguments.files] or [sys.stdin.read()]
    heads = {int(seq): digest for seq, digest in (head.split(":") for head in arguments.head)}
    faults, last, chain = [], 0, None
    for answer in (answer for page in pages for answer in answers(page)):
        begins = int(answer.get("hashFromSeq", 1))
        if chain is None:
            chain = hashlib.sha256(b"perennial.loyalty.v1 ledger" + number(begins)).digest()
        for entry in answer.get("entries", []):
            seq = int(entry["seq"])
            if seq != last + 1:
                faults.append(f"entry {seq} follows {last}")
            last = seq
            if sum(int(entry.get("legs", {}).get(leg, 0)) for leg in entry.get("legs", {})):
                faults.append(f"the legs of entry {seq} do not sum to zero")
            if seq < begins:
                continue
            expected = hashlib.sha256(chain + bytes_of(entry, kinds)).digest()
            chain = base64.b64decode(entry.get("hash", ""))
            if chain != expected:
                faults.append(f"entry {seq} is not what its hash says")
            if heads.pop(seq, chain.hex()) != chain.hex():
                faults.append(f"entry {seq} has another hash than the head that was kept")
    faults += [f"entry {seq}, of which a head was kept, is missing" for seq in heads]
    print("\n".join(faults) or f"sound: {last} entries, head {last}:{(chain or b'').hex()}")
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyError, ValueError, IndexError, OSError, struct.error) as unusable:
        print(f"cannot read the export: {unusable!r}", file=sys.stderr)
        sys.exit(2)
