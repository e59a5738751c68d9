import { type Column, RAW_COLUMNS } from '../contracts/columns.js'

/** Where the columns of one page go: the table's column name for each of the page's columns, in the page's order. */
export type PageColumns = readonly string[]

/** The columns of a raw table, and how each page's columns map onto them. */
export interface ColumnPlan {
  /** The publisher's columns, all text; `metadata.published` is the header cell as it was published. */
  readonly columns: readonly Column[]
  readonly pages: readonly PageColumns[]
}

/** Characters that engines refuse in a column name of a Delta table without column mapping. */
const REFUSED_CHARACTERS = /[\p{Cc} ,;{}()="]+/gu

/**
 * One schema over all pages of a source: columns that the table already has keep their names and order, new ones follow.
 * Header cells that differ only in case and outer blanks are one column; a cell that occurs twice in one header is two.
 * Names become such that every engine reads them: refused characters turn into `_`, an empty header cell is
 * `_column_<position from 1>`, a published column named like the partition column gets the ending `_published`
 * (the partition column holds the division's normalized value).
 * @param headers  header cells of each page
 * @param existing publisher's columns of the table so far
 */
export function planColumns(
  headers: readonly (readonly string[])[],
  partitionColumn: string,
  existing: readonly Column[] = [],
): ColumnPlan {
  const taken = new Set(
    [partitionColumn, ...RAW_COLUMNS.map(({ name }) => name)].map((name) => name.toLowerCase()),
  )
  const columns: Column[] = [...existing]
  const byIdentity = new Map<string, string>()
  for (const column of existing) {
    taken.add(column.name.toLowerCase())
    byIdentity.set(column.metadata?.identity ?? column.name, column.name)
  }
  const nameOf = (identity: string, published: string, position: number): string => {
    const known = byIdentity.get(identity)
    if (known !== undefined) return known
    const name = freeName(safeName(published, position, partitionColumn), taken)
    taken.add(name.toLowerCase())
    byIdentity.set(identity, name)
    columns.push({ name, type: 'string', metadata: { published, identity } })
    return name
  }
  const pages = headers.map((header) =>
    identitiesOf(header).map((identity, at) => nameOf(identity, header[at] ?? '', at)),
  )
  return { columns, pages }
}

/** What makes header cells one column over pages: the trimmed lower-case name, and which occurrence in its header it is. */
function identitiesOf(header: readonly string[]): string[] {
  const taken = new Set<string>()
  return header.map((cell, position) => {
    const name = cell.trim().toLowerCase() || `#${position + 1}`
    let identity = name
    for (let occurrence = 2; taken.has(identity); occurrence++) identity = `${name}#${occurrence}`
    taken.add(identity)
    return identity
  })
}

function safeName(published: string, position: number, partitionColumn: string): string {
  const name = published.trim().replace(REFUSED_CHARACTERS, '_')
  if (name === '') return `_column_${position + 1}`
  return name.toLowerCase() === partitionColumn.toLowerCase() ? `${name}_published` : name
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted
  for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${wanted}_${number}`
  return name
}
