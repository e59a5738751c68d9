import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, digestOf, eventId, findingId, type Json, seriesId, sha256Hex } from './ids.js'

const anyJson = fc.jsonValue() as fc.Arbitrary<Json>

describe('canonical JSON (RFC 8785)', () => {
  it('writes the example of section 3.2.2 as section 3.2.3 does', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000_000_000_000_000_000_000_000_001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\u0022/",
      literals: [null, true, false],
    }
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('sorts keys by UTF-16 code units, as the example of section 3.2.3 says', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    expect(Object.values(JSON.parse(canonicalJson(value).replace('"1":', '" 1":')))).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })

  // Appendix B: IEEE 754 doubles by their bits.
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the number with the bits %s as %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text)
  })

  it('refuses what has no form: NaN, infinities, lone surrogates in values and keys', () => {
    for (const value of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      '\ud800',
      { '\udc00': 1 },
    ]) {
      expect(() => canonicalJson([value])).toThrow(TypeError)
    }
  })

  it('leaves out members that are undefined', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}')
  })

  it('is JSON of an equal value, and stays as it is when written again', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })

  it('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (members) => {
        const reversed = Object.fromEntries(Object.entries(members).reverse())
        expect(canonicalJson(reversed)).toBe(canonicalJson(members))
      }),
    )
  })
})

describe('ids', () => {
  const series = {
    city: 'springfield',
    division: '07',
    dataset: 'service-requests',
    category: 'Graffiti Removal',
    metric: 'requests',
    direction: 'up',
  } as const

  it('are SHA-256 of the canonical form', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(sha256Hex(new Uint8Array([0x61, 0x62, 0x63]))).toBe(sha256Hex('abc'))
    expect(digestOf({ b: 1, a: [] })).toBe(sha256Hex('{"a":[],"b":1}'))
  })

  it('have their golden values: addresses of findings and entries of ledgers hang on them', () => {
    const finding = findingId(series, '2026-01-05')
    expect([
      seriesId(series),
      finding,
      eventId(finding, '2026-01-05', 'new', digestOf({ observed: 9 })),
    ]).toEqual(GOLDEN)
  })

  it('differ when anything that they are made from differs', () => {
    const others = Object.keys(series).map((key) => ({
      ...series,
      [key]: key === 'direction' ? 'down' : 'other',
    }))
    const ids = [series, ...others].map((one) => seriesId(one as typeof series))
    expect(new Set(ids).size).toBe(ids.length)
    expect(findingId(series, '2026-01-05')).not.toBe(findingId(series, '2026-01-12'))
    const events = [
      eventId('f', '2026-01-05', 'new', 'c'),
      eventId('g', '2026-01-05', 'new', 'c'),
      eventId('f', '2026-01-12', 'new', 'c'),
      eventId('f', '2026-01-05', 'ended', 'c'),
      eventId('f', '2026-01-05', 'new', 'd'),
    ]
    expect(new Set(events).size).toBe(events.length)
  })

  it('do not depend on members that are no part of a series', () => {
    expect(seriesId({ ...series, note: 'x' } as typeof series)).toBe(seriesId(series))
  })
})

const GOLDEN = [
  '97ea68044bf7aaa53129bd3c41e873a7',
  'cd66ddae7d739db7b3843520874ddbb2',
  'a2983fde7245b72b0f8c71e0b9b717dd',
]
