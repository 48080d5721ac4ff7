"""What is wrong with a file: what it is instead, where a field stands, whose a setting is."""
