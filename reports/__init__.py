"""What people and programs see of a run: the report model, JSON Schema, HTML, evidence."""
