"""A wire between two network namespaces, near and far, as long, lossy and slow as one likes.

It says on its output, in a line of JSON, when it is ready and what the namespaces are called. On its input it takes
`rtt 50`, `loss 2`, `rate 10` (Mbit/s, or inf), `reset 0.1`, `dead on`, `dead off`, `move near 192.0.2.7` and `count`, and
answers each with another line: what has gone into the wire by now. When its input ends, or on SIGTERM, it removes all that
it has made. IPv4 only.
"""

import argparse
import json
import os
import select
import signal
import sys
import time

from direction import Direction, Line
from namespace import move, namespace, remove_abandoned

# For documentation, and so nobody's (RFC 5737).
ADDRESSES = {'near': '192.0.2.1', 'far': '192.0.2.2'}
# So many packets are read in one go, that the other direction may have its turn.
TURN = 64
# The poll counts whole milliseconds. A packet is delivered half of one early or late: one wake-up for many of them.
HALF_TICK = 0.0005


def main():
    options = arguments()
    ended = end_on(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    line = Line(options.rtt, options.loss, options.rate, options.reset)
    remove_abandoned()
    with namespace('near', ADDRESSES['near']) as (near, at_near):
        with namespace('far', ADDRESSES['far']) as (far, at_far):
            there = Direction(line, at_far, f'{options.seed} there')
            back = Direction(line, at_near, f'{options.seed} back')
            there.opposite, back.opposite = back, there
            names = {'near': near, 'far': far}
            say({side: {'namespace': names[side], 'address': ADDRESSES[side]} for side in names})
            carry(line, {at_near: there, at_far: back}, names, ended)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rtt', type=not_negative, default=0.0, help='milliseconds, there and back')
    parser.add_argument('--loss', type=not_negative, default=0.0, help='per cent of the packets, in each direction')
    parser.add_argument('--rate', type=positive, default=float('inf'), help='Mbit/s, in each direction')
    help = 'per cent of the packets with bytes of TCP, in each direction, that break their connection'
    parser.add_argument('--reset', type=not_negative, default=0.0, help=help)
    parser.add_argument('--seed', default='1', help='of the chances, which are the same for the same one')
    return parser.parse_args()


def not_negative(text):
    number = float(text)
    if not 0 <= number < float('inf'):
        raise ValueError(f'{text}: 0 or more, please')
    return number


def positive(text):
    number = float(text)
    if not number > 0:
        raise ValueError(f'{text}: more than 0, please')
    return number


def end_on(*signals):
    """A file descriptor that can be read when one of them has come. Until it is read, what is being made is made."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in signals:
        signal.signal(number, lambda *_: None)
    return ended


def carry(line, directions, names, ended):
    """Carries packets, each from the device that is its key, until the input ends."""
    orders = sys.stdin.fileno()
    poll = select.poll()
    for readable in (*directions, orders, ended):
        poll.register(readable, select.POLLIN)
    text = b''
    while True:
        for ready, _ in poll.poll(patience(directions.values())):
            if ready in directions:
                read(ready, directions[ready])
                continue
            piece = os.read(orders, 4096) if ready == orders else b''
            if not piece:
                return
            *lines, text = (text + piece).split(b'\n')
            for order in lines:
                say(obey(order.decode(), line, list(directions.values()), names))
        until = time.monotonic() + HALF_TICK
        for direction in directions.values():
            direction.deliver(until, os.write)


def patience(directions):
    """Milliseconds until the next packet may be delivered; None where none is under way."""
    arrivals = [direction.under_way[0][0] for direction in directions if direction.under_way]
    return max(0, (min(arrivals) - HALF_TICK - time.monotonic()) * 1000) if arrivals else None


def read(device, direction):
    now = time.monotonic()
    for _ in range(TURN):
        try:
            packet = os.read(device, 65536)
        except BlockingIOError:
            return
        # What IPv6 asks of its neighbours would take chances away.
        if packet[0] >> 4 == 4:
            direction.take(packet, now)


def obey(order, line, directions, names):
    try:
        match order.split():
            case ['rtt' | 'loss' | 'reset' as what, value]:
                setattr(line, what, not_negative(value))
            case ['rate', value]:
                line.rate = positive(value)
            case ['dead', 'on' | 'off' as value]:
                line.is_dead = value == 'on'
                if line.is_dead:
                    for direction in directions:
                        direction.clear()
            case ['move', 'near' | 'far' as side, address]:
                move(names[side], address)
            case ['count']:
                pass
            case _:
                return {'error': f'{order}: rtt, loss, rate, reset, dead, move or count, please'}
    except (ValueError, OSError) as error:
        return {'error': str(error)}
    there, back = directions
    return {'there': there.counts, 'back': back.counts}


def say(answer):
    print(json.dumps(answer), flush=True)


try:
    main()
except BrokenPipeError:
    # Nobody listens any more; what was made has been removed on the way here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
