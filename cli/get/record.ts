import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Md5, parseMd5 } from '../../src/contract.js'
import { systemCodeOf } from '../errors.js'
import { syncFolder } from './disk.js'
import { Ranges } from '../../src/spread/ranges.js'

/** What is known of a part: whose bytes it holds, and which of them are certainly in it. */
export interface PartRecord {
  md5: Md5
  /** Bytes of the whole. */
  size: number
  etag: string | undefined
  have: Ranges
}

/** The record at `path`: undefined where there is none, `torn` where nothing can be made of it. */
export async function readRecord(path: string): Promise<PartRecord | 'torn' | undefined> {
  try {
    return parseRecord(await readFile(path, 'utf8')) ?? 'torn'
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function parseRecord(text: string): PartRecord | undefined {
  try {
    const { md5, size, etag, have } = JSON.parse(text) as Record<string, unknown>
    const known = parseMd5(md5)
    if (!known || !isPosition(size) || !Array.isArray(have) || !have.every(isPair)) return undefined
    const ranges = have.map(([start, end]) => ({ start, end }))
    return {
      md5: known,
      size,
      etag: typeof etag === 'string' ? etag : undefined,
      have: new Ranges(ranges).within(size),
    }
  } catch {
    return undefined
  }
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isPosition)
}

/**
 * Writes the record, and resolves when it is on disk: whoever reads it, after a kill or a power cut too, reads the old one
 * or the new one.
 */
export async function writeRecord(path: string, record: PartRecord): Promise<void> {
  const draft = `${path}.new`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(record)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}
