/**
 * What the body of a page is, and where its rows stand. Plain JSON: it is part of a page's record.
 *
 * Whatever the format, rows come out as text: a number in the characters that were sent, an object or array as its JSON text, a
 * missing key or JSON null as null, an empty text as an empty text.
 */
export type PageFormat = FileFormat | JsonFormat

/** A table in a file of any make: recognized by its first bytes, never by name or content type. */
export interface FileFormat {
  readonly kind: 'file'
  /** Field separator of CSV; undefined: found from the header line. */
  readonly delimiter?: string
  /** Encoding of text; undefined: UTF-8, or Windows-1252 where the whole file is no UTF-8. */
  readonly encoding?: 'utf-8' | 'windows-1252' | 'utf-16le'
  /** Header rows above the data, default 1; the names of several are joined by a blank. */
  readonly headerRows?: number
  /** Sheet of a workbook by name or number from 1, default the first. */
  readonly sheet?: string | number
  /** Member of an archive by name or pattern; default: its only table. */
  readonly member?: string
}

/** JSON with the rows in one array, at any depth. */
export interface JsonFormat {
  readonly kind: 'json'
  /** Member names that lead to the array; empty: the document is the array, or one object a line (NDJSON). */
  readonly rowsAt: readonly string[]
  /**
   * How a row carries its cells: `object` (member names are columns), `list` (in the order of `columns`).
   */
  readonly cells: 'object' | 'list'
  /**
   * Members of a row whose members are columns of their own, e.g. `attributes` (ArcGIS) or `properties` (GeoJSON); the row's other members
   * are columns too (`geometry` as its JSON text). Where names are the same, the first spread member's keeps it, another's becomes
   * `<member>.<name>`, the row's own `row.<name>`.
   */
  readonly spread?: readonly string[]
  /**
   * Columns by the portal's description, in order. With it, they are exactly the columns (a key that is in no description is added behind them
   * and never lost); without, columns are in first-seen order.
   */
  readonly columns?: readonly string[]
}
