import { Md5Hash } from '#src/md5.js'
import * as fc from 'fast-check'
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'

const MIB = 1024 * 1024
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

describe('our MD5', () => {
  it.each([
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ])('is that of RFC 1321, A.5: %s', (text, expected) => {
    expect(new Md5Hash().update(Buffer.from(text)).digest()).toBe(expected)
  })

  it('is OpenSSL’s for every length of some blocks', () => {
    const bytes = randomBytes(400)
    for (let length = 0; length <= bytes.length; length++) {
      const some = bytes.subarray(0, length)
      expect(new Md5Hash().update(some).digest(), `${length}`).toBe(md5(some))
    }
  })

  it('is OpenSSL’s for large pieces, and beyond the length where a count of bits leaves 32', () => {
    const piece = randomBytes(3 * MIB + 7)
    const [ours, theirs] = [new Md5Hash(), createHash('md5')]
    for (let n = 0; n < 180; n++) {
      ours.update(piece)
      theirs.update(piece)
    }
    expect(ours.length * 8).toBeGreaterThan(2 ** 32)
    expect(ours.digest()).toBe(theirs.digest('hex'))
  })

  it('is the same however the bytes come, put aside and taken up again between any two', () => {
    const cuts = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.boolean()), { maxLength: 20 })
    fc.assert(
      fc.property(cuts, (pieces) => {
        let hash = new Md5Hash()
        for (const [piece, isPutAside] of pieces) {
          hash.update(piece)
          if (isPutAside) hash = Md5Hash.from(hash.save())
        }
        const all = Buffer.concat(pieces.map(([piece]) => piece))
        expect(hash.length).toBe(all.length)
        expect(hash.digest()).toBe(md5(all))
      }),
      { numRuns: 2000 },
    )
  })

  it('can be asked in between, and goes on', () => {
    const hash = new Md5Hash()
    let all = Buffer.alloc(0)
    for (const length of [10, 54, 1, 63, 1000]) {
      const piece = randomBytes(length)
      all = Buffer.concat([all, piece])
      expect(hash.update(piece).digest()).toBe(md5(all))
    }
  })

  it('keeps many apart that are made side by side', () => {
    const all = Array.from({ length: 20 }, () => ({ hash: new Md5Hash(), bytes: Buffer.alloc(0) }))
    for (let round = 0; round < 10; round++)
      for (const one of all) {
        const piece = randomBytes(Math.floor(Math.random() * 200))
        one.hash.update(piece)
        one.bytes = Buffer.concat([one.bytes, piece])
      }
    for (const { hash, bytes } of all) expect(hash.digest()).toBe(md5(bytes))
  })

  it('takes what was read into its own memory', () => {
    const hash = new Md5Hash()
    const pieces = [MIB, 5, MIB, 100].map((length) => randomBytes(length))
    for (const piece of pieces) {
      expect(hash.room().length).toBe(MIB)
      hash.room().set(piece)
      hash.filled(piece.length)
    }
    expect(hash.digest()).toBe(md5(Buffer.concat(pieces)))
  })

  it('takes nothing for a saved state that is none', () => {
    const saved = new Md5Hash().update(randomBytes(100)).save()
    expect(Md5Hash.from(saved).length).toBe(100)
    const wrong = [
      new Uint8Array(),
      saved.subarray(0, -1),
      Buffer.concat([saved, new Uint8Array(1)]),
      randomBytes(saved.length),
      new Uint8Array(152), // as long as what hash-wasm saves
    ]
    for (const state of wrong) expect(() => Md5Hash.from(state)).toThrow('not a saved state')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (state) => {
        expect(() => Md5Hash.from(state)).toThrow('not a saved state')
      }),
    )
  })

  it('has the RFC’s table from a sine that need not be exact', () => {
    for (let step = 1; step <= 64; step++) {
      const fraction = (2 ** 32 * Math.abs(Math.sin(step))) % 1
      expect(Math.min(fraction, 1 - fraction)).toBeGreaterThan(0.01)
    }
  })
})
