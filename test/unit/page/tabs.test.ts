import { afterEach, describe, expect, it, vi } from 'vitest'
import { Tabs } from '../../../page/engine/tabs.js'

describe('a tab', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('is alone where the browser lets no tab speak to another', async () => {
    vi.stubGlobal('BroadcastChannel', function () {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    })
    expect(await new Tabs().isElsewhere('a file')).toBe(false)
  })
})
