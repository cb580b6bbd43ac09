"""Near-duplicates: tokens, sketches, candidates, verification, surplus."""
