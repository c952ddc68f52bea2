"""A seccomp filter for a process that only computes: it may use memory and open files, and exit.

Every other system call fails with EPERM, in the process and in whatever runs in it (seccomp(2);
linux/filter.h, linux/seccomp.h and linux/audit.h have the numbers).
"""

import ctypes
import errno
import os
from collections.abc import Iterator, Sequence

from ..prctl import prctl

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
KILL, ERRNO, ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
AT_NUMBER, AT_MACHINE = 0, 4
"""Offsets in struct seccomp_data: of the system call's number, and of the machine it is for."""

CALLS = {
    # by name: its number on x86_64, on aarch64
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "setitimer": (38, 103),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""What a process needs to compute, to read and write open files, and to exit."""

MACHINES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
"""The index of a machine's numbers in CALLS, and its AUDIT_ARCH."""


class _Instruction(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def confine() -> bool:
    """Filter this process's system calls from now on; False if the kernel or the machine cannot."""
    if (name := os.uname().machine) not in MACHINES:
        return False
    place, machine = MACHINES[name]
    code = list(_instructions(machine, [numbers[place] for numbers in CALLS.values()]))
    program = _Program(len(code), (_Instruction * len(code))(*code))
    try:
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))
    except OSError:
        return False
    return True


def _instructions(machine: int, allowed: Sequence[int]) -> Iterator[_Instruction]:
    """The filter's program. A jump skips as many instructions as it says."""
    yield _Instruction(LOAD, 0, 0, AT_MACHINE)
    yield _Instruction(EQUAL, 1, 0, machine)
    yield _Instruction(RETURN, 0, 0, KILL)
    yield _Instruction(LOAD, 0, 0, AT_NUMBER)
    for left, number in zip(range(len(allowed), 0, -1), allowed, strict=True):
        yield _Instruction(EQUAL, left, 0, number)
    yield _Instruction(RETURN, 0, 0, ERRNO | errno.EPERM)
    yield _Instruction(RETURN, 0, 0, ALLOW)
