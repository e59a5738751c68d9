import { CITYWIDE, UNASSIGNED } from '../contracts/columns.js'
import type { PointCounts } from '../contracts/points.js'

/** How the division of a row is told from some of its published cells. */
export interface DivisionRule {
  /** Header names of the columns whose cells are needed, in the order in which {@link of} takes them; none for a whole city. */
  readonly columns: readonly string[]
  /** True for a rule that counts rows: it is asked for each. Its cells are no divisions, and may be long. */
  readonly isAskedEachRow?: boolean
  /** The partition value. Equal cells give an equal value: a rule of one column is asked once for each of its values, unless it counts. */
  of(cells: readonly string[]): string
  /** What was counted so far; undefined for a rule that does not count. */
  counted?(): PointCounts
}

/** A division that stands in a column. */
export interface ColumnSettings {
  /** Header name of the publisher's column that holds the division. */
  readonly column: string
  /** The publisher's spelling to the division's value. */
  readonly values: Readonly<Record<string, string>>
}

/** What the city file says of a dataset's divisions, as plain data: threads and processes make the rule of it anew. */
export type DivisionSettings = ColumnSettings | typeof CITYWIDE

/** The rule that the settings ask for. */
export function divisionFromSettings(settings: DivisionSettings): DivisionRule {
  return settings === CITYWIDE ? divisionOfWholeCity : divisionFromColumn(settings)
}

/** No row has a division of its own: all are the whole city's, and no cell is needed. */
export const divisionOfWholeCity: DivisionRule = { columns: [], of: () => CITYWIDE }

const OUTER_BLANKS = /^[ \t\r\n]+|[ \t\r\n]+$/g

/** The division stands in a column: its text without outer blanks, or what the city file says it means; a blank is unassigned. */
export function divisionFromColumn({ column, values }: ColumnSettings): DivisionRule {
  const meanings = new Map(Object.entries(values))
  return {
    columns: [column],
    of: ([cell = '']) => {
      const published = cell.replace(OUTER_BLANKS, '')
      return published === '' ? UNASSIGNED : (meanings.get(published) ?? published)
    },
  }
}
