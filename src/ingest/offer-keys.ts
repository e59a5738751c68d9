import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import { cellsOf } from '../sources/files/csv-records.js'
import { readCsv, sameColumn } from '../sources/files/read-csv.js'
import type { Offer } from '../sources/source.js'
import { KeySet } from './key-set.js'

/**
 * Watches that pages of an offer share no row, by the key that its portal promises to be unique, and takes that key off the rows where it is for
 * paging alone.
 */
export class OfferKeys {
  private readonly seen = new KeySet()

  private constructor(private readonly column: string | undefined) {}

  static of({ key }: Offer): OfferKeys {
    return new OfferKeys(key?.column)
  }

  /** Takes note of a page's keys. @returns the page as the raw table is to have it */
  async take({ key }: Offer, decoded: DecodedPage): Promise<DecodedPage> {
    const { column } = this
    if (column === undefined) return decoded
    const at = decoded.columns.findIndex((name) => sameColumn(name, column))
    if (at >= 0 && decoded.form === 'strict') await this.addCells(decoded, at)
    return key?.hidden ? dropColumns(decoded, [column]) : decoded
  }

  /** Rows that came again; undefined where nothing can be said: one page, or no key. */
  repeated(pages: number): number | undefined {
    return this.column === undefined || pages < 2 ? undefined : this.seen.repeated
  }

  private async addCells(decoded: DecodedPage, at: number): Promise<void> {
    const reading = { delimiter: decoded.delimiter, wanted: [], isDivision: false, file: 'keys' }
    await readCsv(decoded.open(), reading, {
      onGood: (buffer, start, end) => {
        this.seen.add(cellsOf(buffer.toString('utf8', start, end), decoded.delimiter)[at] ?? '')
      },
    })
  }
}
