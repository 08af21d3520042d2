"""Looks for secrets in what processes could leave in a core file: all memory that they can write to.

memory.py WANTED PID...: WANTED is a file with {NAME: HEX}; answered are lines "PID NAME" of what is found.
"""
import json
import re
import sys

CHUNK = 256 << 10
NOTHING = bytes(CHUNK)  # most of what a Go program has is not in use
with open(sys.argv[1]) as file:
    wanted = {name: bytes.fromhex(text) for name, text in json.load(file).items()}
longest = max(len(secret) for secret in wanted.values())
for pid in sys.argv[2:]:
    found = set()
    regions = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            at, end = int(begin, 16), int(end, 16)
            if not rights.startswith("rw"):
                continue
            regions += 1
            before = b""
            while at < end:
                try:
                    memory.seek(at)
                    text = memory.read(min(CHUNK, end - at))
                except (OSError, ValueError, OverflowError):  # not there any more, or a device's
                    break
                if not text:
                    break
                at += len(text)
                if not before and text == NOTHING:
                    continue
                window = before + text
                found.update(name for name, secret in wanted.items() if secret in window)
                before = b"" if text == NOTHING else window[-longest:]
    if not regions:
        sys.exit(f"process {pid} has no memory")
    for name in sorted(found):
        print(pid, name)
