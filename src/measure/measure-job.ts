import type { KindName } from '../contracts/kinds.js'
import type { NewFile } from '../lake/delta/table.js'

/** The tidy parts of one division, over all sources. */
export interface MeasureInput {
  readonly division: string
  readonly parts: readonly string[]
  readonly rows: number
  readonly bytes: number
}

/** A few divisions, together at most one part budget, worked one after the other in one process. */
export interface MeasureJob {
  readonly table: string
  readonly tidyVersion: number
  readonly partitionColumn: string
  /** What the tidy rows are: by which columns they are counted, and what the counts are called. */
  readonly kind: KindName
  readonly divisions: readonly MeasureInput[]
}

/** The series files of one division; their counts sum to `rows`. */
export interface MeasureResult {
  readonly division: string
  readonly rows: number
  readonly parts: readonly NewFile[]
}
