"""Facts of one item: encoding, fields, dates, hashes."""
