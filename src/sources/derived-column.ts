/**
 * A column that a source's metadata makes from a published one: by a table of labels, or by one member of a JSON text. Plain JSON: it is
 * part of an offer, and whoever stores rows applies it with `withDerived`.
 */
export type DerivedColumn = LabelColumn | MemberColumn

/** The label of a coded value. */
export interface LabelColumn {
  /** Its name; the published column's own name where the label replaces the code. */
  readonly name: string
  readonly from: string
  /** Label by code, both as text. */
  readonly labels: Readonly<Record<string, string>>
  /** Where the meaning of a code depends on another column: its cell as text → labels that hold instead. Other cells: `labels`. */
  readonly by?: {
    readonly column: string
    readonly labels: Readonly<Record<string, Readonly<Record<string, string>>>>
  }
}

/** A member of the JSON text in a column, e.g. `x` of a point. */
export interface MemberColumn {
  readonly name: string
  readonly from: string
  readonly member: string
}

/**
 * The row with its derived columns. A code without a label stays itself where the label replaces it, and gives null beside it.
 * @param row cells as read: text or null
 */
export function withDerived(
  row: Readonly<Record<string, string | null>>,
  derived: readonly DerivedColumn[] = [],
): Record<string, string | null> {
  const cells: Record<string, string | null> = { ...row }
  for (const column of derived) cells[column.name] = derivedCell(row, column)
  return cells
}

type Row = Readonly<Record<string, string | null>>

function derivedCell(row: Row, column: DerivedColumn): string | null {
  const cell = row[column.from] ?? null
  if (cell === null) return null
  if ('member' in column) return memberText(cell, column.member)
  const labels = labelsFor(row, column)
  if (Object.hasOwn(labels, cell)) return labels[cell] as string
  return column.name === column.from ? cell : null
}

function labelsFor(row: Row, { labels, by }: LabelColumn): Readonly<Record<string, string>> {
  const teller = by === undefined ? null : (row[by.column] ?? null)
  if (by === undefined || teller === null || !Object.hasOwn(by.labels, teller)) return labels
  return by.labels[teller] as Readonly<Record<string, string>>
}

/** Finds the number or text of a member in the characters that were sent; the JSON is that of a point: flat, a few members. */
function memberText(json: string, member: string): string | null {
  const found = new RegExp(`"${member}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*"|[^,}\\s]+)`).exec(json)?.[1]
  if (found === undefined || found === 'null' || found === '"NaN"') return null
  return found.startsWith('"') ? (JSON.parse(found) as string) : found
}
