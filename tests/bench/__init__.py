"""The benchmarks: `python -m tests.bench` measures, `python -m tests.bench.explain` reads query plans."""
