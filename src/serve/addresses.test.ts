import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressOf, divisionAddress, parsePath } from './addresses.js'

const anyValue = fc.oneof(
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.constantFrom(
    '07',
    'Ward 3',
    'N/E',
    '.',
    '..',
    '~',
    '~.',
    '7.csv',
    'Ñuñoa',
    '50%',
    'a?b#c',
    'chart.svg',
    ' ',
  ),
)

/** What a browser or server sees as the path after it took the address for a URL. */
const seenPath = (address: string) => new URL(address, 'http://site.test/d/x').pathname

describe("a division's address", () => {
  it('leads back to any value, in every form', () => {
    fc.assert(
      fc.property(anyValue, fc.constantFrom('html', 'csv', 'json'), (value, format) => {
        const parsed = parsePath(seenPath(divisionAddress(value, { since: '8w' }, format)))
        expect(parsed).toEqual({ segments: ['d', value], format })
      }),
    )
  })

  it('keeps what lies below a division apart from its value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const parsed = parsePath(seenPath(addressOf(['d', value, 'chart'], {}, 'svg')))
        expect(parsed).toEqual({ segments: ['d', value, 'chart'], format: 'svg' })
      }),
    )
  })

  it('is refused when it is no valid encoding', () => {
    expect(parsePath('/d/%E0%A4%A')).toBeUndefined()
  })
})
