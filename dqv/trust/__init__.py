"""What binds a report to the data and to its signer: Merkle tree, Statement, DSSE, keys."""
