import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockAddress } from './block-address.js'

describe('an address as published', () => {
  it.each([
    ['1234 N MAIN ST, LOS ANGELES, 90012', '1200 block of N MAIN ST'],
    ['1234 Main St Apt 5', '1200 block of Main St'],
    ['1234 Main St #5B', '1200 block of Main St'],
    ['1234B Main St 90012-1234', '1200 block of Main St'],
    ['1234 1/2 W 5TH ST', '1200 block of W 5TH ST'],
    ['45 Elm Street', 'first block of Elm Street'],
    ['1200-1210 Oak Ave', '1200 block of Oak Ave'],
    ['31-45 41 Street', '41 Street'],
    ['53-55 Lamartine St', 'Lamartine St'],
    ['MAIN ST & 5TH ST', 'MAIN ST & 5TH ST'],
    ['Main St and Highway 101', 'Main St and Highway 101'],
    ['Hauptstraße 12', 'Hauptstraße'],
    ['Apt 4, 1234 Main St', '1200 block of Main St'],
    ['c/o J. Doe', null],
    ['call 555-1234', null],
    ['1234', null],
    ['', null],
    [null, null],
  ])('shows %s as %s', (address, shown) => {
    expect(blockAddress(address)).toBe(shown)
  })

  it('keeps a block that the publisher wrote already', () => {
    expect(blockAddress('3500 block of Kiln Road')).toBe('3500 block of Kiln Road')
    expect(blockAddress('1200 BLK N MAIN ST')).toBe('1200 block of N MAIN ST')
    expect(blockAddress('0 Block Elm St')).toBe('first block of Elm St')
    expect(blockAddress('12 Blockhouse Road')).toBe('first block of Blockhouse Road')
  })

  it('never shows a house number', () => {
    const number = fc.integer({ min: 1, max: 99_999 }).filter((house) => house % 100 !== 0)
    const street = fc.constantFrom('Main St', 'N Elm Ave', 'W 5TH ST', 'Calle Ñ')
    const ending = fc.constantFrom('', ' Apt 7', ', Springfield', ' Unit 3, 90012', ' 90012')
    fc.assert(
      fc.property(number, street, ending, (house, road, rest) => {
        const shown = blockAddress(`${house} ${road}${rest}`) ?? ''
        expect(shown.split(' ')).not.toContain(String(house))
        expect(shown.endsWith(road)).toBe(true)
      }),
    )
  })
})
