import { identifier } from './sql.js'

/**
 * 63 bits of the MD5 of a row's cells in the order of their column names, each ended by U+001F; a column that the page lacks
 * counts as empty, and so does null. Stable across engine versions and column order; docs/adr/0002 has golden values and the cost.
 * @param cellOf text of a column that the page has, as SQL; by default the column itself
 */
export function rowHashSql(
  columns: readonly string[],
  present: ReadonlySet<string>,
  cellOf: (name: string) => string = identifier,
): string {
  const cells = hashedOrder(columns)
    .map((at) => columns[at] as string)
    .map((name) => (present.has(name) ? cellOf(name) : "''"))
  return `(md5_number_lower(concat(${cells.map((cell) => `${cell}, chr(31)`).join(', ')})) >> 1)::BIGINT`
}

/** Positions of the columns in the order in which a row's cells are hashed. */
export function hashedOrder(columns: readonly string[]): number[] {
  const names = columns.map((name) => name.toLowerCase())
  return [...names.keys()].sort((a, b) => ((names[a] as string) < (names[b] as string) ? -1 : 1))
}
