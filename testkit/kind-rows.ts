import { KINDS, type KindName } from '../src/contracts/kinds.js'
import { addDays } from '../src/kernel/time.js'

/** Form of every instant of {@link kindCsv}. */
const FORMATS = ['%Y-%m-%d %H:%M:%S']

/** A mapping of every field of a kind, to the column of its name in capitals. */
export function mappingOfAll(kind: KindName): Record<string, unknown> {
  return Object.fromEntries(
    KINDS[kind].fields.map(({ name, type }) => {
      const from = name.toUpperCase()
      return [name, type === 'timestamp' ? { from, formats: FORMATS } : from]
    }),
  )
}

/** Cells of one row, by field; what is left out gets a value of its type. */
export type KindCells = Readonly<Record<string, string>>

/** A CSV file of a kind, a column a field, for {@link mappingOfAll}. */
export function kindCsv(kind: KindName, rows: readonly KindCells[]): string {
  const { fields } = KINDS[kind]
  const header = fields.map(({ name }) => name.toUpperCase()).join(',')
  const lines = rows.map((cells) =>
    fields.map(({ name, type }) => cells[name] ?? usual(name, type)).join(','),
  )
  return `${[header, ...lines].join('\n')}\n`
}

function usual(name: string, type: string): string {
  if (type === 'timestamp') return '2026-01-01 12:00:00'
  return type === 'string' ? `some ${name}` : '3'
}

/** Rows of one category from a Monday on, so many on each day. @param count by week and day, both from 0 */
export function dailyRows(
  kind: KindName,
  plan: {
    readonly category: string
    readonly from: string
    readonly weeks: number
    readonly count: (week: number, day: number) => number
  },
): KindCells[] {
  const { id, category, at } = KINDS[kind]
  return Array.from({ length: plan.weeks * 7 }, (_none, index) => {
    const day = addDays(plan.from, index)
    const rows = plan.count(Math.floor(index / 7), index % 7)
    return Array.from({ length: rows }, (_row, one) => ({
      [id]: `${plan.category}-${day}-${one}`,
      [category]: plan.category,
      [at]: `${day} 12:00:00`,
    }))
  }).flat()
}
