"""How work runs: manifest, partitions, ledger, Dask, and the sandboxed child. Knows nothing of what is measured."""
