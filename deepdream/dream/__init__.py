"""The dream: the algorithms, on arrays and nets. Nothing here reads a file or prints."""
