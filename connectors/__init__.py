"""Where datasets come from: storage (objects), containers (records in objects), declarations and platforms (registration)."""
