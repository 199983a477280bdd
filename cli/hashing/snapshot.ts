import type { BigIntStats } from 'node:fs'

/** What tells one state of a file from another. It crosses to other threads. */
export interface Snapshot {
  dev: bigint
  ino: bigint
  size: bigint
  mtimeNs: bigint
  ctimeNs: bigint
}

export function snapshotOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Snapshot {
  return { dev, ino, size, mtimeNs, ctimeNs }
}

/** True if both are of one file with the same content. The ctime is left out: a chmod or a new link moves it, too. */
export function isSameFile(before: Snapshot, now: Snapshot): boolean {
  return (['dev', 'ino', 'size', 'mtimeNs'] as const).every((key) => before[key] === now[key])
}

/**
 * What a remembered hash is bound to, beside the path. The ctime is in it because programs set the mtime back
 * (`touch -r`, `cp -p`) and none can set that back. The device is not: its number changes with a restart.
 */
export function stampOf({ size, mtimeNs, ctimeNs, ino }: Snapshot): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`
}

const COARSE_NS = 2_000_000_000n
const FINE_NS = 100_000_000n

/**
 * True if whatever changes the file after `nowMs` will change its stamp. Times are taken from a clock that ticks: every
 * 2 s on FAT, every second on some others, 1 to 10 ms on those that count nanoseconds. A change within the tick of the
 * one before leaves the times as they were. So a file has to be older than a tick when its reading begins; at the end
 * would be too late, as its first bytes were read long before. A time that is a multiple of 10 ms counts as coarse.
 */
export function isSettled({ mtimeNs, ctimeNs }: Snapshot, nowMs: number): boolean {
  const isCoarse = [mtimeNs, ctimeNs].some((time) => time % 10_000_000n === 0n)
  const newest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
  return BigInt(Math.trunc(nowMs)) * 1_000_000n - newest >= (isCoarse ? COARSE_NS : FINE_NS)
}
