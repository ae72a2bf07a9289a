"""The measurements behind ``lianfang bench``, each in a scratch database of its own."""

from lianfang.config.benchmarks.duties import bench_duties

__all__ = ["bench_duties"]
