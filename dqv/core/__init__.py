"""What every other part speaks: errors, verdicts, units, policy, registration, settings, row schemas."""
