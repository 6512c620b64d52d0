"""
A WAN between two network namespaces: two TUN devices, packets from one to the other with a fixed delay each way,
a rate, a drop-tail queue, and if asked for loss and jitter (without overtaking).

  wan-forwarder.py NAME_A NAME_B DELAY_MS MBIT QUEUE_BYTES LOSS JITTER_MS

Prints "ready"; the devices may be moved to namespaces then. Node can't open a TUN device: that takes an ioctl.
Without loss the kernel hands over bundles of segments (TSO), so that 1 Gb/s costs a tenth of a core; the rate is
that of the packets that they stand for.
"""
import collections
import fcntl
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02
HEADER = struct.Struct("<BBHHHH")


def device(name, bundles):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
    if bundles:
        fcntl.ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    return fd


def wire_bytes(packet):
    _flags, gso, headers, segment, _start, _offset = HEADER.unpack_from(packet)
    size = len(packet) - HEADER.size
    if gso == 0 or segment == 0:
        return size
    segments = -(-(size - headers) // segment)
    return size + (segments - 1) * headers


def main():
    names, (delay, mbit, queue, loss, jitter) = sys.argv[1:3], map(float, sys.argv[3:8])
    delay, jitter, rate = delay / 1e3, jitter / 1e3, mbit * 1e6 / 8
    fds = [device(name, loss == 0) for name in names]
    waiting = [collections.deque(), collections.deque()]
    busy, last = [0.0, 0.0], [0.0, 0.0]
    print("ready", flush=True)
    parent = os.getppid()
    now = time.monotonic
    while os.getppid() == parent:
        for at, fd in enumerate(fds):
            for _ in range(64):
                try:
                    packet = os.read(fd, 70_000)
                except (BlockingIOError, OSError):
                    break
                moment = now()
                start = max(busy[at], moment)
                if (start - moment) * rate > queue or (loss and random.random() < loss):
                    continue
                busy[at] = start + wire_bytes(packet) / rate
                due = max(last[at], busy[at] + delay + (random.random() * jitter if jitter else 0))
                last[at] = due
                waiting[at].append((due, packet))
        moment, wake = now(), 0.005
        for at, packets in enumerate(waiting):
            while packets and packets[0][0] <= moment:
                try:
                    os.write(fds[1 - at], packets[0][1])
                except OSError:
                    pass
                packets.popleft()
            if packets:
                wake = min(wake, packets[0][0] - now())
        if wake > 0:
            select.select(fds, [], [], wake)


main()
