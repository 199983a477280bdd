import { inOneGo } from '#src/log.js'
import { expect, it } from 'vitest'

it('writes the lines of a moment together, and at the end what still waits', async () => {
  const written: string[] = []
  const lines = inOneGo((text) => written.push(text))
  lines.add('one')
  lines.add('two')
  expect(written).toEqual([])
  await expect.poll(() => written).toEqual(['one\ntwo'])
  lines.add('three')
  lines.flush()
  await new Promise(setImmediate)
  expect(written).toEqual(['one\ntwo', 'three'])
})
