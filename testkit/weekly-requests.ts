import { addDays } from '../src/kernel/time.js'

/** Counts a day by division and category, from a Monday on: what {@link requestsCsv} writes. */
export interface RequestPlan {
  readonly from: string
  readonly weeks: number
  readonly divisions: readonly string[]
  readonly categories: readonly string[]
  /** Requests of one day. */
  count(division: string, category: string, week: number, day: number): number
}

/** A CSV file with one row a request, in the order of days: `id,District,Type,Opened`. */
export function requestsCsv(plan: RequestPlan): string {
  const lines = ['id,District,Type,Opened']
  for (let week = 0; week < plan.weeks; week++) {
    for (let day = 0; day < 7; day++) {
      const opened = addDays(plan.from, week * 7 + day)
      for (const division of plan.divisions) {
        for (const category of plan.categories) {
          const count = plan.count(division, category, week, day)
          for (let one = 0; one < count; one++)
            lines.push(`${division}-${category}-${opened}-${one},${division},${category},${opened} 12:00:00`)
        }
      }
    }
  }
  return `${lines.join('\n')}\n`
}
