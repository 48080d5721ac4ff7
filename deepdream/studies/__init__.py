"""Studies: engines are compared, nets evaluated, and pages written about it."""
