"""The measurements behind ``lianfang bench``, each in a scratch database of its own."""

from lianfang.config.benchmarks.crash import bench_crash
from lianfang.config.benchmarks.duties import bench_duties
from lianfang.config.benchmarks.screening import bench_screening
from lianfang.config.benchmarks.sync import bench_sync

__all__ = ["bench_crash", "bench_duties", "bench_screening", "bench_sync"]
