"""What every package needs of the system: files, locks, memory, and where things are."""
