"""What a carrier does that breaks a connection: it tells each end, in the other's name, that it was reset."""

import struct

TCP = 6
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


def resets(packet):
    """Two packets in place of this one, for its receiver and for its sender; None where it carries no bytes of TCP."""
    head = (packet[0] & 0x0F) * 4
    if packet[9] != TCP:
        return None
    source, target, sequence, acknowledged, offset, flags = struct.unpack_from('!HHIIBB', packet, head)
    if flags & (FIN | SYN | RST) or len(packet) <= head + (offset >> 4) * 4:
        return None
    sender, receiver = packet[12:16], packet[16:20]
    # Exactly what each end waits for, or it would only ask back (RFC 5961).
    onward = reset(sender, source, receiver, target, sequence, acknowledged)
    return onward, reset(receiver, target, sender, source, acknowledged, sequence)


def reset(sender, source, receiver, target, sequence, acknowledged):
    tcp = struct.pack('!HHIIBBHHH', source, target, sequence, acknowledged, 5 << 4, RST | ACK, 0, 0, 0)
    pseudo = sender + receiver + struct.pack('!BBH', 0, TCP, len(tcp))
    tcp = tcp[:16] + checksum(pseudo + tcp) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp), 0, 0, 64, TCP, 0) + sender + receiver
    return ip[:10] + checksum(ip) + ip[12:] + tcp


def checksum(data):
    """Of the internet (RFC 1071), of an even number of bytes."""
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack('!H', ~total & 0xFFFF)
