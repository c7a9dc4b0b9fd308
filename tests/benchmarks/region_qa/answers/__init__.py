"""Tests of benchmarks.region_qa.answers."""
