import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder that goes with the test. */
export function testFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'ferry-unit-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
