"""A network namespace with one TUN device, all that it has to reach anybody."""

import fcntl
import os
import re
import signal
import struct
import subprocess
from contextlib import contextmanager, suppress

PREFIX = 'ferry-wire'
DEVICE = 'wire0'
NETWORK = '192.0.2.0/24'
# As long as the processor has others to serve, packets wait in the device; it shall drop none of them.
BACKLOG = 5000
# What most hosts have. The machine's own may be another (bbr, say), which hides loss; a namespace would inherit it, and may
# be given one by its routes only, whatever the machine allows its users.
CONGESTION = 'cubic'

# From linux/if_tun.h.
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000


@contextmanager
def namespace(side, address):
    """Its name and the device's file descriptor. At the end it is removed, and whoever still runs in it is killed."""
    name = f'{PREFIX}-{os.getpid()}-{side}'
    ip('netns', 'add', name)
    device = None
    try:
        device = open_device(name, address)
        yield name, device
    finally:
        if device is not None:
            os.close(device)
        remove(name)


def remove_abandoned():
    """Removes the namespaces of wires that were killed before they could."""
    for line in ip('netns', 'list').splitlines():
        owner = re.match(rf'{PREFIX}-(\d+)-\w+', line)
        if owner and not os.path.exists(f'/proc/{owner[1]}'):
            # Another wire may be at it, too.
            with suppress(OSError):
                remove(owner[0])


def open_device(name, address):
    """Without checksums and segments left to the hardware, so that each packet is one as on a cable."""
    device = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    try:
        wish = struct.pack('16sH22x', b'ferry%d', IFF_TUN | IFF_NO_PI)
        made = fcntl.ioctl(device, TUNSETIFF, wish)[:16].rstrip(b'\0').decode()
        ip('link', 'set', made, 'netns', name, 'name', DEVICE)
        ip(
            *('-n', name, '-batch', '-'),
            lines=['link set lo up', f'link set {DEVICE} txqueuelen {BACKLOG} up', *lines_of(address)],
        )
    except BaseException:
        os.close(device)
        raise
    return device


def lines_of(address):
    return [
        f'address add {address}/24 dev {DEVICE}',
        f'route change {NETWORK} dev {DEVICE} src {address} congctl {CONGESTION}',
    ]


def move(name, address):
    """Gives it another address. What its connections have under the old one goes nowhere, and nobody is told."""
    ip('-n', name, '-batch', '-', lines=[f'address flush dev {DEVICE}', *lines_of(address)])


def remove(name):
    for process in ip('netns', 'pids', name).split():
        with suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)
    ip('netns', 'delete', name)


def ip(*args, lines=()):
    """Runs ip(8), out of reach of a Ctrl-C at the terminal; its output."""
    done = subprocess.run(
        ['ip', *args],
        input=''.join(f'{line}\n' for line in lines),
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise OSError(f'ip {" ".join(args)}: {done.stderr.strip()}')
    return done.stdout
