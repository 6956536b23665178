"""What there is to rehearse, made once for all tests that are handed nothing else."""

from harness.catalogue import made_of

CATALOGUE = made_of()
