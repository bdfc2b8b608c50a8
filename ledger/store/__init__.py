"""The log's homes, behind one recorder contract (`recorder`): SQLite now (`sqlite`), others by the same suite.

`database` opens the file under the SQLite home, and `soundness` says what is wrong with it. `mapper` turns facts into
stored bytes and back, `sealing` turns those into log rows; `folder` is a ledger's folder, `keys` the signing keys and
`pins` what was seen before, both outside it. `ledger.testing` holds the suite that a home must pass.
"""
