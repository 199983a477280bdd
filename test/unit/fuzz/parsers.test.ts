import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Property } from './property.js'
import { clientProperties } from './client.js'
import { serverProperties } from './server.js'

/** All together; FERRY_FUZZ_CASES=1000000 is the full size. */
const CASES = Number(process.env['FERRY_FUZZ_CASES'] ?? 100_000)
const SEED = Number(process.env['FERRY_FUZZ_SEED'] ?? randomInt(2 ** 31))

describe(`every parser, with seed ${SEED},`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ferry-fuzz-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const properties = [...serverProperties(folder), ...clientProperties(folder)]
  const shares = properties.reduce((sum, { cost }) => sum + 1 / cost, 0)
  const casesOf = ({ cost }: Property) => Math.ceil(CASES / shares / cost)
  let cases = 0
  afterAll(() => console.log(`${cases} cases in ${properties.length} properties, seed ${SEED}`))

  it.each(properties.map((property) => [property.title, property] as const))(
    'keeps its promise: %s',
    async (_title, property) => {
      await property.run(casesOf(property), SEED)
      cases += casesOf(property)
    },
    60_000 + CASES / 10,
  )

  it(`has been tried ${CASES} times`, () => {
    expect(cases).toBeGreaterThanOrEqual(CASES)
  })
})
