"""Studies: engines compared, nets evaluated, and the pages that tell of it."""
