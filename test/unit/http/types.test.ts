import { describe, expect, it } from 'vitest'
import { treatmentOf } from '#src/http/types.js'

/** Types that a browser would run, or would render with scripts in them. */
const ACTIVE = /script|html|xml|svg|css|wasm|shockwave|manifest|multipart|message/i

describe('treatmentOf', () => {
  it('gives no active type, whatever the extension', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
    const upToThree = [...letters].flatMap((first) => [
      first,
      ...[...letters].flatMap((second) => [
        first + second,
        ...[...letters].map((third) => first + second + third),
      ]),
    ])
    const longer = [
      'html',
      'xhtml',
      'shtml',
      'mhtml',
      'json5',
      'jsonld',
      'svgz',
      'webmanifest',
      'constructor',
    ]
    for (const extension of [...upToThree, ...longer, '__proto__', 'toString', '']) {
      const { type, disposition, csp } = treatmentOf(extension)
      expect(type, extension).not.toMatch(ACTIVE)
      expect(csp).toContain("default-src 'none'")
      if (disposition === 'inline' && !/^(video|audio)\//.test(type))
        expect(csp, extension).toContain('sandbox')
      if (disposition === 'attachment') expect(type).toBe('application/octet-stream')
    }
  })
})
