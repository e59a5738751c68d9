import type { KindName } from '../contracts/kinds.js'
import type { NewFile } from '../lake/delta/table.js'
import type { RawPart } from '../lake/duckdb/raw-rows.js'
import type { FieldPlan } from './typing-sql.js'

/** The raw parts of one division. */
export interface DivisionInput {
  readonly division: string
  /** The live raw files. */
  readonly parts: readonly RawPart[]
  readonly rows: number
  readonly bytes: number
}

/** A few divisions, together at most one part budget, worked one after the other in one process. */
export interface HarmonizeJob {
  readonly table: string
  readonly quarantineTable: string
  readonly source: string
  /** Version of the raw table that is worked. */
  readonly rawVersion: number
  readonly partitionColumn: string
  readonly timeZone: string
  readonly kind: KindName
  readonly fields: readonly FieldPlan[]
  /** Raw column that identifies a row, or undefined. */
  readonly key: string | undefined
  /** Publisher's columns of the raw table, for the raw text of quarantined rows. */
  readonly rawColumns: readonly string[]
  readonly divisions: readonly DivisionInput[]
}

/** What became of the rows of one division: in = out + quarantined + duplicate. */
export interface DivisionResult {
  readonly division: string
  readonly rowsIn: number
  readonly rowsOut: number
  readonly rowsQuarantined: number
  readonly rowsDuplicate: number
  /** Cells with text that is not of their field's type, by field; the row was kept with an empty cell. */
  readonly untypedCells: Readonly<Record<string, number>>
  readonly parts: readonly NewFile[]
  readonly quarantined: readonly NewFile[]
}
