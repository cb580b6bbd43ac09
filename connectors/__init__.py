"""Where datasets come from: storage (objects), containers (records in objects), platforms (registration)."""
