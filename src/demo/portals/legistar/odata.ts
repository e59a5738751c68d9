import type { PortalCell, PortalTable } from '../portal-table.js'

/** A record of a table: its cells in the order of the columns. */
export type Cells = readonly PortalCell[]

/** The most records that an answer has, whatever was asked. */
const MAX_TOP = 1_000
/** More terms than this are refused [S: python-legistar-scraper]. */
const MAX_TERMS = 17

/**
 * The part of OData 3 that Legistar's API understands: `$filter` with comparisons joined by `and` or `or`, `$orderby`, `$skip`, `$top`.
 * @returns undefined for a query that it refuses
 */
export function queried(
  table: PortalTable,
  records: readonly Cells[],
  query: URLSearchParams,
): readonly Cells[] | undefined {
  const condition = conditionOf(table, query.get('$filter'))
  const order = orderOf(table, query.get('$orderby'))
  if (condition === undefined || order === undefined) return undefined
  const top = Math.min(Number(query.get('$top') ?? MAX_TOP), MAX_TOP)
  const skip = Number(query.get('$skip') ?? 0)
  return order(records.filter(condition)).slice(skip, skip + top)
}

type Condition = (cells: Cells) => boolean

function conditionOf(table: PortalTable, filter: string | null): Condition | undefined {
  if (filter === null) return () => true
  const alternatives = filter.split(/\s+or\s+/i).map((part) => part.split(/\s+and\s+/i))
  if (alternatives.flat().length >= MAX_TERMS) return undefined
  const parsed = alternatives.map((terms) => terms.map((term) => comparisonOf(table, term)))
  if (parsed.flat().includes(undefined)) return undefined
  return (cells) => parsed.some((terms) => terms.every((term) => term?.(cells)))
}

function comparisonOf({ columns }: PortalTable, term: string): Condition | undefined {
  const [, name, operator, date, number] =
    /^\s*(\w+)\s+(eq|ne|gt|ge|lt|le)\s+(?:datetime'([^']+)'|(-?\d+))\s*$/i.exec(term) ?? []
  const at = columns.findIndex((column) => column.name === name)
  if (at < 0 || operator === undefined) return undefined
  const sort = (cell: string) => (date === undefined ? Number(cell) - Number(number) : compared(cell, date))
  return (cells) => {
    const cell = cells[at] ?? null
    return cell !== null && holds(operator.toLowerCase(), sort(cell))
  }
}

function holds(operator: string, order: number): boolean {
  if (operator === 'eq') return order === 0
  if (operator === 'ne') return order !== 0
  if (operator === 'gt') return order > 0
  if (operator === 'ge') return order >= 0
  return operator === 'lt' ? order < 0 : order <= 0
}

function orderOf(
  table: PortalTable,
  orderBy: string | null,
): ((records: readonly Cells[]) => readonly Cells[]) | undefined {
  // Without an order the database gives records as it finds them.
  if (orderBy === null)
    return (records) => [...records.slice(records.length / 2), ...records.slice(0, records.length / 2)]
  const [, name, direction] = /^\s*(\w+)(?:\s+(asc|desc))?\s*$/i.exec(orderBy) ?? []
  const at = table.columns.findIndex((column) => column.name === name)
  if (at < 0) return undefined
  const sign = direction?.toLowerCase() === 'desc' ? -1 : 1
  return (records) => [...records].sort((a, b) => sign * compared(a[at] ?? '', b[at] ?? ''))
}

function compared(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)]
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y
  return a < b ? -1 : a > b ? 1 : 0
}
