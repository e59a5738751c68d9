import fc from 'fast-check'

/** How a table is written as CSV. */
export interface CsvStyle {
  readonly delimiter: string
  readonly lineEnd: '\n' | '\r\n'
  readonly finalLineEnd: boolean
  readonly byteOrderMark: boolean
  /** Whether cells are quoted that need not be. */
  readonly quoteAll: boolean
}

/** A table: all rows as long as the header. */
export interface CsvTable {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Name of the column with the division in {@link anyTable}. */
export const DIVISION_COLUMN = 'District'

const awkward = fc.constantFrom(
  '"',
  ',',
  ';',
  '\n',
  '\r',
  '\r\n',
  '""',
  '","',
  ' ',
  '\t',
  "'",
  'é',
  '中',
  '🏙',
  '',
)
const anyText = fc
  .array(fc.oneof(awkward, fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 5 })
  .map((pieces) => pieces.join(''))
/** A division's value, short enough to be a folder name. */
const anyDivision = fc.oneof(
  fc.constantFrom('', ' ', '7', '07', 'N/E', '..', 'A=B', '50%'),
  fc.string({ maxLength: 10 }),
)

/** Any table with a plain first column and a division in its last; cells are any Unicode text. */
export const anyTable: fc.Arbitrary<CsvTable> = fc.array(anyText, { maxLength: 4 }).chain((names) => {
  const row = fc
    .tuple(fc.array(anyText, { minLength: names.length + 1, maxLength: names.length + 1 }), anyDivision)
    .map(([cells, division]) => [...cells, division])
  return fc.array(row, { maxLength: 12 }).map((rows) => ({ header: ['id', ...names, DIVISION_COLUMN], rows }))
})

export const anyStyle: fc.Arbitrary<CsvStyle> = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  finalLineEnd: fc.boolean(),
  byteOrderMark: fc.boolean(),
  quoteAll: fc.boolean(),
})

export const PLAIN_STYLE: CsvStyle = {
  delimiter: ',',
  lineEnd: '\n',
  finalLineEnd: true,
  byteOrderMark: false,
  quoteAll: false,
}

/** The table as CSV. @see RFC 4180 */
export function csvOf({ header, rows }: CsvTable, style: CsvStyle = PLAIN_STYLE): Buffer {
  const lines = [header, ...rows].map((cells) =>
    cells.map((cell) => cellOf(cell, style)).join(style.delimiter),
  )
  const text = lines.join(style.lineEnd) + (style.finalLineEnd ? style.lineEnd : '')
  return Buffer.from(`${style.byteOrderMark ? '\ufeff' : ''}${text}`)
}

function cellOf(cell: string, { delimiter, quoteAll }: CsvStyle): string {
  const needed = cell.includes(delimiter) || /["\r\n]/.test(cell)
  return needed || quoteAll ? `"${cell.replaceAll('"', '""')}"` : cell
}
