"""Known worlds seen through real camera models: truth for tests, benchmarks and the bundled scene."""
