"""Limits of control groups, versions 1 and 2."""

from __future__ import annotations

from pathlib import Path

from region4d.doctor.machine import Limits, group_limits, usable_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_tightest_group_of_version_2_counts(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "0::/jobs/mine\n")
    write(tmp_path / "fs/cpu.max", "400000 100000\n")
    write(tmp_path / "fs/jobs/cpu.max", "150000 100000\n")
    write(tmp_path / "fs/jobs/mine/cpu.max", "max 100000\n")
    write(tmp_path / "fs/jobs/mine/memory.max", "2000000000\n")
    assert group_limits(tmp_path / "cgroup", tmp_path / "fs") == Limits(1.5, 2_000_000_000)


def test_groups_of_version_1_are_read(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "4:memory:/box\n1:cpu,cpuacct:/box\n")
    write(tmp_path / "fs/cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n")
    write(tmp_path / "fs/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "fs/memory/box/memory.limit_in_bytes", "9223372036854771712\n")
    write(tmp_path / "fs/memory/memory.limit_in_bytes", "3000000000\n")
    assert group_limits(tmp_path / "cgroup", tmp_path / "fs") == Limits(0.5, 3_000_000_000)


def test_a_group_of_the_host_is_not_mounted_in_a_container(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "0::/host/slice/box\n")
    write(tmp_path / "fs/cpu.max", "200000 100000\n")
    assert group_limits(tmp_path / "cgroup", tmp_path / "fs") == Limits(2.0, None)


def test_no_group_is_no_limit(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "1:cpu:/\n0::/\n")
    write(tmp_path / "fs/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "fs/cpu/cpu.cfs_period_us", "100000\n")
    assert group_limits(tmp_path / "cgroup", tmp_path / "fs") == Limits()
    assert group_limits(tmp_path / "none", tmp_path / "fs") == Limits()


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
