import { CityFile, type PartsConfig } from '../../contracts/city-file.js'
import type { Candidate } from './candidates.js'

/** Bytes of text a cell takes with its separator, over the service requests of several cities: 34 columns took 384 bytes a row. */
const BYTES_A_CELL = 11.3
const MAX_ROW_BYTES = 1024 * 1024
/** The largest part with which the ceilings of workers were tested. */
const TESTED_PARTS = CityFile.shape.parts.parse({})

/** What reading a dataset will take, before a byte of it is downloaded. */
export interface Estimate {
  /** Undefined where the portal tells no rows. */
  readonly rows: number | undefined
  readonly downloadBytes: number | undefined
  /** Parts that it is cut into at least. */
  readonly parts: number | undefined
  /** Disk for pages and work, at once. */
  readonly scratchBytes: number | undefined
  /**
   * Ingestion is flat: its peak does not grow with the rows, so only a row that is longer than a row may be stands in the way, or parts that are
   * larger than those with which the ceilings were tested.
   */
  readonly fitsCeiling: boolean
}

/** @param budget largest part, as the city file has it */
export function estimate(
  { rows, columns }: Pick<Candidate, 'rows' | 'columns'>,
  budget: PartsConfig,
): Estimate {
  const rowBytes = Math.max(1, columns.length) * BYTES_A_CELL
  const fitsCeiling = rowBytes < MAX_ROW_BYTES && isTested(budget)
  if (rows === undefined)
    return { rows, downloadBytes: undefined, parts: undefined, scratchBytes: undefined, fitsCeiling }
  const bytes = Math.round(rows * rowBytes)
  const parts = Math.max(1, Math.ceil(rows / budget.maxRows), Math.ceil(bytes / budget.maxUncompressedBytes))
  return { rows, downloadBytes: bytes, parts, scratchBytes: bytes * 2, fitsCeiling }
}

function isTested({ maxRows, maxUncompressedBytes }: PartsConfig): boolean {
  return maxRows <= TESTED_PARTS.maxRows && maxUncompressedBytes <= TESTED_PARTS.maxUncompressedBytes
}
