"""dqv: measures a dataset against the clauses of a certification rule and signs what it found."""

__version__ = "0.1.0"
