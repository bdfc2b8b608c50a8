"""The log: what is hashed, how the hashes stand in a tree, and how anyone can check both without trusting us.

Pure: no I/O, no clock, no store. It imports the standard library, `cryptography` and `ledger.errors`, so that the
folder can be handed to a sceptic and used alone. From the bytes upward:

- `lines`       what the text formats share: canonical base64 and decimals
- `merkle`      the RFC 6962 tree: nodes, roots, proofs of inclusion and consistency
- `entry`       header, commitments and the entry: the bytes that the tree hashes
- `note`        C2SP signed notes and their Ed25519 keys
- `checkpoint`  C2SP checkpoints: the root that a log's key vouches for
- `proof`       one entry proven by one file
- `consistency` a later log proven to extend an earlier one
- `tile`        C2SP tiles: the tree and its entries as static files
- `verify`      a whole log checked row by row, in constant memory
"""
