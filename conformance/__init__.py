"""Tiny datasets with known findings; see README.md. Not part of the wheel."""
