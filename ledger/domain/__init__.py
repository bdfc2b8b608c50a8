"""What happened: facts as immutable events, one module per kind of subject, and the fold that reads a stream.

`registry` lists the kinds; `event` has the envelope; `kind` the lifecycle table; `correction` what replaces what.
Nothing here knows of storage, law or screens.
"""
