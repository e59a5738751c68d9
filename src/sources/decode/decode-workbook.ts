import { WardbookError } from '../../kernel/errors.js'
import type { FileFormat } from '../page-format.js'
import type { Archive } from './archive.js'
import { joinNames } from './decode-csv.js'
import type { DecodedPage } from './decoded-page.js'
import { StrictCsvWriter } from './strict-csv.js'
import { type Book, openBook } from './xlsx-book.js'
import { type SheetRow, sheetRows } from './xlsx-sheet.js'

/**
 * A sheet of a workbook as a table. The first row that is not blank is the header, with `headerRows` also the rows of the sheet below it; blank rows
 * are no rows. A cell behind the last header cell has a column without a name. A merged cell has its value in its first cell alone; in upper header
 * rows it names all columns to its right that have no name of their own. The envelope says which sheet it is, how days are counted and
 * in which columns serial numbers were written as ISO dates.
 * @throws WardbookError 'workbook-unusable', 'source-empty' (fix-source), 'row-too-long' (shrink)
 */
export async function decodeWorkbook(archive: Archive, format: FileFormat): Promise<DecodedPage> {
  const book = await openBook(archive, format.sheet)
  const headerRows = format.headerRows ?? 1
  const found = await survey(book, headerRows)
  if (found.header.length === 0) throw empty(archive.name, book.sheetName)
  const names = joinNames(found.header)
  const columns = Array.from({ length: found.width }, (_cell, at) => names[at] ?? '')
  const { rows, lastRow: last, dates } = found
  return {
    form: 'strict',
    delimiter: ',',
    columns,
    open: () => strictCsv(book, headerRows, columns),
    signals: {
      rows,
      columns,
      envelope: {
        sheet: book.sheetName,
        daysFrom: book.is1904 ? 1904 : 1900,
        dateColumns: [...dates].map((at) => columns[at] as string),
      },
      lastRow:
        last === undefined
          ? undefined
          : Object.fromEntries(columns.map((name, at) => [name, last.cells[at] ?? null])),
    },
  }
}

interface Survey {
  readonly header: readonly (readonly string[])[]
  readonly width: number
  readonly rows: number
  readonly lastRow: SheetRow | undefined
  readonly dates: ReadonlySet<number>
}

/** The first pass: header, width, number of rows. */
async function survey(book: Book, headerRows: number): Promise<Survey> {
  const header: string[][] = []
  const dates = new Set<number>()
  let [width, rows, firstNumber] = [0, 0, 0]
  let lastRow: SheetRow | undefined
  for await (const row of sheetRows(book)) {
    width = Math.max(width, row.cells.length)
    if (firstNumber === 0) firstNumber = row.number
    if (row.number < firstNumber + headerRows) header.push(Array.from(row.cells, (cell) => cell ?? ''))
    else {
      rows += 1
      lastRow = row
      for (const column of row.dates) dates.add(column)
    }
  }
  return { header, width, rows, lastRow, dates }
}

async function* strictCsv(
  book: Book,
  headerRows: number,
  columns: readonly string[],
): AsyncIterable<Uint8Array> {
  const writer = new StrictCsvWriter()
  for (const name of columns) writer.text(name)
  writer.endRecord()
  let firstNumber = 0
  for await (const row of sheetRows(book)) {
    if (firstNumber === 0) firstNumber = row.number
    if (row.number < firstNumber + headerRows) continue
    for (let at = 0; at < columns.length; at++) {
      const cell = row.cells[at]
      if (cell === undefined) writer.none()
      else writer.text(cell)
    }
    writer.endRecord()
    const block = writer.flush()
    if (block !== undefined) yield block
  }
  const rest = writer.flush(true)
  if (rest !== undefined) yield rest
}

function empty(file: string, sheet: string): WardbookError {
  const message = `${file} is empty: the sheet ${sheet} has no row`
  return new WardbookError('source-empty', 'fix-source', message, { file, sheet })
}
