"""What the tests with faults made on purpose share: which calls of a tool may fail in which way,
and the environment in which one of them does. What makes them fail is faults/faults.c.
"""

import errno
import os
import pathlib
import sys
from typing import NamedTuple

LIBRARY = pathlib.Path(sys.argv[3]).resolve()
del sys.argv[3]
ALL = "SPB_FAULTS_ALL" in os.environ  # all of them, where a test else takes a sample
SHORT = 0  # no error: the call moves a single byte
MEMORY = ("malloc", "calloc", "realloc", "aligned_alloc")

# What can go wrong with a call, by its manual, and is no reason to give up.
PASSING = {
    "read": (errno.EINTR, errno.EAGAIN, SHORT),
    "pread": (errno.EINTR, SHORT),
    "write": (errno.EINTR, errno.EAGAIN, SHORT),
    "recv": (errno.EINTR, errno.EAGAIN, SHORT),
    "send": (errno.EINTR, errno.EAGAIN, SHORT),
    "accept4": (errno.EINTR, errno.EAGAIN, errno.ECONNABORTED),
    "poll": (errno.EINTR,),
    "ppoll": (errno.EINTR, errno.ENOMEM),
    "connect": (errno.EINTR,),
    "close": (errno.EINTR,),
    "fsync": (errno.EINTR, errno.EINVAL),
    "fdatasync": (errno.EINTR, errno.EINVAL),
    "ftruncate": (errno.EINTR,),
    "fcntl": (errno.EPERM,),
    "setsockopt": (errno.ENOBUFS,),
    "link": (errno.EPERM, errno.EMLINK),
}

# And what is one, unless the tool can do without.
FAILING = {
    "read": (errno.EIO,),
    "pread": (errno.EIO,),
    "write": (errno.EIO, errno.ENOSPC),
    "open": (errno.EMFILE, errno.EACCES, errno.EIO),
    "openat": (errno.EMFILE, errno.EACCES),
    "realpath": (errno.EACCES, errno.EIO),
    "stat": (errno.EIO, errno.ENOMEM),
    "lstat": (errno.EIO,),
    "fstat": (errno.EIO,),
    "fstatat": (errno.EIO,),
    "access": (errno.EACCES,),
    "ftruncate": (errno.EIO,),
    "fchmod": (errno.EPERM,),
    "fchmodat": (errno.EPERM,),
    "flock": (errno.ENOLCK,),
    "fsync": (errno.EIO, errno.ENOSPC),
    "fdatasync": (errno.EIO, errno.ENOSPC),
    "close": (errno.EIO, errno.ENOSPC),
    "link": (errno.EIO,),
    "rename": (errno.EIO, errno.EXDEV, errno.EACCES),
    "unlink": (errno.EIO,),
    "unlinkat": (errno.EIO,),
    "poll": (errno.ENOMEM,),
    "socket": (errno.EMFILE,),
    "bind": (errno.EADDRINUSE,),
    "listen": (errno.EADDRINUSE,),
    "accept4": (errno.EMFILE, errno.ENOMEM),
    "connect": (errno.ECONNREFUSED,),
    "recv": (errno.ECONNRESET, errno.ENOMEM),
    "send": (errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS),
    "shutdown": (errno.ENOTCONN,),
    "getsockopt": (errno.ENOBUFS,),
    **{name: (errno.ENOMEM,) for name in MEMORY},
}

# Without these nothing can be done.
VITAL = ("open", "read", "pread", "write", "fsync", "fdatasync", "rename", "realpath")


class Fault(NamedTuple):
    call: str
    at: int
    error: int
    on: bool = False

    @property
    def passes(self):
        """Nobody notices it."""
        return self.error in PASSING.get(self.call, ())

    @property
    def loses(self):
        """There is no success with it."""
        return self.call in VITAL and not self.passes

    def why(self):
        """What a tool says about it, a regular expression."""
        return os.strerror(self.error) + ("|not enough memory" if self.call in MEMORY else "")

    def __str__(self):
        name = errno.errorcode.get(self.error, "SHORT")
        return f"{self.call} {self.at}{' and on' if self.on else ''}: {name}"


def environment(log, fault=None):
    """For a process with a fault, or with none, whose calls are logged."""
    log.write_bytes(b"")
    variables = {"LD_PRELOAD": str(LIBRARY), "SPB_FAULT_LOG": str(log)}
    if fault:
        variables |= {"SPB_FAULT_CALL": fault.call, "SPB_FAULT_AT": str(fault.at),
                      "SPB_FAULT_ERROR": str(fault.error)}
    if fault and fault.on:
        variables["SPB_FAULT_ON"] = "1"
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return os.environ | variables | {"ASAN_OPTIONS": sanitizer}


def calls(log):
    """How often each function was called."""
    found = {}
    for line in log.read_text().splitlines():
        name = line.removeprefix("!")
        found[name] = found.get(name, 0) + 1
    return found


def happened(log):
    return b"!" in log.read_bytes()


def faults(counted, on=True):
    """Everything that can go wrong in a run with so many calls; with `on` also from then on, where
    the run would end at all: what passes is over at some time, but for shortness."""
    for name in sorted(counted):
        for at in range(1, counted[name] + 1):
            for error in PASSING.get(name, ()) + FAILING.get(name, ()):
                fault = Fault(name, at, error)
                yield fault
                if on and (error == SHORT or not fault.passes):
                    yield fault._replace(on=True)


def sample(items, most):
    """At most so many of them, evenly, unless all are wanted."""
    items = list(items)
    if ALL or len(items) <= most:
        return items
    return [items[n * len(items) // most] for n in range(most)]
