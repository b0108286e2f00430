"""Other people's models and results: readers, writers, and the interfaces of their samplers."""
