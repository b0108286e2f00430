"""One call for every substrate, what it returns, and where that is stored."""
