import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../support/folder.js'
import { missing } from '../support/tools.js'

const UNIT = fileURLToPath(new URL('../../deploy/ferry.service', import.meta.url))
/** What systemd calls the exposure of a service: 0 is a sealed box, 10 a root shell. */
const MOST_EXPOSED = 2

describe.skipIf(missing('systemd-analyze'))(`deploy/ferry.service${missing('systemd-analyze')}`, () => {
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })

  it('is understood by systemd without a warning', () => {
    // Where node is and where Ferry lies differs from machine to machine.
    const unit = join(testFolder(), 'ferry.service')
    writeFileSync(unit, readFileSync(UNIT, 'utf8').replace('=/usr/bin/node', `=${process.execPath}`))
    const { status, stdout, stderr } = analyze('verify', unit)
    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })

  it(`exposes the machine by ${MOST_EXPOSED.toFixed(1)} at most, by systemd's own measure`, () => {
    const { stdout, stderr } = analyze('security', '--offline=true', '--no-pager', UNIT)
    const [, level] = /Overall exposure level for ferry.service: ([0-9.]+)/.exec(stdout) ?? []
    expect(level, stderr).toBeDefined()
    expect(Number(level)).toBeLessThanOrEqual(MOST_EXPOSED)
  })
})
