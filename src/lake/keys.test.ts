import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkKey, checkPrefix, encodeKeyPart, fromLogPath, partitionFolder, toLogPath } from './keys.js'

const anyText = fc.string({ unit: 'binary', maxLength: 60 })
const anyValue = fc.oneof(
  anyText,
  fc.constantFrom('07', '%20x', '..', '.', 'a/b', '', 'Ward 3', "Côte-d'Or", 'a\nb', '~', 'x'.repeat(5_000)),
)

describe('a value as a part of a key', () => {
  it('comes back by decoding, whatever it is', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(decodeURIComponent(encodeKeyPart(value))).toBe(value)
      }),
    )
  })

  it('has nothing but letters, digits, . _ - and %XX', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(encodeKeyPart(value)).toMatch(/^([\w.-]|%[0-9A-F]{2})*$/)
      }),
    )
  })

  it('is never one of the two dotted names', () => {
    expect(['.', '..', '...'].map(encodeKeyPart)).toEqual(['%2E', '%2E%2E', '%2E%2E%2E'])
  })

  it('keeps spellings apart: 07 is not 7', () => {
    expect(['07', '7', 'Ward 3', 'a/b', '%20x'].map(encodeKeyPart)).toEqual([
      '07',
      '7',
      'Ward%203',
      'a%2Fb',
      '%2520x',
    ])
  })
})

describe('the folder of a partition', () => {
  it('is a good key part for every value, and another one for another value', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        expect(checkKey(partitionFolder('council_district', a))).not.toContain('/')
        expect(partitionFolder('c', a) === partitionFolder('c', b)).toBe(a === b)
      }),
    )
  })

  it('cuts a long value, and keeps apart what begins alike', () => {
    const [a, b] = [`${'Ä'.repeat(200)}a`, `${'Ä'.repeat(200)}b`].map((value) =>
      partitionFolder('ward', value),
    )
    expect(a).toMatch(/^ward=(%C3%84)+(%C3)?~[0-9a-f]{24}$/)
    expect(a).not.toBe(b)
    expect(Buffer.byteLength(a as string)).toBeLessThanOrEqual(255)
  })
})

describe('a path in the log', () => {
  it('gives back the key it was made from', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 4 }), (parts) => {
        const key = parts.join('/')
        expect(fromLogPath(toLogPath(key))).toBe(key)
      }),
    )
  })

  it('encodes each % of a name on disk once more', () => {
    expect(toLogPath('ward=Ward%203/part-1.parquet')).toBe('ward%3DWard%25203/part-1.parquet')
  })

  it('is read as other writers encode it', () => {
    expect(fromLogPath('_2=bar+%252521/part-00000.c000.snappy.parquet')).toBe(
      '_2=bar+%2521/part-00000.c000.snappy.parquet',
    )
  })
})

describe('checking a key', () => {
  it('lets every key through whose parts are whole, and nothing else', () => {
    const anyPart = fc.oneof(fc.constantFrom('', '.', '..', 'a', '...', 'x'.repeat(256)), anyText)
    fc.assert(
      fc.property(fc.array(anyPart, { minLength: 1, maxLength: 4 }), (parts) => {
        const key = parts.join('/')
        const bad = (part: string) => ['', '.', '..'].includes(part) || Buffer.byteLength(part) > 255
        if (key.split('/').some(bad) || key.includes('\0'))
          expect(() => checkKey(key)).toThrow(/no object key/)
        else expect(checkKey(key)).toBe(key)
      }),
    )
  })

  it('lets every beginning of a key through as a prefix', () => {
    const key = 'raw/calls/portal/_delta_log/00.json'
    for (let end = 0; end <= key.length; end++) expect(checkPrefix(key.slice(0, end))).toBe(key.slice(0, end))
  })
})
