/** A part of one side of a comparison. */
export interface ComparedPart {
  readonly division: string
  /** Object of the Parquet file. */
  readonly object: string
  readonly rows: number
}

/** Two snapshots of a source, without the parts that both have. */
export interface CompareJob {
  /** Table columns that both snapshots have from the publisher, in any order: what makes a row the same. */
  readonly columns: readonly string[]
  /** True when neither snapshot has another column: then the stored row hash says the same as the columns. */
  readonly sameColumns: boolean
  /** Table column that identifies a row, or undefined. */
  readonly key: string | undefined
  /** Table columns that the division was told from; none where it was told from something else. */
  readonly partitionFrom: readonly string[]
  readonly before: readonly ComparedPart[]
  readonly after: readonly ComparedPart[]
}

/** How many rows went from one division to another; the same division for rows that stayed. */
export interface ChangeCell {
  /** Undefined for rows that were not there before. */
  readonly from: string | undefined
  /** Undefined for rows that are no longer there. */
  readonly to: string | undefined
  readonly rows: number
  /** Of these, rows whose published text is another. */
  readonly changed: number
}
