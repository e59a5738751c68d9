import type { CatalogEntry } from '../catalog.js'
import type { PublishedColumn } from '../source.js'
import { type ColumnRoles, rolesOf } from './column-roles.js'

/** One dataset that a city file could name: one table of a portal, or several that are split by year. */
export interface Candidate {
  /** Title, with {year} where there is one table a year. */
  readonly name: string
  readonly entries: readonly CatalogEntry[]
  /** Years of the entries, in their order; empty for a dataset in one table. */
  readonly years: readonly number[]
  /** Columns of the newest table. */
  readonly columns: readonly PublishedColumn[]
  readonly roles: ColumnRoles
  /** Rows of all tables; undefined where the portal does not tell. */
  readonly rows: number | undefined
  readonly updatedAt: string | undefined
  /** Share of rows of the newest table with a division (or point) and a time, 0 to 1; undefined where the portal counts no values. */
  readonly filled: number | undefined
}

const YEAR = /(?<![0-9])(19|20)\d{2}(?![0-9])/g
const DAY_MS = 86_400_000
/** Updated since: this city's current business, last year's, or history. */
const FRESH_DAYS = [45, 400] as const

/**
 * Datasets worth reading: with a column or point that tells the division and a column that tells the time; tables whose titles differ in the year
 * alone are one. Best first: a division column before coordinates alone, then what was updated lately, then ten times the rows, then fuller columns,
 * then more rows.
 * @param now for the freshness
 */
export function findCandidates(entries: readonly CatalogEntry[], now: Date): Candidate[] {
  return groupByYear(entries)
    .map(toCandidate)
    .filter(({ roles }) => isUsable(roles))
    .sort((a, b) => compareRanks(rankOf(a, now), rankOf(b, now)))
}

/** Whether a table tells where and when. */
export function isUsable({ division, point, opened }: ColumnRoles): boolean {
  return (division ?? point) !== undefined && opened !== undefined
}

/** Tables that differ in the year of their title alone, newest last; every other table by itself. */
export function groupByYear(
  entries: readonly CatalogEntry[],
): { name: string; entries: CatalogEntry[]; years: number[] }[] {
  const groups = new Map<string, { name: string; entries: { entry: CatalogEntry; year: number }[] }>()
  for (const [index, entry] of entries.entries()) {
    const years = entry.name.match(YEAR) ?? []
    const template = years.length === 1 ? entry.name.replace(YEAR, '{year}') : entry.name
    const id = years.length === 1 ? `${entry.family} ${template.toLowerCase()}` : `${index}`
    const group = groups.get(id) ?? { name: template, entries: [] }
    group.entries.push({ entry, year: Number(years[0] ?? 0) })
    groups.set(id, group)
  }
  return [...groups.values()].map(({ name, entries: members }) => {
    const sorted = members.toSorted((a, b) => a.year - b.year)
    const isSplit = sorted.length > 1
    return {
      name: isSplit ? name : (sorted[0]?.entry.name ?? name),
      entries: sorted.map(({ entry }) => entry),
      years: isSplit ? sorted.map(({ year }) => year) : [],
    }
  })
}

function toCandidate({ name, entries, years }: ReturnType<typeof groupByYear>[number]): Candidate {
  const columns = entries.toReversed().find((entry) => entry.columns.length > 0)?.columns ?? []
  const counted = entries.flatMap(({ rows }) => rows ?? [])
  const updates = entries.flatMap(({ updatedAt }) => updatedAt ?? []).sort()
  const roles = rolesOf(columns)
  return {
    ...{ name, entries, years, columns, roles, filled: filledOf(columns, roles) },
    rows: counted.length === 0 ? undefined : counted.reduce((sum, rows) => sum + rows, 0),
    updatedAt: updates.at(-1),
  }
}

/** The emptier one of the columns that a row cannot do without. */
function filledOf(columns: readonly PublishedColumn[], roles: ColumnRoles): number | undefined {
  const place = roles.point && 'latitude' in roles.point ? roles.point.latitude : roles.point?.location
  const needed = [roles.division ?? place, roles.opened]
  const shares = needed.map((name) => columns.find((column) => column.name === name)?.filled)
  const known = shares.filter((share) => share !== undefined)
  return known.length < needed.length ? undefined : Math.min(...known)
}

/** Smaller is better, place by place. */
function rankOf({ roles, updatedAt, rows = 0, filled = 0 }: Candidate, now: Date): number[] {
  const days =
    updatedAt === undefined ? Number.POSITIVE_INFINITY : (now.getTime() - Date.parse(updatedAt)) / DAY_MS
  const age = days <= FRESH_DAYS[0] ? 0 : days <= FRESH_DAYS[1] ? 1 : 2
  return [roles.division === undefined ? 1 : 0, age, -Math.floor(Math.log10(rows + 1)), -filled, -rows]
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number)
}
