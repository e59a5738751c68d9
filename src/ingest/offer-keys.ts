import type { WardbookError } from '../kernel/errors.js'
import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import { wholeNumber } from '../sources/exact-json.js'
import { cellsOf } from '../sources/files/csv-records.js'
import { readCsv, sameColumn } from '../sources/files/read-csv.js'
import { unusable } from '../sources/http/read-json.js'
import { withoutSecrets } from '../sources/http/redact.js'
import type { Offer } from '../sources/source.js'
import { KeySet } from './key-set.js'

/**
 * Watches that pages of an offer share no row, by the key that its portal promises to be unique, and takes that key off the rows where it is for
 * paging alone.
 */
export class OfferKeys {
  private readonly seen = new KeySet()
  private last: bigint | undefined
  /** The first key that was no whole number above the one before. */
  private fallen: string | undefined

  private constructor(private readonly column: string | undefined) {}

  static of({ key }: Offer): OfferKeys {
    return new OfferKeys(key?.column)
  }

  /**
   * Takes note of a page's keys.
   * @param url of the page, for errors
   * @returns the page as the raw table is to have it
   * @throws WardbookError 'portal-answer-unusable' (fix-source) when keys that have to go up do not
   */
  async take({ key }: Offer, decoded: DecodedPage, url: string): Promise<DecodedPage> {
    const { column } = this
    if (column === undefined) return decoded
    const at = decoded.columns.findIndex((name) => sameColumn(name, column))
    if (at >= 0 && decoded.form === 'strict') await this.addCells(decoded, at, key?.ascending === true)
    if (key?.ascending && this.fallen !== undefined) throw notInOrder(url, column, this.fallen)
    return key?.hidden ? dropColumns(decoded, [column]) : decoded
  }

  /** Rows that came again; undefined where nothing can be said: one page, or no key. */
  repeated(pages: number): number | undefined {
    return this.column === undefined || pages < 2 ? undefined : this.seen.repeated
  }

  private async addCells(decoded: DecodedPage, at: number, ascends: boolean): Promise<void> {
    const reading = { delimiter: decoded.delimiter, wanted: [], isDivision: false, file: 'keys' }
    await readCsv(decoded.open(), reading, {
      onGood: (buffer, start, end) => {
        this.add(cellsOf(buffer.toString('utf8', start, end), decoded.delimiter)[at] ?? '', ascends)
      },
    })
  }

  /** Keys that go up are held against the last one: none of them can come again, and their number takes no memory. */
  private add(cell: string, ascends: boolean): void {
    if (!ascends) this.seen.add(cell)
    const number = wholeNumber(cell)
    if (number === undefined || (this.last !== undefined && number <= this.last)) this.fallen ??= cell
    this.last = number
  }
}

function notInOrder(url: string, column: string, cell: string): WardbookError {
  const what = `is not in the order of ${column} that was asked for: it does not go up at '${cell.slice(0, 100)}'`
  return unusable(withoutSecrets(url), what, { remedy: 'fix-source', facts: { column } })
}
