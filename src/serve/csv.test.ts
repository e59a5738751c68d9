import { describe, expect, it } from 'vitest'
import { toCsv } from './csv.js'

describe('a table as CSV', () => {
  it('quotes commas, quotes and line ends, and leaves nothing where there is nothing', () => {
    const rows = [{ a: 'x,"y"\nz', b: null }]
    expect(toCsv({ columns: ['a', 'b'], rows })).toBe('a,b\r\n"x,""y""\nz",\r\n')
  })

  it('disarms text that a spreadsheet would run, and leaves numbers alone', () => {
    const rows = [
      { a: '=HYPERLINK("x")', b: -5 },
      { a: '-1', b: 0.5 },
      { a: '@SUM', b: 1 },
    ]
    expect(toCsv({ columns: ['a', 'b'], rows })).toBe(
      'a,b\r\n"\'=HYPERLINK(""x"")",-5\r\n\'-1,0.5\r\n\'@SUM,1\r\n',
    )
  })
})
