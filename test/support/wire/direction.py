"""One way along a line: what is sent into it comes out later, or not at all."""

import random
from collections import deque

from reset import resets

# Bytes of a full packet, as the devices have it by default.
FULL = 1500


class Line:
    """What both directions have in common. It may change while packets are under way."""

    def __init__(self, rtt, loss, rate, reset):
        """Milliseconds there and back, per cent of the packets in each direction, Mbit/s in each direction, per cent again."""
        self.rtt, self.loss, self.rate, self.reset = rtt, loss, rate, reset
        self.is_dead = False

    @property
    def byte(self):
        """Seconds that one byte takes onto the line."""
        return 8 / (self.rate * 1e6)

    @property
    def depth(self):
        """The queue in seconds: a bandwidth-delay product, as routers are built for, but 32 full packets at least."""
        return max(self.rtt / 1000, 32 * FULL * self.byte)


class Direction:
    """Takes packets at one end and writes them to `output`, the device at the other, in order."""

    def __init__(self, line, output, seed):
        self.line, self.output = line, output
        # The other way along the line.
        self.opposite = self
        self.chance = random.Random(seed)
        # Each with the time when it arrives.
        self.under_way = deque()
        # When the last packet of the queue will be on its way.
        self.free = 0.0
        self.counts = {'packets': 0, 'bytes': 0, 'lost': 0, 'full': 0, 'broken': 0}

    def take(self, packet, now):
        """Queues a packet, unless the queue is full. One that will be lost takes its time as any other does."""
        line, counts = self.line, self.counts
        counts['packets'] += 1
        counts['bytes'] += len(packet)
        if line.is_dead:
            counts['lost'] += 1
            return
        if self.free - now > line.depth:
            counts['full'] += 1
            return
        self.free = max(self.free, now) + len(packet) * line.byte
        if self.chance.random() * 100 < line.loss:
            counts['lost'] += 1
            return
        # Without resets no chance is taken: the packets that are lost stay the same ones.
        if line.reset > 0 and self.chance.random() * 100 < line.reset:
            packet = self.broken(packet, now)
        self.send(packet, now)

    def broken(self, packet, now):
        """What its receiver gets instead; its sender hears as well that their connection was reset."""
        pair = resets(packet)
        if pair is None:
            return packet
        self.counts['broken'] += 1
        onward, back = pair
        self.opposite.send(back, now)
        return onward

    def send(self, packet, now):
        arrival = max(self.free, now) + self.line.rtt / 2000
        # On a line that has just become shorter nothing overtakes what is on it.
        if self.under_way:
            arrival = max(arrival, self.under_way[-1][0])
        self.under_way.append((arrival, packet))

    def deliver(self, until, write):
        """Writes what has arrived by then."""
        under_way = self.under_way
        while under_way and under_way[0][0] <= until:
            packet = under_way.popleft()[1]
            try:
                write(self.output, packet)
            except OSError:
                self.counts['lost'] += 1

    def clear(self):
        """Loses all that is under way."""
        self.counts['lost'] += len(self.under_way)
        self.under_way.clear()
        self.free = 0.0
