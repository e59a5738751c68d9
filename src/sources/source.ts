import type { Json } from '../kernel/ids.js'
import type { DerivedColumn } from './derived-column.js'
import type { PageFormat } from './page-format.js'

/** One column as the portal describes it, in the publisher's order. */
export interface PublishedColumn {
  /** Name under which rows carry it: what raw tables call their column. */
  readonly name: string
  /** The portal's own word for its type, e.g. `calendar_date` or `esriFieldTypeDate`; for people and mappings, never applied here. */
  readonly type?: string
  /** Title for people, where it differs from the name. */
  readonly label?: string
  /** Share of rows that have a value, 0 to 1, as the portal last counted; absent where it does not count. For people, never relied upon. */
  readonly filled?: number
}

/**
 * One thing that a source reads from start to end: a file, a portal's table, a layer. A source has one offer, or one a year.
 * Everything in it is plain JSON: it is stored beside the pages, and an interrupted read goes on from what is stored.
 */
export interface Offer {
  /** What it is, for people and records: an address without secrets, or the path inside a mirror. Unique within the source. */
  readonly name: string
  /** Changes whenever the content may have changed; undefined when the publisher gives no sign. */
  readonly changeToken: string | undefined
  /** When the publisher says it was last changed, ISO 8601 UTC. */
  readonly publishedAt: string | undefined
  /** Rows by the portal's own count at this moment; undefined when it has none to give. */
  readonly rows: number | undefined
  /** Columns by the portal's description; undefined where only the data tells. */
  readonly columns: readonly PublishedColumn[] | undefined
  /**
   * Column whose values are unique within the offer by the portal's promise, where rows carry it: a read of several pages in which
   * a value comes twice is refused, for then others are missing. `hidden`: it is for paging alone and means nothing to anybody else
   * (it may be renumbered with each publication), so it is cut off before the raw table. `ascending`: rows are asked for in the order of
   * these whole numbers, and where one does not go up the next page would begin behind rows that never came.
   */
  readonly key?: { readonly column: string; readonly hidden: boolean; readonly ascending?: boolean }
  /** How the source means to read it (page size, key, strategy): made by `describe`, used by `nextPage`, opaque to everybody else. */
  readonly plan: Json
  /** What the portal says that is worth keeping in the record of the run: key column, license, replica lag. At most 16 KiB. */
  readonly facts?: Readonly<Record<string, Json>>
  /** Columns that the portal's metadata makes from published ones: labels of coded values; whoever stores rows adds them. */
  readonly derived?: readonly DerivedColumn[]
  /** Given where the portal tells of each row when it was last changed, so that a later read can ask for changed rows alone. */
  readonly changes?: ChangeTime
}

/** What a later read of changed rows alone rests on. */
export interface ChangeTime {
  /** Every change up to this instant by the portal's own clock is in what a read that begins now gives; ISO 8601 UTC. */
  readonly until: string
  /** How far before `until` a later read asks: changes may become visible late, or be dated by another clock. */
  readonly overlapHours: number
  /** Digest of everything that makes the cells of a row that nobody changed: columns, types, labels, interface, condition. */
  readonly shape: string
  /**
   * Columns in which the portal lets no value stand twice. By one of them the portal's count alone tells whether rows were deleted; by any
   * other column a deleted row and one with a key that was there already make up for each other.
   */
  readonly unique: readonly string[]
}

/** What a source finds at its portal at one moment. */
export interface Publication {
  /** In reading order; never empty. */
  readonly offers: readonly Offer[]
  /** What the city file's pattern asks for and the portal does not list, e.g. the table of a new year; a finding in itself. */
  readonly missing: readonly string[]
}

/** One request of a read. Plain JSON without secrets: tokens are added when it is sent. */
export interface PageRequest {
  /** Number of the page within its offer, from 0. */
  readonly page: number
  readonly url: string
  /** POST where given: the body is form or JSON text as `contentType` says. */
  readonly post?: { readonly contentType: string; readonly text: string }
  /** What the body will be. */
  readonly format: PageFormat
  /** Rows asked for; undefined where the portal is not asked for a number. */
  readonly maxRows?: number
  /** True where an answer with these bytes goes on where a broken transfer stopped (`Range`); files only. */
  readonly resumable?: boolean
}

/** What was received for a request, before anybody has looked into it. */
export interface PageAnswer {
  readonly status: number
  /** Entity tag, date and request id as the portal sent them. */
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly requestId: string | undefined
  /** Other headers that the family keeps, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The body in order, after transfer encodings; ends with an error when the transfer broke, never early. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** What reading a page to its end has told. */
export interface PageSignals {
  /** Rows in the page, also those that cannot be read. */
  readonly rows: number
  /** Names of its columns in their order; empty where no row told any. */
  readonly columns: readonly string[]
  /** The JSON around the rows, without them (`{}` for formats that have none); at most 64 KiB, longer members are left out. */
  readonly envelope: Json
  /** Cells of the last row by column: text, or null; undefined without rows. */
  readonly lastRow: Readonly<Record<string, string | null>> | undefined
  /** Whether the text of a CSV ends with a line end; absent for other formats, and where nobody looked. Files may do without, exports do not. */
  readonly endsInLine?: boolean
}

/** A page that was received whole and read to its end: what `nextPage` and the verdict are made from. Plain JSON. */
export interface PageRecord {
  readonly request: PageRequest
  readonly status: number
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly requestId: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body as received, hexadecimal, and its length in bytes. */
  readonly sha256: string
  readonly bytes: number
  readonly readAt: string
  readonly signals: PageSignals
}

/**
 * One source of a dataset: says what is there, then is read page by page in a total order that ends in a unique key.
 * A read is: `describe`, then for each offer `nextPage` → `fetch` until there is none, then `describe` again. Who reads stores every
 * page with its record before it asks for the next one; a read that was interrupted goes on with the records it finds.
 *
 * `testkit/source.contract.ts` proves these promises for every family and for modules that a city file names.
 */
export interface Source {
  /**
   * The current publication: the same publication, the same offers in the same order.
   * @throws WardbookError 'source-empty-list' (fix-config) when there is nothing to read; the errors of `fetch`
   */
  describe(): Promise<Publication>

  /**
   * The request after the pages that are done, or undefined when the offer is read to its end by the family's own end signal.
   * Pure: it sees nothing but its arguments, and makes no request. A page may turn out to be short or empty without being the last.
   * @param offer as `describe` gave it when this read began
   * @param done  records of all earlier pages of the offer, in order
   * @throws WardbookError 'portal-answer-unusable' (retry or fix-source) when the last page says what no read can go on from
   */
  nextPage(offer: Offer, done: readonly PageRecord[]): PageRequest | undefined

  /**
   * Sends a request, again where that may help (see `http/client.ts`).
   * @throws WardbookError 'portal-unreachable', 'portal-failed', 'portal-throttled', 'portal-stalled' (retry), 'portal-refused' (fix-config:
   *   a token is missing or wrong), 'source-not-found', 'portal-rejected-request' (fix-source)
   */
  fetch(request: PageRequest): Promise<PageAnswer>

  /**
   * The failure that a page's content tells although its status was 200: an error object, a table that is not there.
   * @returns undefined when the page is what was asked for
   */
  failureOf(request: PageRequest, signals: PageSignals): Error | undefined

  /**
   * Records that the portal lists and cannot give, by what it says itself: they belong into the record of the run. A source without
   * this member never goes on without a record.
   */
  skipped?(signals: PageSignals): readonly SkippedRecord[]
  /**
   * The offer with nothing but the rows that were changed at an instant or after it, read like any other; `rows` is their number by the
   * portal's own count, and undefined where the portal counts nothing at all. A deleted row is in no such offer.
   * @param offer with `changes`, as `describe` gave it
   * @param since ISO 8601 UTC
   * @returns undefined when the portal does not take the question, or does not count the answer although it counts the offer
   * @throws WardbookError the errors of `fetch` that may pass
   */
  changedSince?(offer: Offer, since: string): Promise<Offer | undefined>
  /**
   * The offer with all its rows and nothing but one column, read like any other: what is left after rows were deleted.
   * @param column published name
   * @returns undefined when the offer has no such column
   */
  keysOf?(offer: Offer, column: string): Offer | undefined
}

/** A record that the portal lists and cannot give. */
export interface SkippedRecord {
  /** Its id at the portal, e.g. `EventItemId 4711`. */
  readonly id: string
  /** What the portal says. */
  readonly reason: string
}
