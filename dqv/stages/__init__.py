"""What a child does: each public function of these modules is one call of the engine, `function(args, out, beat)`.

This is where storage, containers, measuring and duplicates meet; the engine that runs it knows none of
them. A function writes its tables into `out` and returns a small JSON value.
"""
