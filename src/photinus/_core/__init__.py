"""What every room may use: files, memory, threads, validation, compilation, random streams."""
