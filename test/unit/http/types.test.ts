import { describe, expect, it } from 'vitest'
import { treatmentOf } from '#src/http/types.js'

/** Types that a browser would run, or would render with scripts in them. */
const ACTIVE = /script|html|xml|svg|css|wasm|shockwave|manifest|multipart|message/i

describe('treatmentOf', () => {
  it('gives no active type, whatever the extension', () => {
    // Every number up to "zzz" in base 36: all the extensions of up to three letters and digits.
    const short = Array.from({ length: 36 ** 3 }, (_, number) => number.toString(36))
    const padded = Array.from({ length: 36 ** 2 }, (_, number) => number.toString(36).padStart(3, '0'))
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
    for (const extension of [...short, ...padded, ...longer, '__proto__', 'toString', '']) {
      const { type, disposition, csp } = treatmentOf(extension)
      expect(type, extension).not.toMatch(ACTIVE)
      expect(csp).toContain("default-src 'none'")
      if (disposition === 'inline' && !/^(video|audio)\//.test(type))
        expect(csp, extension).toContain('sandbox')
      if (disposition === 'attachment') expect(type).toBe('application/octet-stream')
    }
  })
})
