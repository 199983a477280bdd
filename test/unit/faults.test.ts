import { describe, expect, it } from 'vitest'
import { placesOf } from '../faults/mutant.js'
import { PARTS } from '../faults/parts.js'
import { CONTROLS } from '../fuzz/controls.js'

describe('the fault programme', () => {
  it.each(PARTS.map((part) => [part.name, part] as const))('%s has a control', (_name, { controls }) => {
    expect(controls).not.toEqual([])
  })

  it.each(
    PARTS.flatMap(({ name, controls }) => controls.map((control) => [name, control.title, control] as const)),
  )('%s: %s breaks what is there, each place once', async (_name, _title, { breaks }) => {
    for (const place of breaks) expect([place, await placesOf(place)]).toEqual([place, 1])
  })
})

describe('the sending of spoiled requests', () => {
  it.each(CONTROLS)('has a control, $title, that breaks what is there', async ({ breaks }) => {
    for (const place of breaks) expect([place, await placesOf(place)]).toEqual([place, 1])
  })
})
