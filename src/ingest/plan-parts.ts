import type { PartsConfig } from '../contracts/city-file.js'
import type { Run } from './run-files.js'
import type { DivisionRuns } from './split-pages.js'

/** One file of the table that is to be: some runs of one division, within the budget. */
export interface PlannedPart {
  readonly division: string
  readonly runs: readonly Run[]
  readonly rows: number
  /** Bytes of its cells as text at most, and 8 for each number. */
  readonly bytes: number
}

/** Rows and bytes of some runs together. */
export function sizeOf(runs: readonly Run[]): { rows: number; bytes: number } {
  return {
    rows: runs.reduce((sum, run) => sum + run.rows, 0),
    bytes: runs.reduce((sum, run) => sum + run.bytes, 0),
  }
}

/** A part of these runs. */
export function partOf(division: string, runs: readonly Run[]): PlannedPart {
  return { division, runs, ...sizeOf(runs) }
}

/** Rows that the engine takes at a time, whatever their length. */
const VECTOR_ROWS = 2_048
/** Bytes that so many rows may have; of longer rows a part may have no more, for the engine holds all of it several times. */
const LONG_ROWS_BYTES = 16 * 1024 * 1024

/** Whether rows are so long that memory goes by their bytes and not by their number. */
export function hasLongRows({ rows, bytes }: { rows: number; bytes: number }): boolean {
  return bytes > LONG_ROWS_BYTES && (bytes / rows) * VECTOR_ROWS > LONG_ROWS_BYTES
}

/** The budget of the city file, or a smaller one where rows are long. */
export function budgetFor(size: { rows: number; bytes: number }, budget: PartsConfig): PartsConfig {
  if (!hasLongRows(size)) return budget
  const maxUncompressedBytes = Math.min(budget.maxUncompressedBytes, LONG_ROWS_BYTES)
  return { ...budget, maxUncompressedBytes }
}

/** Whether rows of this size may lie in one part. */
export function fitsBudget(size: { rows: number; bytes: number }, budget: PartsConfig): boolean {
  return size.rows <= budget.maxRows && size.bytes <= budget.maxUncompressedBytes
}

/** Room that buckets are given for not being equal: hashes spread rows evenly, but not quite. */
const BUCKET_ROOM = 1.1

/** Into how many buckets of a hash rows of this size go first. */
export function bucketsFor(size: { rows: number; bytes: number }, budget: PartsConfig): number {
  const share = Math.max(size.rows / budget.maxRows, size.bytes / budget.maxUncompressedBytes)
  return Math.max(2, Math.ceil(share * BUCKET_ROOM))
}

/** Divisions that are parts as they are, and those that are too large for one. */
export function planDivisions(
  divisions: readonly DivisionRuns[],
  budget: PartsConfig,
): { parts: PlannedPart[]; tooLarge: DivisionRuns[] } {
  const fits = ({ runs }: DivisionRuns) => {
    const size = sizeOf(runs)
    return fitsBudget(size, budgetFor(size, budget))
  }
  return {
    parts: divisions.filter(fits).map(({ division, runs }) => partOf(division, runs)),
    tooLarge: divisions.filter((one) => !fits(one)),
  }
}

/**
 * Shares work among workers so that they end at about the same time: the largest first, each to the one with the least.
 * @returns the shares that have work
 */
export function shareOut<Work>(
  work: readonly Work[],
  workers: number,
  weigh: (one: Work) => number,
): Work[][] {
  const shares = Array.from({ length: workers }, () => ({ weight: 0, work: [] as Work[] }))
  for (const one of work.toSorted((a, b) => weigh(b) - weigh(a))) {
    const lightest = shares.reduce((least, share) => (share.weight < least.weight ? share : least))
    lightest.work.push(one)
    lightest.weight += weigh(one)
  }
  return shares.filter((share) => share.work.length > 0).map((share) => share.work)
}
