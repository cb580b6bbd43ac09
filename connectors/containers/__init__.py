"""Records in an object, streamed and bounded, whatever the format."""
