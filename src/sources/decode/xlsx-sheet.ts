import { WardbookError } from '../../kernel/errors.js'
import { MAX_RECORD_BYTES } from '../files/read-csv.js'
import { type Book, RichText } from './xlsx-book.js'
import { isoOfSerial } from './xlsx-dates.js'
import { workbookUnusable, type XmlListener, xmlPieces } from './xlsx-xml.js'

/** Columns of the widest sheet that there can be: XFD. */
const MAX_SHEET_COLUMNS = 16_384

/** A row of a sheet, by number from 1; cells without a value are undefined. */
export interface SheetRow {
  readonly number: number
  readonly cells: readonly (string | undefined)[]
  /** Columns whose number was written as a date. */
  readonly dates: readonly number[]
}

/**
 * The rows of a sheet in order, in constant memory; blank ones are left out. Numbers stay in the characters of the file, dates become ISO
 * text, formulas have the value that was stored with them, TRUE, FALSE and errors are as shown.
 * @throws WardbookError 'workbook-unusable' (fix-source), 'row-too-long' (shrink)
 */
export async function* sheetRows(book: Book): AsyncIterable<SheetRow> {
  const reader = new SheetReader(book)
  for await (const _piece of xmlPieces(book.sheet, reader)) yield* reader.taken()
  yield* reader.taken()
}

class SheetReader implements XmlListener {
  private rows: SheetRow[] = []
  private number = 0
  private cells: (string | undefined)[] = []
  private dates: number[] = []
  private column = -1
  private type = 'n'
  private style = 0
  private value = ''
  private inValue = false
  private readonly inline = new RichText()
  private characters = 0

  constructor(private readonly book: Book) {}

  taken(): SheetRow[] {
    const { rows } = this
    this.rows = []
    return rows
  }

  onOpen(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'row') this.startRow(attributes)
    else if (name === 'c') this.startCell(attributes)
    else if (name === 'v') this.inValue = true
    else this.inline.open(name)
  }

  onText(text: string): void {
    if (this.inValue) this.value += text
    else this.inline.take(text)
  }

  onClose(name: string): void {
    if (name === 'v') this.inValue = false
    else if (name === 'c') this.endCell()
    else if (name === 'row') this.endRow()
    else this.inline.close(name)
  }

  private startRow({ r }: Readonly<Record<string, string>>): void {
    this.number = r === undefined ? this.number + 1 : Number(r)
    this.cells = []
    this.dates = []
    this.column = -1
    this.characters = 0
  }

  private startCell({ r, t = 'n', s = '0' }: Readonly<Record<string, string>>): void {
    this.column = r === undefined ? this.column + 1 : columnOf(r)
    if (!(this.column >= 0 && this.column < MAX_SHEET_COLUMNS)) throw this.unusable(`no cell is called ${r}`)
    this.type = t
    this.style = Number(s)
    this.value = ''
    this.inline.whole()
  }

  private endCell(): void {
    const text = this.textOf()
    if (text === undefined) return
    this.characters += text.length
    if (this.characters > MAX_RECORD_BYTES) throw rowTooLong(this.book.sheet.name, this.number)
    this.cells[this.column] = text
  }

  private textOf(): string | undefined {
    const { type, value, book } = this
    if (type === 'inlineStr') return this.inline.whole()
    if (value === '') return type === 'str' ? '' : undefined
    if (type === 's') {
      const shared = book.strings[Number(value)]
      if (shared === undefined)
        throw this.unusable(`row ${this.number} names text ${value}, which is not there`)
      return shared
    }
    if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE'
    if (type === 'n') return this.numberText(value)
    return type === 'str' ? unescaped(value) : value
  }

  private numberText(value: string): string {
    const shape = this.book.shapes[this.style] ?? 'number'
    const iso = shape === 'number' ? undefined : isoOfSerial(Number(value), shape, this.book.is1904)
    if (iso !== undefined) this.dates.push(this.column)
    return iso ?? value
  }

  private endRow(): void {
    if (this.cells.every((cell) => cell === undefined || cell === '')) return
    this.rows.push({ number: this.number, cells: this.cells, dates: this.dates })
  }

  private unusable(why: string) {
    return workbookUnusable(this.book.sheet.name, why)
  }
}

function rowTooLong(file: string, row: number): WardbookError {
  const message = `${file}, row ${row}: longer than ${MAX_RECORD_BYTES} bytes: no row of a table is`
  return new WardbookError('row-too-long', 'shrink', message, { file, row, maxRecordBytes: MAX_RECORD_BYTES })
}

/** A cell's column from 0: `A1` is 0, `AB7` is 27. */
function columnOf(reference: string): number {
  const letters = /^[A-Z]{1,3}(?=\d)/.exec(reference)?.[0] ?? ''
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1
}

function unescaped(text: string): string {
  return text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_all, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}
