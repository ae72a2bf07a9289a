"""The embedded server's configuration, sized to the machine."""

from pathlib import Path

import psutil

MEGABYTE = 1024 * 1024


def machine_memory() -> int:
    """Return the memory we may use, in bytes: the machine's, or less where a container limits it."""
    total = int(psutil.virtual_memory().total)
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return min(total, int(text)) if text.isdigit() else total


def configuration(sockets: Path, memory: int) -> str:
    """Return the server's whole configuration for a socket folder and a machine's memory in bytes."""
    settings = {**_reach(sockets), **DURABLE, **_memory(memory), **PLANNER, **LOGGING, **MEANING}
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def quoted(text: str) -> str:
    """Return a configuration string in its quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _reach(sockets: Path) -> dict[str, str]:
    # a list of folders: inner quotes keep a blank or a comma in the path from splitting it
    folder = '"' + str(sockets).replace('"', '""') + '"'
    return {
        "listen_addresses": "''",  # no network: reached through the socket in a folder of 0700 alone
        "unix_socket_directories": quoted(folder),
        "unix_socket_permissions": "0700",
        "hba_file": "'access.conf'",  # beside this file
        "max_connections": "100",
        "password_encryption": "scram-sha-256",
    }


#: an acknowledged tube must be there after a power cut, whatever it costs
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "checkpoint_timeout": "15min",  # fewer full-page images while a round is being registered
    "checkpoint_completion_target": "0.9",
    "max_wal_size": "2GB",  # bounds the disk, and recovery after a crash to some seconds
    "min_wal_size": "256MB",
}


def _memory(memory: int) -> dict[str, str]:
    """Take a part of the memory only: web nodes, workers and the file cache live on the same machine."""

    def share(divisor: int, least: int, most: int) -> str:
        return f"{max(least, min(most, memory // divisor // MEGABYTE))}MB"

    return {
        "shared_buffers": share(8, 128, 2048),
        "effective_cache_size": share(2, 256, 65536),
        # per sort, several per query, tens of queries: a 512th keeps the worst night within the machine
        "work_mem": share(512, 4, 64),
        "maintenance_work_mem": share(32, 64, 512),
    }


PLANNER = {
    "random_page_cost": "1.1",  # solid-state disks
    "jit": "off",  # thousands of short statements, no long ones
    "default_statistics_target": "200",  # codes are skewed: a few townships hold most people
}

#: a log is read by more people than the database: no statement, value or key of a record may reach it
LOGGING = {
    "logging_collector": "on",
    "log_directory": "'../log'",
    "log_filename": "'postgresql-%a.log'",  # a week, then overwritten
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "'%m [%p] %u@%d '",
}

MEANING = {"timezone": "'UTC'", "log_timezone": "'UTC'", "lc_messages": "'C'"}
