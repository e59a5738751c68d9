import type { PageFormat } from '../page-format.js'
import type { PageSignals } from '../source.js'
import type { GuessedEncoding } from './text-encoding.js'

/** The body of a page as it was received and lies in a local file. */
export interface PageBody {
  /** For errors: the page's address without secrets. */
  readonly name: string
  /** Local file with the bytes as received: for formats that need to jump (zip, xlsx, Parquet). Never changed. */
  readonly file: string
  /** The same bytes in order, as often as asked; waits for those that are still to come. */
  open(): AsyncIterable<Uint8Array>
  /** Told while the body is still being received; without it, the file is whole. */
  readonly arrival?: Arrival
}

/** A transfer that goes on. */
export interface Arrival {
  /** Bytes that have come, and can be read from the file. */
  bytes(): number
  /**
   * Waits until there are more bytes than these.
   * @returns how many there are then; undefined when these were all
   * @throws what ended the transfer early
   */
  beyond(bytes: number): Promise<number | undefined>
  /** @throws what ended the transfer early */
  whole(): Promise<void>
}

/**
 * A page as a table of text: UTF-8 CSV whose first record is the header.
 *
 * `native`: the publisher's own CSV, decompressed, with its own quoting and faults; who reads it counts rows and sets bad ones aside.
 * `strict`: written by a decoder: comma, line feed, every cell with a value in quotes, quotes doubled, no faults. A null is an empty cell
 * without quotes, an empty text is `""`; only in a table of one column, where an empty line would be no record, a null is written as `""` too.
 */
export interface DecodedPage {
  readonly form: 'native' | 'strict'
  readonly delimiter: string
  /** Header cells as published. */
  readonly columns: readonly string[]
  /**
   * The body, where it holds exactly these bytes as it was received. Undefined where it does not (another encoding, compressed, an archive, JSON,
   * columns that were cut off): only `open()` gives them then.
   */
  readonly plain?: PageBody
  /**
   * The text's encoding, from all of its bytes; there where UTF-8 was taken for granted, as its beginning is. Who reads the page and finds that it
   * is not (`CsvSummary.notUtf8`) must ask, and decode it again where the answer is another.
   */
  readonly surely?: () => Promise<GuessedEncoding>
  /** The bytes, header first, as often as asked. */
  open(): AsyncIterable<Uint8Array>
  /** What the page told; for `native`, rows are not counted here: who reads them does. */
  readonly signals: Omit<PageSignals, 'rows'> & { readonly rows: number | undefined }
}

/**
 * Makes a page readable, whatever its format, in bounded memory.
 * @param scratch local folder for what has to be unpacked; the caller removes it
 * @throws WardbookError 'source-empty', 'answered-html', 'answered-json', 'rows-missing', 'json-broken', 'table-too-wide', 'archive-unusable',
 *   'workbook-unusable', 'format-unknown', 'encoding-broken', 'gzip-broken', 'gzip-truncated' (fix-source) with place, 'row-too-long' (shrink),
 *   'parquet-unreadable' (fix-config); some only while the rows are read
 */
export type DecodePage = (body: PageBody, format: PageFormat, scratch: string) => Promise<DecodedPage>
