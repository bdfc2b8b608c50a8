"""Other people's formats in: each reader turns its input into drafts, and `admission` holds them against the ledger.

Bad input is met here, whole, before anything is written: one clear error with file, line and field.
"""
